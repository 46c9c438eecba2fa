/** The 2022 edition over TCP (SIP022, SIP023), as a client speaks it to one server and a server on one port. */

import type { ShadowsocksEndpoint } from '../../config/types.js';
import { SESSION_SUBKEY_CONTEXT } from '../../crypto/blake3.js';
import type { AeadMethod } from '../../crypto/methods.js';
import { Keyring } from '../keyring.js';
import type { ProtocolMeans } from '../means.js';
import { type ClientProtocol, type ServerProtocol, Stream } from '../protocol.js';
import { hasIdentityHeaders, IdentityReader, IdentityWriter } from './identity.js';
import { keyChainOf, parseKeyChain, wipeKeyChain } from './keys.js';
import { RandomPadding } from './padding.js';
import { RequestReader2022, type ResponseMeans, type User2022 } from './request-reader.js';
import { type RequestMeans, RequestSealer2022 } from './request-sealer.js';
import { ResponseOpener2022 } from './response-opener.js';
import { Blake3SubkeyDerivation } from './subkeys.js';

export function clientProtocol2022(
  endpoint: ShadowsocksEndpoint,
  method: AeadMethod,
  { random, clock }: ProtocolMeans,
): ClientProtocol {
  const chain = keyChainOf(endpoint, method.keyLength);
  const hasHops = chain.identityKeys.length > 0;
  if (hasHops && !hasIdentityHeaders(method)) throw new RangeError(`${method.name} has no identity keys`);
  const derivation = new Blake3SubkeyDerivation(SESSION_SUBKEY_CONTEXT, method.keyLength);
  const means: RequestMeans = {
    keyring: new Keyring(method, chain.userKey, derivation, random),
    identity: hasHops ? new IdentityWriter(chain) : undefined,
    padding: new RandomPadding(random),
    clock,
  };
  return {
    connect(target) {
      const sealer = new RequestSealer2022(means, target);
      return new Stream(sealer, new ResponseOpener2022(means.keyring, sealer, clock));
    },
    wipe() {
      means.identity?.release();
      wipeKeyChain(chain);
    },
  };
}

export function serverProtocol2022(
  endpoint: ShadowsocksEndpoint,
  method: AeadMethod,
  { random, clock, replay }: ProtocolMeans,
): ServerProtocol {
  const chain = keyChainOf(endpoint, method.keyLength);
  if (chain.identityKeys.length > 0) throw new RangeError('a server has one key, and users have the others');
  const derivation = new Blake3SubkeyDerivation(SESSION_SUBKEY_CONTEXT, method.keyLength);
  const users = (endpoint.users ?? []).map(({ name, password }): User2022 => {
    const key = parseKeyChain(password, method.keyLength)?.userKey;
    if (key === undefined) throw new RangeError(`the key of the user ${name} must be ${method.keyLength} bytes`);
    return { name, key, keyring: new Keyring(method, key, derivation, random) };
  });
  if (users.length > 0 && !hasIdentityHeaders(method)) throw new RangeError(`${method.name} has no users`);
  const means: ResponseMeans = {
    keyring: new Keyring(method, chain.userKey, derivation, random),
    identity: users.length > 0 ? new IdentityReader(chain.userKey, users) : undefined,
    salts: replay.tcp2022,
    clock,
  };
  return {
    newRequest: () => new RequestReader2022(means),
    wipe() {
      means.identity?.release();
      wipeKeyChain(chain);
      for (const { keyring } of users) keyring.wipe();
    },
  };
}
