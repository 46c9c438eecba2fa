/**
 * SHA-1 of messages of two blocks by libcrypto, on memory of our own. HMAC over short inputs is nothing else: a block of padded key and a
 * block of message. A session key costs six of these (see `src/crypto/hkdf.ts`); through node:crypto the same derivation costs ten times
 * as much, most of it for objects.
 *
 * `SHA_CTX` is public in <openssl/sha.h>: five words of state, two of the length, a block, the number of bytes that wait in it. As long as
 * whole blocks come, none wait, and the length is of interest to the end of a message alone, which is ours.
 */

import { fillShort } from './bytes.js';
import { bindCrypto } from './libcrypto.js';
import { Region } from './memory.js';
import { ADDRESS } from './platform.js';

export const SHA1_BLOCK_LENGTH = 64;
export const SHA1_DIGEST_LENGTH = 20;
const MESSAGE_LENGTH = 2 * SHA1_BLOCK_LENGTH;
const STATE_WORDS = 5;
const SHA_CTX_SIZE = 96;

/** A state and some messages that stay where they are, so that what is constant in them is written once. Not shared between threads. */
export class Sha1Messages {
  /** It always gives 1, which is not worth fetching. */
  readonly #update = bindCrypto('SHA1_Update', 'void', [ADDRESS, ADDRESS, 'size_t']);
  readonly #region: Region;
  readonly #contextAddress: number;
  readonly #messageAddresses: number[] = [];
  /** Of each message, four bytes at a time and singly. */
  readonly words: Int32Array[] = [];
  readonly bytes: Uint8Array[] = [];
  /** Of the last message: the digest, in words whose most significant byte is the first. */
  readonly state: Int32Array;

  /** @throws LibcryptoMissingError */
  constructor(count: number) {
    this.#region = new Region(SHA_CTX_SIZE + count * MESSAGE_LENGTH + SHA1_BLOCK_LENGTH);
    const contextAt = this.#region.reserve(SHA_CTX_SIZE);
    this.#contextAddress = this.#region.at(contextAt, SHA_CTX_SIZE);
    this.state = this.#region.words.subarray(contextAt / 4, contextAt / 4 + STATE_WORDS);
    for (let i = 0; i < count; i++) {
      const at = this.#region.reserve(MESSAGE_LENGTH);
      this.#messageAddresses.push(this.#region.at(at, MESSAGE_LENGTH));
      this.words.push(this.#region.words.subarray(at / 4, (at + MESSAGE_LENGTH) / 4));
      this.bytes.push(this.#region.bytes.subarray(at, at + MESSAGE_LENGTH));
    }
  }

  /** Hashes a message from the initial state. It has its own padding. */
  hash(message: number): void {
    const { state } = this;
    // FIPS 180-4 §5.3.1. Five assignments: TypedArray.set costs more than a compression.
    state[0] = 0x67452301;
    state[1] = 0xefcdab89;
    state[2] = 0x98badcfe;
    state[3] = 0x10325476;
    state[4] = 0xc3d2e1f0;
    this.#update(this.#contextAddress, this.#messageAddresses[message], MESSAGE_LENGTH);
  }

  /** Overwrites what is left of secrets in the state. */
  wipeState(): void {
    fillShort(this.state, 0, 0, STATE_WORDS);
  }
}

/**
 * Pads the second block behind `length` bytes (FIPS 180-4 §5.1.1): a 1 bit, zeros, and the length in bits of both blocks' contents.
 * @param length at most 55
 */
export function padSecondBlock(message: Uint8Array, length: number): void {
  message[SHA1_BLOCK_LENGTH + length] = 0x80;
  fillShort(message, 0, SHA1_BLOCK_LENGTH + length + 1, MESSAGE_LENGTH - 2);
  const bits = (SHA1_BLOCK_LENGTH + length) * 8;
  message[MESSAGE_LENGTH - 2] = bits >>> 8;
  message[MESSAGE_LENGTH - 1] = bits;
}
