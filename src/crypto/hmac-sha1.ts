/** HMAC-SHA1 (RFC 2104) of a short message under a short key: two calls of libcrypto, where node:crypto would make several objects. */

import { createHmac } from 'node:crypto';
import { LibcryptoMissingError } from '../../native-bindings/libcrypto.js';
import { padSecondBlock, SHA1_BLOCK_LENGTH, SHA1_DIGEST_LENGTH, Sha1Messages } from '../../native-bindings/sha1.js';

/** A message and its padding fit one block. */
const LONGEST_MESSAGE = SHA1_BLOCK_LENGTH - 9;

export interface HmacSha1 {
  /**
   * @param key at most a block of 64 bytes
   * @param length of the message at `from[at]`, at most 55 bytes
   * @returns the first four bytes of the code, as a number
   */
  firstWord(key: Uint8Array, from: Uint8Array, at: number, length: number): number;
}

export function createHmacSha1(): HmacSha1 {
  try {
    return new FastHmacSha1();
  } catch (error) {
    if (error instanceof LibcryptoMissingError) return nodeHmacSha1;
    throw error;
  }
}

/** The slow way, also the oracle of the fast one's tests. */
export const nodeHmacSha1: HmacSha1 = {
  firstWord(key, from, at, length) {
    return createHmac('sha1', key)
      .update(from.subarray(at, at + length))
      .digest()
      .readInt32BE(0);
  },
};

const INNER = 0;
const OUTER = 1;

class FastHmacSha1 implements HmacSha1 {
  readonly #sha1 = new Sha1Messages(2);

  firstWord(key: Uint8Array, from: Uint8Array, at: number, length: number): number {
    if (key.length > SHA1_BLOCK_LENGTH || length > LONGEST_MESSAGE) throw new RangeError('too long for one block');
    const { bytes, state } = this.#sha1;
    const inner = bytes[INNER];
    const outer = bytes[OUTER];
    for (let i = 0; i < SHA1_BLOCK_LENGTH; i++) {
      const byte = i < key.length ? key[i] : 0;
      inner[i] = byte ^ 0x36;
      outer[i] = byte ^ 0x5c;
    }
    for (let i = 0; i < length; i++) inner[SHA1_BLOCK_LENGTH + i] = from[at + i];
    padSecondBlock(inner, length);
    this.#sha1.hash(INNER);
    for (let i = 0; i < SHA1_DIGEST_LENGTH; i++) outer[SHA1_BLOCK_LENGTH + i] = state[i >> 2] >>> (24 - 8 * (i & 3));
    padSecondBlock(outer, SHA1_DIGEST_LENGTH);
    this.#sha1.hash(OUTER);
    const word = state[0];
    inner.fill(0);
    outer.fill(0);
    this.#sha1.wipeState();
    return word;
  }
}
