/** Which protocol a method belongs to. The one place that knows all of them. */

import type { ShadowsocksEndpoint } from '../config/types.js';
import type { SubkeyDerivation } from '../crypto/hkdf.js';
import { type AeadMethod, METHODS, type Method, type PlainMethod, type StreamMethod } from '../crypto/methods.js';
import type { RandomSource } from '../crypto/random.js';
import { RequestReader2017 } from './aead-2017/request-reader.js';
import { StreamOpener2017 } from './aead-2017/stream-opener.js';
import { StreamSealer2017 } from './aead-2017/stream-sealer.js';
import { Keyring, masterKeyOf } from './keyring.js';
import type { ClientProtocol, ServerProtocol } from './protocol.js';
import type { ReplayFilters } from './replay.js';
import { UnauthenticatedKeyring } from './stream/keyring.js';
import { unauthenticatedClient, unauthenticatedServer } from './stream/protocol.js';

/** What all endpoints of a reactor share. */
export interface ProtocolMeans {
  readonly derivation: SubkeyDerivation;
  readonly random: RandomSource;
  /** Shared with the other reactors. */
  readonly replay: ReplayFilters;
}

export function clientProtocol(endpoint: ShadowsocksEndpoint, means: ProtocolMeans): ClientProtocol {
  const method: Method = METHODS[endpoint.method];
  switch (method.family) {
    case 'aead-2017':
      return clientProtocol2017(keyringOf(endpoint, method, means));
    case 'stream':
    case 'plain':
      return unauthenticatedClient(unauthenticatedKeyringOf(endpoint, method, means));
    case 'aead-2022':
      throw notServed(method);
    default:
      return unknownFamily(method);
  }
}

function clientProtocol2017(keyring: Keyring): ClientProtocol {
  return {
    connect(target) {
      const opener = new StreamOpener2017(keyring);
      opener.allowEmptyChunks();
      return { sealer: new StreamSealer2017(keyring, target), opener };
    },
    wipe: () => keyring.wipe(),
  };
}

export function serverProtocol(endpoint: ShadowsocksEndpoint, means: ProtocolMeans): ServerProtocol {
  const method: Method = METHODS[endpoint.method];
  switch (method.family) {
    case 'aead-2017':
      return serverProtocol2017(keyringOf(endpoint, method, means));
    case 'stream':
    case 'plain':
      return unauthenticatedServer(unauthenticatedKeyringOf(endpoint, method, means));
    case 'aead-2022':
      throw notServed(method);
    default:
      return unknownFamily(method);
  }
}

function serverProtocol2017(keyring: Keyring): ServerProtocol {
  return {
    newRequest: () => new RequestReader2017(keyring),
    wipe: () => keyring.wipe(),
  };
}

function keyringOf(endpoint: ShadowsocksEndpoint, method: AeadMethod, { derivation, random }: ProtocolMeans): Keyring {
  return new Keyring(method, masterKeyOf(endpoint), derivation, random);
}

function unauthenticatedKeyringOf(
  endpoint: ShadowsocksEndpoint,
  method: StreamMethod | PlainMethod,
  { random, replay }: ProtocolMeans,
): UnauthenticatedKeyring {
  const cipher = method.family === 'stream' ? method : undefined;
  return new UnauthenticatedKeyring(cipher, masterKeyOf(endpoint), random, replay.tcpUnauthenticated);
}

function notServed({ name }: Method): RangeError {
  return new RangeError(`The method ${name} is not served yet.`);
}

function unknownFamily(method: never): never {
  throw new RangeError(`no protocol for ${JSON.stringify(method)}`);
}
