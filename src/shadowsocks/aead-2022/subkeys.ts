/** Keys that belong to one salt or session, by BLAKE3: `derive_key(context, key | salt)` (SIP022 §2.2, SIP023). */

import { copyShort, copyWords } from '../../../native-bindings/bytes.js';
import { Blake3KeyDerivation } from '../../crypto/blake3.js';
import type { SubkeyDerivation } from '../../crypto/hkdf.js';

export class Blake3SubkeyDerivation implements SubkeyDerivation {
  readonly lanes = 1;
  readonly #blake3: Blake3KeyDerivation;
  /** Key and salt behind each other. */
  readonly #material: Uint8Array;
  readonly #materialView: DataView;

  /** @param keyLength of keys, salts and what is derived, in bytes */
  constructor(context: string, keyLength: number) {
    this.#blake3 = new Blake3KeyDerivation(context);
    this.#material = new Uint8Array(2 * keyLength);
    this.#materialView = new DataView(this.#material.buffer);
  }

  derive(key: Uint8Array, salts: DataView, saltsAt: Int32Array, _count: number, into: Uint8Array): void {
    const keyLength = this.#material.length / 2;
    copyWords(salts, saltsAt[0], keyLength, this.#materialView, keyLength);
    this.#derive(key, into);
  }

  deriveOne(key: Uint8Array, salt: Uint8Array, saltAt: number, into: Uint8Array): void {
    const keyLength = this.#material.length / 2;
    copyShort(salt, saltAt, keyLength, this.#material, keyLength);
    this.#derive(key, into);
  }

  #derive(key: Uint8Array, into: Uint8Array): void {
    const material = this.#material;
    const keyLength = material.length / 2;
    material.set(key);
    this.#blake3.derive(material, keyLength, into);
    material.fill(0);
  }

  /** It leaves nothing. */
  forget(): void {}
}
