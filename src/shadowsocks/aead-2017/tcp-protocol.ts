/** AEAD 2017 over TCP (SIP004), as a client speaks it to one server and a server on one port. */

import type { ShadowsocksEndpoint } from '../../config/types.js';
import { keyFromPassword } from '../../crypto/master-key.js';
import type { AeadMethod } from '../../crypto/methods.js';
import { Keyring, masterKeyOf } from '../keyring.js';
import type { ProtocolMeans } from '../means.js';
import { type ClientProtocol, type ServerProtocol, Stream } from '../protocol.js';
import { RequestReader2017 } from './request-reader.js';
import { ServerSaltMark } from './server-salts.js';
import { StreamOpener2017 } from './stream-opener.js';
import { StreamSealer2017 } from './stream-sealer.js';
import { OnlyUser, TrialUsers, type User2017, type Users2017 } from './users.js';

export function clientProtocol2017(
  endpoint: ShadowsocksEndpoint,
  method: AeadMethod,
  { derivation, random, replay }: ProtocolMeans,
): ClientProtocol {
  const salts = replay.tcp2017;
  const keyring = new Keyring(method, masterKeyOf(endpoint), derivation, random, salts);
  return {
    connect(target) {
      const opener = new StreamOpener2017(keyring, salts);
      opener.allowEmptyChunks();
      return new Stream(new StreamSealer2017(keyring, target), opener);
    },
    wipe: () => keyring.wipe(),
  };
}

export function serverProtocol2017(
  endpoint: ShadowsocksEndpoint,
  method: AeadMethod,
  means: ProtocolMeans,
): ServerProtocol {
  const marks: ServerSaltMark[] = [];
  /** @param secret what a person typed, or else the raw key */
  const userOf = (name: string | undefined, masterKey: Uint8Array, secret: Uint8Array): User2017 => {
    const { derivation, random } = means;
    const salts = means.replay.tcp2017;
    const mark = ServerSaltMark.of(secret, method.keyLength);
    if (mark === undefined) {
      return { name, keyring: new Keyring(method, masterKey, derivation, random, salts), salts };
    }
    marks.push(mark);
    const keyring = new Keyring(method, masterKey, derivation, mark.marking(random), salts);
    return { name, keyring, salts: mark.refusing(salts) };
  };
  const users = usersOf(endpoint, method, userOf);
  return {
    newRequest: () => new RequestReader2017(users),
    wipe() {
      users.wipe();
      for (const mark of marks) mark.wipe();
    },
  };
}

function usersOf(
  endpoint: ShadowsocksEndpoint,
  method: AeadMethod,
  userOf: (name: string | undefined, masterKey: Uint8Array, secret: Uint8Array) => User2017,
): Users2017 {
  const { users = [] } = endpoint;
  const utf8 = new TextEncoder();
  if (users.length === 0) {
    const masterKey = masterKeyOf(endpoint);
    const secret = endpoint.key === undefined ? utf8.encode(endpoint.password) : masterKey;
    const { keyring, salts } = userOf(undefined, masterKey, secret);
    return new OnlyUser(keyring, salts);
  }
  return new TrialUsers(
    users.map(({ name, password }) => userOf(name, keyFromPassword(password, method.keyLength), utf8.encode(password))),
  );
}
