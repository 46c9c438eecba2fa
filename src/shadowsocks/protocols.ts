/** Which protocol a method belongs to. The one place that knows all of them. */

import type { ShadowsocksEndpoint } from '../config/types.js';
import type { SubkeyDerivation } from '../crypto/hkdf.js';
import { METHODS } from '../crypto/methods.js';
import type { RandomSource } from '../crypto/random.js';
import { RequestReader2017 } from './aead-2017/request-reader.js';
import { StreamOpener2017 } from './aead-2017/stream-opener.js';
import { StreamSealer2017 } from './aead-2017/stream-sealer.js';
import { Keyring, masterKeyOf } from './keyring.js';
import type { ClientProtocol, ServerProtocol } from './protocol.js';
import type { ReplayFilters } from './replay.js';

/** What all endpoints of a reactor share. */
export interface ProtocolMeans {
  readonly derivation: SubkeyDerivation;
  readonly random: RandomSource;
  /** Shared with the other reactors. */
  readonly replay: ReplayFilters;
}

export function clientProtocol(endpoint: ShadowsocksEndpoint, means: ProtocolMeans): ClientProtocol {
  const keyring = keyringOf(endpoint, means);
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
  const keyring = keyringOf(endpoint, means);
  return {
    newRequest: () => new RequestReader2017(keyring),
    wipe: () => keyring.wipe(),
  };
}

function keyringOf(endpoint: ShadowsocksEndpoint, { derivation, random }: ProtocolMeans): Keyring {
  return new Keyring(METHODS[endpoint.method], masterKeyOf(endpoint), derivation, random);
}
