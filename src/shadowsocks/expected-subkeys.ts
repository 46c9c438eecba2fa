/**
 * Subkeys of datagrams that have been received and are about to be opened one after the other, derived together because that costs less. They
 * are told apart by their salts, so it does no harm where one is never asked for, or another one in between.
 */

import { copyWords } from '../../native-bindings/bytes.js';
import type { Region } from '../../native-bindings/memory.js';
import type { SubkeyDerivation } from '../crypto/hkdf.js';
import { SubkeyLanes } from './subkey-lanes.js';

export class ExpectedSubkeys {
  readonly #lanes: SubkeyLanes;
  #count = 0;
  /** The first that has not been asked for. */
  #next = 0;

  constructor(masterKey: Uint8Array, derivation: SubkeyDerivation) {
    this.#lanes = new SubkeyLanes(masterKey, derivation);
  }

  /** Derives the subkeys of the salts at `from[saltsAt[i]]`, in place of those that were expected before. */
  expect(from: Region, saltsAt: Int32Array, count: number): void {
    const { saltView, saltLength } = this.#lanes;
    this.#count = Math.min(count, this.#lanes.count);
    this.#next = 0;
    for (let i = 0; i < this.#count; i++) copyWords(from.view, saltsAt[i], saltLength, saltView, i * saltLength);
    this.#lanes.derive(this.#count);
  }

  /** @returns the subkey of the salt at `from[at]`, where that is the next of those expected; to be overwritten after use */
  take(from: Region, at: number): Uint8Array | undefined {
    while (this.#next < this.#count) {
      const next = this.#next++;
      if (this.#isSalt(next, from, at)) return this.#lanes.subkeys[next];
    }
    return undefined;
  }

  #isSalt(index: number, { view }: Region, at: number): boolean {
    const { saltView, saltLength } = this.#lanes;
    const start = index * saltLength;
    for (let i = 0; i < saltLength; i += 4) if (saltView.getInt32(start + i) !== view.getInt32(at + i)) return false;
    return true;
  }

  /** Forgets the subkeys. */
  wipe(): void {
    this.#lanes.wipe();
    this.#count = 0;
  }
}
