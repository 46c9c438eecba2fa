/**
 * ChaCha20-Poly1305 (RFC 8439) without EVP, from libcrypto's ChaCha20_ctr32 and Poly1305_*: for a short message most of EVP's time goes into
 * looking parameters up by name. A key here is 32 bytes of memory instead of a context, so that a session costs nothing to set up.
 *
 *   keystream block 0 ──► the one-time Poly1305 key        blocks 1, 2, … ──► the message
 *   tag = Poly1305(ciphertext | zeros to a multiple of 16 | u64 length of additional data, 0 | u64 length of ciphertext)
 *
 * A short message is put behind 64 zeros, so that one call makes the Poly1305 key and the message, and a second one authenticates it with
 * its padding. Where a symbol is missing, EVP is used instead; like every backend, this one has to give the known answers before it is.
 */

import { copyShort, fillShort } from './bytes.js';
import { KeySlots } from './key-slots.js';
import { AEAD_TAG_LENGTH, bindCrypto, LibcryptoMissingError } from './libcrypto.js';
import { Region } from './memory.js';
import { ADDRESS, type NumericFunction } from './platform.js';

const KEY_LENGTH = 32;
const BLOCK_LENGTH = 64;
const POLY_BLOCK_LENGTH = 16;
/** Up to this length two copies by a loop cost less than the calls that they save (measured: even at about 400 bytes). */
const SHORT_LENGTH = 256;
/** Poly1305_ctx_size() is 248 in OpenSSL 3.0 to 3.5. */
const POLY_CONTEXT_SIZE = 512;

interface ChaCha {
  readonly counterBlocks: NumericFunction;
  readonly polyInit: NumericFunction;
  readonly polyUpdate: NumericFunction;
  readonly polyFinal: NumericFunction;
}

let loaded: ChaCha | undefined;

function chacha(): ChaCha {
  loaded ??= load();
  return loaded;
}

function load(): ChaCha {
  const polyContextSize = bindCrypto('Poly1305_ctx_size', 'size_t', [])();
  if (polyContextSize > POLY_CONTEXT_SIZE)
    throw new LibcryptoMissingError('libcrypto has a larger Poly1305 state than expected');
  return {
    counterBlocks: bindCrypto('ChaCha20_ctr32', 'void', [ADDRESS, ADDRESS, 'size_t', ADDRESS, ADDRESS]),
    polyInit: bindCrypto('Poly1305_Init', 'void', [ADDRESS, ADDRESS]),
    polyUpdate: bindCrypto('Poly1305_Update', 'void', [ADDRESS, ADDRESS, 'size_t']),
    polyFinal: bindCrypto('Poly1305_Final', 'void', [ADDRESS, ADDRESS]),
  };
}

/** One message's memory, the thread's own: `before` is 64 zeros, then a short message; `after` is what they become. */
const STAGE_LENGTH = BLOCK_LENGTH + SHORT_LENGTH + POLY_BLOCK_LENGTH + POLY_BLOCK_LENGTH;
const scratch = new Region(8192);
const BEFORE_AT = scratch.reserve(STAGE_LENGTH, 64);
const AFTER_AT = scratch.reserve(STAGE_LENGTH, 64);
const STATE_AT = scratch.reserve(POLY_CONTEXT_SIZE, 64);
const COUNTER_AT = scratch.reserve(16);
const TRAILER_AT = scratch.reserve(2 * POLY_BLOCK_LENGTH);
const TAG_AT = scratch.reserve(AEAD_TAG_LENGTH);
const COUNTER_WORD = COUNTER_AT / 4;
const BEFORE = scratch.base + BEFORE_AT;
const AFTER = scratch.base + AFTER_AT;
const STATE = scratch.base + STATE_AT;
const COUNTER = scratch.base + COUNTER_AT;
const TRAILER = scratch.base + TRAILER_AT;
const TAG = scratch.base + TAG_AT;
const { bytes, words } = scratch;

const keySlots = new KeySlots(KEY_LENGTH);

/** The initial state's last words: the block counter, then the nonce, which is Shadowsocks' little-endian counter. */
function writeCounter(block: 0 | 1, counter: number): void {
  words[COUNTER_WORD] = block;
  words[COUNTER_WORD + 1] = counter | 0;
  words[COUNTER_WORD + 2] = Math.floor(counter / 2 ** 32);
}

/** Zeros up to a multiple of 16 and the two lengths, at `bytes[at]` behind `length` bytes. @returns how many bytes that is */
function writeTrailer(at: number, length: number): number {
  const padding = -length & (POLY_BLOCK_LENGTH - 1);
  const lengthsAt = at + padding;
  fillShort(bytes, 0, at, lengthsAt + POLY_BLOCK_LENGTH);
  bytes[lengthsAt + 8] = length;
  bytes[lengthsAt + 9] = length >>> 8;
  bytes[lengthsAt + 10] = length >>> 16;
  return padding + POLY_BLOCK_LENGTH;
}

/** In constant time. */
function tagsDiffer(a: Uint8Array, at: number): boolean {
  let difference = 0;
  for (let i = 0; i < AEAD_TAG_LENGTH; i++) difference |= a[at + i] ^ bytes[TAG_AT + i];
  return difference !== 0;
}

/** One key, for both directions. */
export class ChaChaDirect {
  readonly #chacha: ChaCha;
  readonly #slot = keySlots.take();
  readonly #key = this.#slot.region.at(this.#slot.offset, KEY_LENGTH);

  /** @throws LibcryptoMissingError */
  constructor() {
    this.#chacha = chacha();
  }

  /** Takes a new key; the old one is overwritten. @param key 32 bytes */
  rekey(key: Uint8Array): void {
    copyShort(key, 0, KEY_LENGTH, this.#slot.region.bytes, this.#slot.offset);
  }

  /** As `EvpAead.seal`. */
  seal(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    const to = output.at(outputAt, length + AEAD_TAG_LENGTH);
    const from = input.at(inputAt, length);
    if (length > SHORT_LENGTH) {
      this.#startLong(counter);
      this.#chacha.counterBlocks(to, from, length, this.#key, COUNTER);
      this.#authenticateLong(to, length, to + length);
      return;
    }
    copyShort(input.bytes, inputAt, length, bytes, BEFORE_AT + BLOCK_LENGTH);
    this.#applyShort(counter, length);
    this.#authenticateShort(AFTER_AT, length, to + length);
    copyShort(bytes, AFTER_AT + BLOCK_LENGTH, length, output.bytes, outputAt);
  }

  /** As `EvpAead.open`, but what is not authentic is not even decrypted into the output. */
  open(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): boolean {
    const from = input.at(inputAt, length + AEAD_TAG_LENGTH);
    const to = output.at(outputAt, length);
    if (length > SHORT_LENGTH) {
      this.#startLong(counter);
      this.#authenticateLong(from, length, TAG);
      if (tagsDiffer(input.bytes, inputAt + length)) return false;
      this.#chacha.counterBlocks(to, from, length, this.#key, COUNTER);
      return true;
    }
    copyShort(input.bytes, inputAt, length, bytes, BEFORE_AT + BLOCK_LENGTH);
    this.#applyShort(counter, length);
    this.#authenticateShort(BEFORE_AT, length, TAG);
    if (tagsDiffer(input.bytes, inputAt + length)) return false;
    copyShort(bytes, AFTER_AT + BLOCK_LENGTH, length, output.bytes, outputAt);
    return true;
  }

  /** From the staged message: the Poly1305 key at AFTER, the result behind it. */
  #applyShort(counter: number, length: number): void {
    writeCounter(0, counter);
    this.#chacha.counterBlocks(AFTER, BEFORE, BLOCK_LENGTH + length, this.#key, COUNTER);
  }

  #authenticateShort(stageAt: number, length: number, tag: number): void {
    const { polyInit, polyUpdate, polyFinal } = this.#chacha;
    const at = stageAt + BLOCK_LENGTH;
    const trailer = writeTrailer(at + length, length);
    polyInit(STATE, AFTER);
    polyUpdate(STATE, scratch.at(at, length + trailer), length + trailer);
    polyFinal(STATE, tag);
  }

  /** The Poly1305 key at AFTER; the counter is left at block 1, where the message begins. */
  #startLong(counter: number): void {
    writeCounter(0, counter);
    this.#chacha.counterBlocks(AFTER, BEFORE, BLOCK_LENGTH, this.#key, COUNTER);
    words[COUNTER_WORD] = 1;
  }

  /** @param ciphertext an address that the caller has checked */
  #authenticateLong(ciphertext: number, length: number, tag: number): void {
    const { polyInit, polyUpdate, polyFinal } = this.#chacha;
    const trailer = writeTrailer(TRAILER_AT, length);
    polyInit(STATE, AFTER);
    polyUpdate(STATE, ciphertext, length);
    polyUpdate(STATE, TRAILER, trailer);
    polyFinal(STATE, tag);
  }

  /** Overwrites the key. */
  wipe(): void {
    keySlots.wipe(this.#slot);
  }

  free(): void {
    keySlots.give(this.#slot);
  }
}
