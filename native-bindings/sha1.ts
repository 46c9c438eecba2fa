/**
 * libcrypto's SHA-1 compression function on a state in memory of our own. A session key costs ten of these (see `src/crypto/hkdf.ts`);
 * through node:crypto the same derivation costs ten times as much, most of it for objects.
 *
 * `SHA_CTX` is public in <openssl/sha.h>: the five state words come first.
 */

import { fillShort } from './bytes.js';
import { bindCrypto } from './libcrypto.js';
import { Region } from './memory.js';
import { ADDRESS } from './platform.js';

export const SHA1_BLOCK_LENGTH = 64;
export const SHA1_DIGEST_LENGTH = 20;
const STATE_WORDS = 5;
/** FIPS 180-4 §5.3.1. */
const INITIAL_STATE = Int32Array.of(0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0);

/** h0..h4, then fields that the transform does not touch. */
const SHA_CTX_SIZE = 96;

/** One SHA-1 state and one input block. Not shared between threads. */
export class Sha1Compression {
  readonly #transform = bindCrypto('SHA1_Transform', 'void', [ADDRESS, ADDRESS]);
  readonly #region = new Region(4096);
  readonly #stateAt = this.#region.reserve(SHA_CTX_SIZE);
  readonly #blockAt = this.#region.reserve(SHA1_BLOCK_LENGTH);
  readonly #state: Int32Array;
  readonly #stateAddress: number;
  readonly #blockAddress: number;
  /** The block that `compress` takes next. */
  readonly block: Uint8Array;
  /** The same bytes four at a time. */
  readonly blockWords: Int32Array;

  /** @throws LibcryptoMissingError */
  constructor() {
    this.#state = this.#region.words.subarray(this.#stateAt / 4, this.#stateAt / 4 + STATE_WORDS);
    this.block = this.#region.bytes.subarray(this.#blockAt, this.#blockAt + SHA1_BLOCK_LENGTH);
    this.blockWords = this.#region.words.subarray(this.#blockAt / 4, (this.#blockAt + SHA1_BLOCK_LENGTH) / 4);
    this.#stateAddress = this.#region.at(this.#stateAt, SHA_CTX_SIZE);
    this.#blockAddress = this.#region.at(this.#blockAt, SHA1_BLOCK_LENGTH);
  }

  reset(): void {
    this.restore(INITIAL_STATE);
  }

  /** @param state five words saved by `save` */
  restore(state: Int32Array): void {
    // Five assignments: TypedArray.set costs more than the compression.
    for (let i = 0; i < STATE_WORDS; i++) this.#state[i] = state[i];
  }

  save(state: Int32Array): void {
    for (let i = 0; i < STATE_WORDS; i++) state[i] = this.#state[i];
  }

  compress(): void {
    this.#transform(this.#stateAddress, this.#blockAddress);
  }

  /** Writes the state as the 20 bytes of a digest. */
  digest(into: Uint8Array, at: number): void {
    for (let i = 0; i < STATE_WORDS; i++) {
      const word = this.#state[i];
      into[at + 4 * i] = word >>> 24;
      into[at + 4 * i + 1] = word >>> 16;
      into[at + 4 * i + 2] = word >>> 8;
      into[at + 4 * i + 3] = word;
    }
  }

  /** Overwrites what is left of secrets. */
  wipe(): void {
    fillShort(this.#state, 0, 0, STATE_WORDS);
    fillShort(this.blockWords, 0, 0, SHA1_BLOCK_LENGTH / 4);
  }
}
