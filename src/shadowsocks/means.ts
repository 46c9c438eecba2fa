/** What all endpoints of a reactor share to speak their protocols. */

import type { SubkeyDerivation } from '../crypto/hkdf.js';
import type { RandomSource } from '../crypto/random.js';
import type { WallClock } from './aead-2022/time.js';
import type { ReplayFilters } from './replay.js';

export interface ProtocolMeans {
  /** Of AEAD 2017. */
  readonly derivation: SubkeyDerivation;
  readonly random: RandomSource;
  readonly clock: WallClock;
  /** Shared with the other reactors. */
  readonly replay: ReplayFilters;
}
