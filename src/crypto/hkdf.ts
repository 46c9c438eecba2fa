/**
 * HKDF-SHA1 (RFC 5869) for session subkeys: `subkey = HKDF(key, salt, "ss-subkey")`, once for each direction of each connection.
 *
 * node:crypto's `hkdfSync` makes several objects a call. Here HMAC is unrolled: the inputs are so short that every hash is of two blocks, the
 * padded key and the message, and most of those blocks is constant. That is six calls for a subkey of 32 bytes. To compress the
 * pads of the expand step once for both of its blocks would take fewer compressions but ten calls, and a call costs more. Where
 * libcrypto does not export the function, node:crypto takes its place.
 */

import { hkdfSync } from 'node:crypto';
import { fillShort } from '../../native-bindings/bytes.js';
import { LibcryptoMissingError } from '../../native-bindings/libcrypto.js';
import { padSecondBlock, SHA1_BLOCK_LENGTH, SHA1_DIGEST_LENGTH, Sha1Messages } from '../../native-bindings/sha1.js';

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
    return new Sha1Hkdf();
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

const INNER_PAD = 0x36363636;
const OUTER_PAD = 0x5c5c5c5c;
const BLOCK_WORDS = SHA1_BLOCK_LENGTH / 4;
const DIGEST_WORDS = SHA1_DIGEST_LENGTH / 4;
/** Of a key or a salt, in words: what a derivation may have written over a pad. */
const MAX_KEY_WORDS = 8;

/** The messages, each a padded key and a padded message behind it. */
const EXTRACT_INNER = 0;
const EXTRACT_OUTER = 1;
const FIRST_INNER = 2;
const SECOND_INNER = 3;
const EXPAND_OUTER = 4;
const MESSAGES = 5;

class Sha1Hkdf implements SubkeyDerivation {
  readonly #sha1 = new Sha1Messages(MESSAGES);

  constructor() {
    const { words, bytes } = this.#sha1;
    for (const inner of [EXTRACT_INNER, FIRST_INNER, SECOND_INNER]) words[inner].fill(INNER_PAD, 0, BLOCK_WORDS);
    for (const outer of [EXTRACT_OUTER, EXPAND_OUTER]) {
      words[outer].fill(OUTER_PAD, 0, BLOCK_WORDS);
      padSecondBlock(bytes[outer], SHA1_DIGEST_LENGTH);
    }
    // T(1) is of info | 1, T(2) of T(1) | info | 2.
    bytes[FIRST_INNER].set([...INFO, 1], SHA1_BLOCK_LENGTH);
    padSecondBlock(bytes[FIRST_INNER], INFO.length + 1);
    bytes[SECOND_INNER].set([...INFO, 2], SHA1_BLOCK_LENGTH + SHA1_DIGEST_LENGTH);
    padSecondBlock(bytes[SECOND_INNER], SHA1_DIGEST_LENGTH + INFO.length + 1);
  }

  derive(key: Uint8Array, salt: Uint8Array, saltAt: number, into: Uint8Array): void {
    const sha1 = this.#sha1;
    const { words } = sha1;
    // Extract: PRK = HMAC(salt, key).
    this.#setExtract(key, salt, saltAt);
    sha1.hash(EXTRACT_INNER);
    putDigest(sha1.state, words[EXTRACT_OUTER], BLOCK_WORDS, 0);
    sha1.hash(EXTRACT_OUTER);
    putDigest(sha1.state, words[FIRST_INNER], 0, INNER_PAD);
    putDigest(sha1.state, words[EXPAND_OUTER], 0, OUTER_PAD);
    const isLong = key.length > SHA1_DIGEST_LENGTH;
    if (isLong) putDigest(sha1.state, words[SECOND_INNER], 0, INNER_PAD);
    // Expand: T(n) = HMAC(PRK, T(n−1) | info | n).
    this.#expand(FIRST_INNER);
    giveDigest(sha1.state, into, 0, key.length);
    if (isLong) {
      putDigest(sha1.state, words[SECOND_INNER], BLOCK_WORDS, 0);
      this.#expand(SECOND_INNER);
      giveDigest(sha1.state, into, SHA1_DIGEST_LENGTH, key.length);
    }
    this.#wipe();
  }

  /** The salt is the key of this HMAC, and the key its message. */
  #setExtract(key: Uint8Array, salt: Uint8Array, saltAt: number): void {
    const { words, bytes } = this.#sha1;
    const inner = words[EXTRACT_INNER];
    const outer = words[EXTRACT_OUTER];
    const keyWords = key.length >> 2;
    for (let i = 0; i < keyWords; i++) {
      const word = wordOf(salt, saltAt + 4 * i);
      inner[i] = word ^ INNER_PAD;
      outer[i] = word ^ OUTER_PAD;
      inner[BLOCK_WORDS + i] = wordOf(key, 4 * i);
    }
    for (let i = keyWords * 4; i < key.length; i++) {
      bytes[EXTRACT_INNER][i] = salt[saltAt + i] ^ (INNER_PAD & 0xff);
      bytes[EXTRACT_OUTER][i] = salt[saltAt + i] ^ (OUTER_PAD & 0xff);
      bytes[EXTRACT_INNER][SHA1_BLOCK_LENGTH + i] = key[i];
    }
    padSecondBlock(bytes[EXTRACT_INNER], key.length);
  }

  #expand(inner: number): void {
    const sha1 = this.#sha1;
    sha1.hash(inner);
    putDigest(sha1.state, sha1.words[EXPAND_OUTER], BLOCK_WORDS, 0);
    sha1.hash(EXPAND_OUTER);
  }

  /** Back to what is constant. */
  #wipe(): void {
    const { words } = this.#sha1;
    fillShort(words[EXTRACT_INNER], INNER_PAD, 0, MAX_KEY_WORDS);
    fillShort(words[EXTRACT_OUTER], OUTER_PAD, 0, MAX_KEY_WORDS);
    // The message's padding may be one word further than its last one.
    fillShort(words[EXTRACT_INNER], 0, BLOCK_WORDS, BLOCK_WORDS + MAX_KEY_WORDS + 1);
    fillShort(words[FIRST_INNER], INNER_PAD, 0, DIGEST_WORDS);
    fillShort(words[SECOND_INNER], INNER_PAD, 0, DIGEST_WORDS);
    fillShort(words[EXPAND_OUTER], OUTER_PAD, 0, DIGEST_WORDS);
    for (const message of [EXTRACT_OUTER, SECOND_INNER, EXPAND_OUTER]) {
      fillShort(words[message], 0, BLOCK_WORDS, BLOCK_WORDS + DIGEST_WORDS);
    }
    this.#sha1.wipeState();
  }
}

/** Four bytes as a word of the machine, which is little-endian. */
function wordOf(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/** Writes a digest's words as bytes in their order, each xor-ed with `pad`. */
function putDigest(digest: Int32Array, into: Int32Array, at: number, pad: number): void {
  for (let i = 0; i < DIGEST_WORDS; i++) into[at + i] = swapBytes(digest[i]) ^ pad;
}

/** The machines that this runs on are little-endian. */
function swapBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** Writes a digest at `into[at]`, as much of it as there is up to `end`. */
function giveDigest(digest: Int32Array, into: Uint8Array, at: number, end: number): void {
  const whole = Math.min(DIGEST_WORDS, (end - at) >> 2);
  for (let i = 0; i < whole; i++) {
    const word = digest[i];
    into[at + 4 * i] = word >>> 24;
    into[at + 4 * i + 1] = word >>> 16;
    into[at + 4 * i + 2] = word >>> 8;
    into[at + 4 * i + 3] = word;
  }
  if (whole === DIGEST_WORDS) return;
  for (let i = at + 4 * whole; i < end; i++) into[i] = digest[whole] >>> (24 - 8 * ((i - at) & 3));
}
