/**
 * HKDF-SHA1 (RFC 5869) for session subkeys: `subkey = HKDF(key, salt, "ss-subkey")`, once for each direction of each connection, and for each
 * datagram.
 *
 * node:crypto's `hkdfSync` makes several objects a call. Here HMAC is unrolled: the inputs are so short that every hash is of two blocks, the
 * padded key and the message, and most of those blocks is constant. That is six calls for a subkey of 32 bytes, or for as many of them as
 * fit the lanes. To compress the pads of the expand step once for both of its blocks would take fewer compressions but ten calls, and a
 * call costs more. Where libcrypto does not export the function, node:crypto takes its place.
 */

import { hkdfSync } from 'node:crypto';
import { LibcryptoMissingError } from '../../native-bindings/libcrypto.js';
import {
  padSecondBlock,
  SHA1_BLOCK_LENGTH,
  SHA1_DIGEST_LENGTH,
  SHA1_DIGEST_WORDS,
  SHA1_LANES,
  Sha1Lanes,
} from '../../native-bindings/sha1.js';

/** SIP004. */
const INFO = new TextEncoder().encode('ss-subkey');

/** Derives session subkeys of one thread. */
export interface SubkeyDerivation {
  /** So many together cost far less than singly; 1: it makes no difference. */
  readonly lanes: number;
  /**
   * Derives subkeys of one master key.
   * @param key the master key: 16, 24 or 32 bytes, which do not change as long as `forget` is not called
   * @param salts each as long as the key
   * @param saltsAt where they are in `salts`
   * @param count at most `lanes`
   * @param into receives the subkeys, each as long as the key, behind each other
   */
  derive(key: Uint8Array, salts: DataView, saltsAt: Int32Array, count: number, into: Uint8Array): void;
  /** Overwrites what the last derivations have left behind, the master key included. To be called with a key that is not used any more. */
  forget(): void;
}

export function createSubkeyDerivation(): SubkeyDerivation {
  try {
    return new Sha1Hkdf();
  } catch (error) {
    if (error instanceof LibcryptoMissingError) return nodeHkdf;
    throw error;
  }
}

/** The slow way, also the oracle of the fast one's tests. */
export const nodeHkdf: SubkeyDerivation = {
  lanes: 1,
  derive(key, salts, saltsAt, _count, into) {
    const salt = new Uint8Array(salts.buffer, salts.byteOffset + saltsAt[0], key.length);
    into.set(new Uint8Array(hkdfSync('sha1', key, salt, INFO, key.length)));
  },
  forget() {},
};

/** A byte of it is as good as a word. */
const INNER_PAD = 0x36363636;
const OUTER_PAD = 0x5c5c5c5c;

/** The messages, each a padded key and a padded message behind it. */
const EXTRACT_INNER = 0;
const EXTRACT_OUTER = 1;
const FIRST_INNER = 2;
const SECOND_INNER = 3;
const EXPAND_OUTER = 4;
const MESSAGES = 5;

const NO_KEY = new Uint8Array(0);

/**
 * What a derivation leaves in the messages is overwritten by the next one, or by `forget`, but not at once: as long as the master key is in this
 * process's memory, from which all of it can be derived again, that would protect nothing.
 */
class Sha1Hkdf implements SubkeyDerivation {
  readonly lanes = SHA1_LANES;
  readonly #sha1 = new Sha1Lanes(MESSAGES);
  /** Whose bytes are in each lane's extract step, which is padded to its length: it is the same one nearly always. */
  readonly #keys: Uint8Array[] = [];

  constructor() {
    for (let lane = 0; lane < SHA1_LANES; lane++) {
      this.#pad(FIRST_INNER, lane, INNER_PAD, INFO.length + 1);
      this.#pad(SECOND_INNER, lane, INNER_PAD, SHA1_DIGEST_LENGTH + INFO.length + 1);
      this.#pad(EXPAND_OUTER, lane, OUTER_PAD, SHA1_DIGEST_LENGTH);
      // T(1) is of info | 1, T(2) of T(1) | info | 2.
      this.#putInfo(FIRST_INNER, lane, 0, 1);
      this.#putInfo(SECOND_INNER, lane, SHA1_DIGEST_LENGTH, 2);
      this.#keys.push(NO_KEY);
      this.#setKey(lane, NO_KEY);
    }
  }

  /** The first block is a pad, and the second one ends behind `length` bytes. */
  #pad(message: number, lane: number, pad: number, length: number): void {
    const { messages } = this.#sha1;
    const at = this.#sha1.messageAt(message, lane);
    for (let i = 0; i < SHA1_BLOCK_LENGTH; i += 4) messages.setInt32(at + i, pad);
    padSecondBlock(messages, at + SHA1_BLOCK_LENGTH, length);
  }

  #putInfo(message: number, lane: number, offset: number, n: number): void {
    const { messages } = this.#sha1;
    const at = this.#sha1.messageAt(message, lane) + SHA1_BLOCK_LENGTH + offset;
    for (let i = 0; i < INFO.length; i++) messages.setUint8(at + i, INFO[i]);
    messages.setUint8(at + INFO.length, n);
  }

  derive(key: Uint8Array, salts: DataView, saltsAt: Int32Array, count: number, into: Uint8Array): void {
    const sha1 = this.#sha1;
    const keyLength = key.length;
    const isLong = keyLength > SHA1_DIGEST_LENGTH;
    // Extract: PRK = HMAC(salt, key).
    this.#setExtract(key, salts, saltsAt, count);
    sha1.hash(EXTRACT_INNER, count);
    this.#put(EXTRACT_OUTER, SHA1_BLOCK_LENGTH, 0, count);
    sha1.hash(EXTRACT_OUTER, count);
    this.#put(FIRST_INNER, 0, INNER_PAD, count);
    this.#put(EXPAND_OUTER, 0, OUTER_PAD, count);
    if (isLong) this.#put(SECOND_INNER, 0, INNER_PAD, count);
    // Expand: T(n) = HMAC(PRK, T(n−1) | info | n).
    this.#expand(FIRST_INNER, count);
    this.#give(into, keyLength, 0, count);
    if (isLong) {
      this.#put(SECOND_INNER, SHA1_BLOCK_LENGTH, 0, count);
      this.#expand(SECOND_INNER, count);
      this.#give(into, keyLength, SHA1_DIGEST_LENGTH, count);
    }
  }

  /** The salt is the key of the extract step's HMAC, and the key its message. */
  #setKey(lane: number, key: Uint8Array): void {
    const { messages } = this.#sha1;
    if (key.length !== this.#keys[lane].length || key === NO_KEY) {
      this.#pad(EXTRACT_INNER, lane, INNER_PAD, key.length);
      this.#pad(EXTRACT_OUTER, lane, OUTER_PAD, SHA1_DIGEST_LENGTH);
    }
    const at = this.#sha1.messageAt(EXTRACT_INNER, lane) + SHA1_BLOCK_LENGTH;
    for (let i = 0; i < key.length; i += 4) messages.setInt32(at + i, wordOf(key, i));
    this.#keys[lane] = key;
  }

  #setExtract(key: Uint8Array, salts: DataView, saltsAt: Int32Array, count: number): void {
    const sha1 = this.#sha1;
    const { messages } = sha1;
    const { length } = key;
    for (let lane = 0; lane < count; lane++) {
      if (this.#keys[lane] !== key) this.#setKey(lane, key);
      const inner = sha1.messageAt(EXTRACT_INNER, lane);
      const outer = sha1.messageAt(EXTRACT_OUTER, lane);
      const saltAt = saltsAt[lane];
      for (let i = 0; i < length; i += 4) {
        const word = salts.getInt32(saltAt + i);
        messages.setInt32(inner + i, word ^ INNER_PAD);
        messages.setInt32(outer + i, word ^ OUTER_PAD);
      }
    }
  }

  #expand(inner: number, count: number): void {
    this.#sha1.hash(inner, count);
    this.#put(EXPAND_OUTER, SHA1_BLOCK_LENGTH, 0, count);
    this.#sha1.hash(EXPAND_OUTER, count);
  }

  /** Writes the lanes' digests into another message of theirs, from its byte `offset` on, xor-ed with `pad`. */
  #put(message: number, offset: number, pad: number, count: number): void {
    const sha1 = this.#sha1;
    const { state, messages } = sha1;
    for (let lane = 0; lane < count; lane++) {
      const at = sha1.messageAt(message, lane) + offset;
      for (let i = 0; i < SHA1_DIGEST_WORDS; i++) messages.setInt32(at + 4 * i, state[i * SHA1_LANES + lane] ^ pad);
    }
  }

  /** Writes the lanes' digests to their subkeys, from the byte `offset` of each on, as much as there is room for. */
  #give(into: Uint8Array, keyLength: number, offset: number, count: number): void {
    const { state } = this.#sha1;
    const words = Math.min(SHA1_DIGEST_WORDS, (keyLength - offset) >> 2);
    for (let lane = 0; lane < count; lane++) {
      const at = lane * keyLength + offset;
      for (let i = 0; i < words; i++) {
        const word = state[i * SHA1_LANES + lane];
        into[at + 4 * i] = word >>> 24;
        into[at + 4 * i + 1] = word >>> 16;
        into[at + 4 * i + 2] = word >>> 8;
        into[at + 4 * i + 3] = word;
      }
    }
  }

  forget(): void {
    const sha1 = this.#sha1;
    const { messages } = sha1;
    for (let lane = 0; lane < SHA1_LANES; lane++) {
      for (let message = 0; message < MESSAGES; message++) {
        const at = sha1.messageAt(message, lane);
        for (let i = 0; i < SHA1_DIGEST_LENGTH; i += 4) {
          messages.setInt32(at + i, 0);
          if (message !== FIRST_INNER) messages.setInt32(at + SHA1_BLOCK_LENGTH + i, 0);
        }
      }
      this.#setKey(lane, NO_KEY);
    }
    sha1.wipeState();
  }
}

/** Four bytes as a word, the most significant one first. */
function wordOf(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}
