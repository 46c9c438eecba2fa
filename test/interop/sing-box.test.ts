/** sing-box, in Go: the 2022 edition with users and through relays of identity headers, its own and umbra's, and AEAD 2017. */

import { AEAD_2017_METHODS, AEAD_2022_METHODS } from '../../src/config/types.js';
import { singBox, singBoxRelay, umbra, umbraRelay } from './peers.js';
import { describeBothWays, describeInterop, through } from './suite.js';

for (const method of [...AEAD_2017_METHODS, ...AEAD_2022_METHODS]) describeBothWays(singBox, umbra, { method });

const WITH_IDENTITIES = ['2022-blake3-aes-128-gcm', '2022-blake3-aes-256-gcm'] as const;
for (const method of WITH_IDENTITIES) describeBothWays(singBox, umbra, { method, users: true });

for (const method of WITH_IDENTITIES) {
  for (const users of [false, true]) {
    const variant = users ? 'a sing-box relay and users' : 'a sing-box relay';
    describeInterop({ client: umbra, server: umbra, method, users, between: through(singBoxRelay), variant });
  }
  const variant = 'an umbra hop and users';
  const between = through(umbraRelay);
  describeInterop({ client: singBox, server: singBox, method, users: true, between, variant });
  describeInterop({ client: umbra, server: singBox, method, users: true, between, variant });
}
