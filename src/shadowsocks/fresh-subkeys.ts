/**
 * Salts of streams and datagrams that are going to be sealed, drawn some time before they are needed, because their subkeys cost less when
 * several are derived together.
 */

import { copyWords } from '../../native-bindings/bytes.js';
import type { Region } from '../../native-bindings/memory.js';
import type { SubkeyDerivation } from '../crypto/hkdf.js';
import type { RandomSource } from '../crypto/random.js';
import type { SaltFilter } from './salt-filter.js';
import { SubkeyLanes } from './subkey-lanes.js';

export class FreshSubkeys {
  readonly #lanes: SubkeyLanes;
  readonly #random: RandomSource;
  readonly #known: SaltFilter | undefined;
  /** The first that has not been taken. */
  #next: number;

  /** @param known learns the salts, which must not come back to us */
  constructor(
    masterKey: Uint8Array,
    derivation: SubkeyDerivation,
    random: RandomSource,
    known: SaltFilter | undefined,
  ) {
    this.#lanes = new SubkeyLanes(masterKey, derivation);
    this.#random = random;
    this.#known = known;
    this.#next = this.#lanes.count;
  }

  /**
   * Writes a salt that was never used at `into[at]`.
   * @returns its subkey, to be overwritten once it is not needed any more
   */
  take(into: Region, at: number): Uint8Array {
    const { saltView, saltLength, subkeys, count } = this.#lanes;
    if (this.#next === count) this.#draw();
    copyWords(saltView, this.#next * saltLength, saltLength, into.view, at);
    return subkeys[this.#next++];
  }

  #draw(): void {
    const { salts, saltsAt, saltLength, count } = this.#lanes;
    for (let lane = 0; lane < count; lane++) this.#random(salts, lane * saltLength, saltLength);
    this.#known?.addFresh(salts, saltsAt, count, saltLength);
    this.#lanes.derive(count);
    this.#next = 0;
  }

  /** Forgets the subkeys. */
  wipe(): void {
    this.#lanes.wipe();
    this.#next = this.#lanes.count;
  }
}
