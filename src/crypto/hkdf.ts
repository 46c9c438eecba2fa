/**
 * HKDF-SHA1 (RFC 5869) for session subkeys: `subkey = HKDF(key, salt, "ss-subkey")`, once for each direction of each connection.
 *
 * node:crypto's `hkdfSync` makes several objects a call. Here HMAC is unrolled over SHA-1's compression function: the inputs are so short
 * that every message is one block, and the pads of the expand step are compressed once and used for all its blocks. That is ten
 * compressions for a subkey of 32 bytes. Where libcrypto does not export the function, node:crypto takes its place.
 */

import { hkdfSync } from 'node:crypto';
import { copyShort, fillShort } from '../../native-bindings/bytes.js';
import { LibcryptoMissingError } from '../../native-bindings/libcrypto.js';
import { SHA1_BLOCK_LENGTH, SHA1_DIGEST_LENGTH, Sha1Compression } from '../../native-bindings/sha1.js';

/** SIP004. */
const INFO = new TextEncoder().encode('ss-subkey');

/** Derives session subkeys of one thread. */
export interface SubkeyDerivation {
  /**
   * @param key the master key, at most 32 bytes
   * @param salt as many bytes as the key has, at `saltAt`
   * @param into receives as many bytes as the key has
   */
  derive(key: Uint8Array, salt: Uint8Array, saltAt: number, into: Uint8Array): void;
}

export function createSubkeyDerivation(): SubkeyDerivation {
  try {
    return new Sha1Hkdf(new Sha1Compression());
  } catch (error) {
    if (error instanceof LibcryptoMissingError) return nodeHkdf;
    throw error;
  }
}

/** The slow way, also the oracle of the fast one's tests. */
export const nodeHkdf: SubkeyDerivation = {
  derive(key, salt, saltAt, into) {
    const saltBytes = salt.subarray(saltAt, saltAt + key.length);
    into.set(new Uint8Array(hkdfSync('sha1', key, saltBytes, INFO, key.length)));
  },
};

const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
/** RFC 5869: T(1) | T(2), enough for 40 bytes; a subkey has at most 32. */
const EXPAND_BLOCKS = 2;

class Sha1Hkdf implements SubkeyDerivation {
  readonly #sha1: Sha1Compression;
  readonly #inner = new Int32Array(5);
  readonly #outer = new Int32Array(5);
  readonly #pseudorandomKey = new Uint8Array(SHA1_DIGEST_LENGTH);
  readonly #output = new Uint8Array(EXPAND_BLOCKS * SHA1_DIGEST_LENGTH);
  /** T(n−1) | info | n, at most 20 + 9 + 1 bytes. */
  readonly #message = new Uint8Array(SHA1_DIGEST_LENGTH + INFO.length + 1);

  constructor(sha1: Sha1Compression) {
    this.#sha1 = sha1;
  }

  derive(key: Uint8Array, salt: Uint8Array, saltAt: number, into: Uint8Array): void {
    const prk = this.#pseudorandomKey;
    const output = this.#output;
    // Extract: PRK = HMAC(salt, key).
    this.#startHmac(salt, saltAt, key.length);
    this.#finishHmac(key, key.length, prk, 0);
    // Expand: T(n) = HMAC(PRK, T(n−1) | info | n).
    this.#startHmac(prk, 0, SHA1_DIGEST_LENGTH);
    const message = this.#message;
    copyShort(INFO, 0, INFO.length, message, 0);
    message[INFO.length] = 1;
    this.#finishHmac(message, INFO.length + 1, output, 0);
    if (key.length > SHA1_DIGEST_LENGTH) {
      copyShort(output, 0, SHA1_DIGEST_LENGTH, message, 0);
      copyShort(INFO, 0, INFO.length, message, SHA1_DIGEST_LENGTH);
      message[SHA1_DIGEST_LENGTH + INFO.length] = 2;
      this.#finishHmac(message, message.length, output, SHA1_DIGEST_LENGTH);
    }
    copyShort(output, 0, key.length, into, 0);
    this.#wipe();
  }

  /** Compresses the two pads of an HMAC key of at most one block. */
  #startHmac(key: Uint8Array, at: number, length: number): void {
    this.#compressPad(key, at, length, INNER_PAD);
    this.#sha1.save(this.#inner);
    this.#compressPad(key, at, length, OUTER_PAD);
    this.#sha1.save(this.#outer);
  }

  #compressPad(key: Uint8Array, at: number, length: number, pad: number): void {
    const { block, blockWords } = this.#sha1;
    const words = length >> 2;
    // What the key does not reach is the pad alone: whole words of it, then the key over their beginning.
    fillShort(blockWords, pad * 0x01010101, words, SHA1_BLOCK_LENGTH / 4);
    for (let i = 0; i < words * 4; i++) block[i] = key[at + i] ^ pad;
    for (let i = words * 4; i < length; i++) block[i] ^= key[at + i];
    this.#sha1.reset();
    this.#sha1.compress();
  }

  /** The inner and the outer hash of a message that fits one block with its padding (at most 55 bytes). */
  #finishHmac(message: Uint8Array, length: number, into: Uint8Array, at: number): void {
    const { block } = this.#sha1;
    this.#sha1.restore(this.#inner);
    this.#clearBlock(length);
    copyShort(message, 0, length, block, 0);
    this.#compressLast(length);
    this.#clearBlock(SHA1_DIGEST_LENGTH);
    this.#sha1.digest(block, 0);
    this.#sha1.restore(this.#outer);
    this.#compressLast(SHA1_DIGEST_LENGTH);
    this.#sha1.digest(into, at);
  }

  /** Zeros behind a message of `length` bytes. */
  #clearBlock(length: number): void {
    fillShort(this.#sha1.blockWords, 0, length >> 2, SHA1_BLOCK_LENGTH / 4);
  }

  /** Pads the block (FIPS 180-4 §5.1.1): a 1 bit, zeros, the length in bits of the HMAC pad's block and the message. */
  #compressLast(length: number): void {
    const { block } = this.#sha1;
    block[length] = 0x80;
    const bits = (SHA1_BLOCK_LENGTH + length) * 8;
    block[SHA1_BLOCK_LENGTH - 2] = bits >>> 8;
    block[SHA1_BLOCK_LENGTH - 1] = bits;
    this.#sha1.compress();
  }

  #wipe(): void {
    this.#sha1.wipe();
    fillShort(this.#pseudorandomKey, 0, 0, SHA1_DIGEST_LENGTH);
    fillShort(this.#output, 0, 0, this.#output.length);
    fillShort(this.#message, 0, 0, this.#message.length);
    fillShort(this.#inner, 0, 0, this.#inner.length);
    fillShort(this.#outer, 0, 0, this.#outer.length);
  }
}
