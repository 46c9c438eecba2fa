/** shadowsocks-rust: the methods of 2017 that it has, all of 2022 with users and through an umbra hop, stream ciphers, and no encryption. */

import { AEAD_2022_METHODS } from '../../src/config/types.js';
import { rust, umbra, umbraRelay } from './peers.js';
import { describeBothWays, describeInterop, through } from './suite.js';

for (const method of ['aes-128-gcm', 'aes-256-gcm', 'chacha20-ietf-poly1305', 'xchacha20-ietf-poly1305'] as const) {
  describeBothWays(rust, umbra, { method });
}
for (const method of AEAD_2022_METHODS) describeBothWays(rust, umbra, { method });
for (const method of ['2022-blake3-aes-128-gcm', '2022-blake3-aes-256-gcm'] as const) {
  describeBothWays(rust, umbra, { method, users: true });
  const variant = 'an umbra hop and users';
  describeInterop({ client: rust, server: rust, method, users: true, between: through(umbraRelay), variant });
}
for (const method of ['aes-128-ctr', 'aes-256-cfb', 'camellia-256-cfb', 'chacha20-ietf', 'rc4-md5', 'none'] as const) {
  describeBothWays(rust, umbra, { method });
}
