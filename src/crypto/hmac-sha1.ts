/**
 * HMAC-SHA1 (RFC 2104) of short messages under one key: two calls of libcrypto, where node:crypto would make several objects. What the key's
 * own blocks hash to is kept, and is the key from then on.
 */

import { createHmac } from 'node:crypto';
import { LibcryptoMissingError } from '../../native-bindings/libcrypto.js';
import {
  padSecondBlock,
  SHA1_BLOCK_LENGTH,
  SHA1_DIGEST_LENGTH,
  SHA1_DIGEST_WORDS,
  Sha1Block,
} from '../../native-bindings/sha1.js';

/** A message and its padding fit one block. */
const LONGEST_MESSAGE = SHA1_BLOCK_LENGTH - 9;

/** The codes of one key. */
export interface HmacSha1 {
  /**
   * @param length of the message at `from[at]`, at most 55 bytes
   * @returns the first four bytes of the code, as a number
   */
  firstWord(from: Uint8Array, at: number, length: number): number;
  /** Forgets the key. */
  wipe(): void;
}

/** @param key at most a block of 64 bytes; it is not needed afterwards */
export function createHmacSha1(key: Uint8Array): HmacSha1 {
  try {
    return new FastHmacSha1(key);
  } catch (error) {
    if (error instanceof LibcryptoMissingError) return nodeHmacSha1(key);
    throw error;
  }
}

/** The slow way, also the oracle of the fast one's tests. */
export function nodeHmacSha1(key: Uint8Array): HmacSha1 {
  const own = Uint8Array.from(key);
  return {
    firstWord: (from, at, length) =>
      createHmac('sha1', own)
        .update(from.subarray(at, at + length))
        .digest()
        .readInt32BE(0),
    wipe: () => own.fill(0),
  };
}

const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/** One of a thread. */
let shared: Sha1Block | undefined;

class FastHmacSha1 implements HmacSha1 {
  readonly #sha1: Sha1Block;
  readonly #inner = new Int32Array(SHA1_DIGEST_WORDS);
  readonly #outer = new Int32Array(SHA1_DIGEST_WORDS);
  readonly #digest = new Int32Array(SHA1_DIGEST_WORDS);

  /** @throws LibcryptoMissingError */
  constructor(key: Uint8Array) {
    if (key.length > SHA1_BLOCK_LENGTH) throw new RangeError('a key longer than a block');
    shared ??= new Sha1Block();
    this.#sha1 = shared;
    this.#keep(key, INNER_PAD, this.#inner);
    this.#keep(key, OUTER_PAD, this.#outer);
    for (let i = 0; i < SHA1_BLOCK_LENGTH; i++) this.#sha1.block.setUint8(i, 0);
  }

  #keep(key: Uint8Array, pad: number, into: Int32Array): void {
    const { block } = this.#sha1;
    for (let i = 0; i < SHA1_BLOCK_LENGTH; i++) block.setUint8(i, (i < key.length ? key[i] : 0) ^ pad);
    this.#sha1.begin(into);
  }

  firstWord(from: Uint8Array, at: number, length: number): number {
    if (length > LONGEST_MESSAGE) throw new RangeError('too long for one block');
    const digest = this.#digest;
    const { block } = this.#sha1;
    for (let i = 0; i < length; i++) block.setUint8(i, from[at + i]);
    padSecondBlock(block, 0, length);
    this.#sha1.goOn(this.#inner, digest);
    for (let i = 0; i < SHA1_DIGEST_WORDS; i++) block.setInt32(4 * i, digest[i]);
    padSecondBlock(block, 0, SHA1_DIGEST_LENGTH);
    this.#sha1.goOn(this.#outer, digest);
    return digest[0];
  }

  wipe(): void {
    this.#inner.fill(0);
    this.#outer.fill(0);
  }
}
