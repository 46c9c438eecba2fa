/** sing-box, in Go: the 2022 edition with users and through a relay of identity headers, and AEAD 2017. */

import { AEAD_2017_METHODS, AEAD_2022_METHODS } from '../../src/config/types.js';
import { freePort, ProxyProcess } from '../support/proxy-process.js';
import { type Endpoint, singBox, singBoxRelay, umbra } from './peers.js';
import { describeBothWays, describeInterop, secretFor } from './suite.js';

for (const method of [...AEAD_2017_METHODS, ...AEAD_2022_METHODS]) describeBothWays(singBox, umbra, { method });

const WITH_IDENTITIES = ['2022-blake3-aes-128-gcm', '2022-blake3-aes-256-gcm'] as const;
for (const method of WITH_IDENTITIES) describeBothWays(singBox, umbra, { method, users: true });

/** The client's keys are then those of the relay, of the server and its own. */
async function throughRelay(endpoint: Endpoint, processes: ProxyProcess[]) {
  const serverPort = await freePort();
  const identityKey = secretFor(endpoint.method);
  const next = { port: endpoint.serverPort, identityKey: endpoint.serverPassword };
  processes.push(await ProxyProcess.start(singBoxRelay(endpoint, serverPort, identityKey, next), serverPort));
  return { serverPort, password: `${identityKey}:${endpoint.password}` };
}

for (const method of WITH_IDENTITIES) {
  for (const users of [false, true]) {
    const variant = users ? 'a sing-box relay and users' : 'a sing-box relay';
    describeInterop({ client: umbra, server: umbra, method, users, between: throughRelay, variant });
  }
}
