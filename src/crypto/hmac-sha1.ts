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

/** The two messages, one pair of a thread, padded for messages of one length: it is the same one nearly always. */
class Blocks {
  readonly inner = new Sha1Block();
  readonly outer = new Sha1Block();
  #length = -1;

  padFor(length: number): void {
    if (this.#length === length) return;
    this.#length = length;
    padSecondBlock(this.inner.block, 0, length);
    padSecondBlock(this.outer.block, 0, SHA1_DIGEST_LENGTH);
  }

  /** Hashes a key's own block. @param into receives the state */
  hashKey(key: Uint8Array, pad: number, into: Int32Array): void {
    this.#length = -1;
    const { block } = this.inner;
    for (let i = 0; i < SHA1_BLOCK_LENGTH; i++) block.setUint8(i, (i < key.length ? key[i] : 0) ^ pad);
    this.inner.begin(into);
    for (let i = 0; i < SHA1_BLOCK_LENGTH; i++) block.setUint8(i, 0);
  }
}

let shared: Blocks | undefined;

class FastHmacSha1 implements HmacSha1 {
  readonly #blocks: Blocks;
  readonly #inner = new Int32Array(SHA1_DIGEST_WORDS);
  readonly #outer = new Int32Array(SHA1_DIGEST_WORDS);
  readonly #digest = new Int32Array(SHA1_DIGEST_WORDS);

  /** @throws LibcryptoMissingError */
  constructor(key: Uint8Array) {
    if (key.length > SHA1_BLOCK_LENGTH) throw new RangeError('a key longer than a block');
    shared ??= new Blocks();
    this.#blocks = shared;
    shared.hashKey(key, INNER_PAD, this.#inner);
    shared.hashKey(key, OUTER_PAD, this.#outer);
  }

  firstWord(from: Uint8Array, at: number, length: number): number {
    if (length > LONGEST_MESSAGE) throw new RangeError('too long for one block');
    const digest = this.#digest;
    this.#blocks.padFor(length);
    const { inner, outer } = this.#blocks;
    for (let i = 0; i < length; i++) inner.block.setUint8(i, from[at + i]);
    inner.goOn(this.#inner, digest);
    for (let i = 0; i < SHA1_DIGEST_WORDS; i++) outer.block.setInt32(4 * i, digest[i]);
    outer.goOn(this.#outer, digest);
    return digest[0];
  }

  wipe(): void {
    this.#inner.fill(0);
    this.#outer.fill(0);
  }
}
