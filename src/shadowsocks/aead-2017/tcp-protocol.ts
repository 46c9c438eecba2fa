/** AEAD 2017 over TCP (SIP004), as a client speaks it to one server and a server on one port. */

import type { ShadowsocksEndpoint } from '../../config/types.js';
import { keyFromPassword } from '../../crypto/master-key.js';
import type { AeadMethod } from '../../crypto/methods.js';
import { Keyring, masterKeyOf } from '../keyring.js';
import type { ProtocolMeans } from '../means.js';
import type { ClientProtocol, ServerProtocol } from '../protocol.js';
import { RequestReader2017 } from './request-reader.js';
import { StreamOpener2017 } from './stream-opener.js';
import { StreamSealer2017 } from './stream-sealer.js';
import { OnlyUser, TrialUsers, type Users2017 } from './users.js';

export function clientProtocol2017(
  endpoint: ShadowsocksEndpoint,
  method: AeadMethod,
  { derivation, random, replay }: ProtocolMeans,
): ClientProtocol {
  const keyring = new Keyring(method, masterKeyOf(endpoint), derivation, random);
  const salts = replay.tcp2017;
  return {
    connect(target) {
      const opener = new StreamOpener2017(keyring, salts);
      opener.allowEmptyChunks();
      return { sealer: new StreamSealer2017(keyring, salts, target), opener };
    },
    wipe: () => keyring.wipe(),
  };
}

export function serverProtocol2017(
  endpoint: ShadowsocksEndpoint,
  method: AeadMethod,
  means: ProtocolMeans,
): ServerProtocol {
  const users = usersOf(endpoint, method, means);
  return {
    newRequest: () => new RequestReader2017(users, means.replay.tcp2017),
    wipe: () => users.wipe(),
  };
}

function usersOf(endpoint: ShadowsocksEndpoint, method: AeadMethod, { derivation, random }: ProtocolMeans): Users2017 {
  const { users = [] } = endpoint;
  if (users.length === 0) return new OnlyUser(new Keyring(method, masterKeyOf(endpoint), derivation, random));
  return new TrialUsers(
    users.map(({ name, password }) => {
      const masterKey = keyFromPassword(password, method.keyLength);
      return { name, keyring: new Keyring(method, masterKey, derivation, random) };
    }),
  );
}
