/** Salts and their subkeys, as many as cost least when they are derived together. */

import type { SubkeyDerivation } from '../crypto/hkdf.js';

export class SubkeyLanes {
  readonly count: number;
  /** Of salts, and of subkeys, in bytes. */
  readonly saltLength: number;
  /** Behind each other, and where each of them is. */
  readonly salts: Uint8Array;
  readonly saltView: DataView;
  readonly saltsAt: Int32Array;
  /** Each by itself. To be overwritten once it is not needed any more. */
  readonly subkeys: readonly Uint8Array[];
  readonly #masterKey: Uint8Array;
  readonly #derivation: SubkeyDerivation;
  readonly #all: Uint8Array;

  /** @param masterKey is looked at whenever subkeys are derived, not copied */
  constructor(masterKey: Uint8Array, derivation: SubkeyDerivation) {
    const { length } = masterKey;
    const { lanes } = derivation;
    this.count = lanes;
    this.saltLength = length;
    this.salts = new Uint8Array(lanes * length);
    this.saltView = new DataView(this.salts.buffer);
    this.#masterKey = masterKey;
    this.#derivation = derivation;
    this.saltsAt = Int32Array.from({ length: lanes }, (_, lane) => lane * length);
    this.#all = new Uint8Array(lanes * length);
    this.subkeys = Array.from(this.saltsAt, (at) => this.#all.subarray(at, at + length));
  }

  /** Derives the subkeys of the first `count` salts. */
  derive(count: number): void {
    this.#derivation.derive(this.#masterKey, this.saltView, this.saltsAt, count, this.#all);
  }

  /** Forgets the subkeys. */
  wipe(): void {
    this.#all.fill(0);
  }
}
