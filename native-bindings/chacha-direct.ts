/**
 * ChaCha20-Poly1305 (RFC 8439) and XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) without EVP, from libcrypto's ChaCha20_ctr32 and Poly1305_*: for a short message most of EVP's time goes into
 * looking parameters up by name. A key here is 32 bytes of memory instead of a context, so that a session costs nothing to set up.
 *
 *   keystream block 0 ──► the one-time Poly1305 key        blocks 1, 2, … ──► the message
 *   tag = Poly1305(ciphertext | zeros to a multiple of 16 | u64 length of additional data, 0 | u64 length of ciphertext)
 *
 * A short message is put behind 64 zeros, so that one call makes the Poly1305 key and the message, and a second one authenticates it with
 * its padding. Where a symbol is missing, EVP or libsodium is used instead; like every backend, this one has to give the known answers before
 * it is.
 *
 * XChaCha20 takes 24 bytes of nonce: HChaCha20 makes a subkey of the key and the first 16, and the last 8 are the end of ChaCha20's own nonce.
 * HChaCha20 is ChaCha20's block without the final addition of the state that it began with, so one block of keystream less that state is it.
 */

import { copyShort, copyWords, fillShort } from './bytes.js';
import { KeySlots } from './key-slots.js';
import { AEAD_TAG_LENGTH, bindCrypto, LibcryptoMissingError } from './libcrypto.js';
import { Region } from './memory.js';
import { ADDRESS, type NumericFunction } from './platform.js';

const KEY_LENGTH = 32;
const BLOCK_LENGTH = 64;
const POLY_BLOCK_LENGTH = 16;
const NONCE_LENGTH = 12;
const EXTENDED_NONCE_LENGTH = 24;
/** Of an extended nonce, what HChaCha20 takes. */
const HCHACHA_NONCE_LENGTH = 16;
/** RFC 8439 §2.3: "expand 32-byte k", the first words of the state. */
const SIGMA = Int32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);
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

function loadedChaCha(): ChaCha {
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
/** XChaCha20's key for one message. */
const SUBKEY_AT = scratch.reserve(KEY_LENGTH);
const COUNTER_WORD = COUNTER_AT / 4;
const AFTER_WORD = AFTER_AT / 4;
const SUBKEY_WORD = SUBKEY_AT / 4;
const BEFORE = scratch.base + BEFORE_AT;
const AFTER = scratch.base + AFTER_AT;
const STATE = scratch.base + STATE_AT;
const COUNTER = scratch.base + COUNTER_AT;
const TRAILER = scratch.base + TRAILER_AT;
const TAG = scratch.base + TAG_AT;
const SUBKEY = scratch.base + SUBKEY_AT;
const { bytes, words, view } = scratch;

const keySlots = new KeySlots(KEY_LENGTH);

/** The nonce that is Shadowsocks' little-endian counter, behind the block counter in the initial state's last words. */
function writeCounter(counter: number): void {
  words[COUNTER_WORD + 1] = counter | 0;
  words[COUNTER_WORD + 2] = Math.floor(counter / 2 ** 32);
  words[COUNTER_WORD + 3] = 0;
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

/** From the staged message: the Poly1305 key at AFTER, the result behind it. */
function applyShort({ counterBlocks }: ChaCha, key: number, length: number): void {
  words[COUNTER_WORD] = 0;
  counterBlocks(AFTER, BEFORE, BLOCK_LENGTH + length, key, COUNTER);
}

function authenticateShort(
  { polyInit, polyUpdate, polyFinal }: ChaCha,
  stageAt: number,
  length: number,
  tag: number,
): void {
  const at = stageAt + BLOCK_LENGTH;
  const trailer = writeTrailer(at + length, length);
  polyInit(STATE, AFTER);
  polyUpdate(STATE, scratch.at(at, length + trailer), length + trailer);
  polyFinal(STATE, tag);
}

/** The Poly1305 key at AFTER; the counter is left at block 1, where the message begins. */
function startLong({ counterBlocks }: ChaCha, key: number): void {
  words[COUNTER_WORD] = 0;
  counterBlocks(AFTER, BEFORE, BLOCK_LENGTH, key, COUNTER);
  words[COUNTER_WORD] = 1;
}

/** @param ciphertext an address that the caller has checked */
function authenticateLong(
  { polyInit, polyUpdate, polyFinal }: ChaCha,
  ciphertext: number,
  length: number,
  tag: number,
): void {
  const trailer = writeTrailer(TRAILER_AT, length);
  polyInit(STATE, AFTER);
  polyUpdate(STATE, ciphertext, length);
  polyUpdate(STATE, TRAILER, trailer);
  polyFinal(STATE, tag);
}

/** Seals with the key at an address and the nonce that stands behind the block counter. */
function sealMessage(
  chacha: ChaCha,
  key: number,
  input: Region,
  inputAt: number,
  length: number,
  output: Region,
  outputAt: number,
): void {
  const to = output.at(outputAt, length + AEAD_TAG_LENGTH);
  const from = input.at(inputAt, length);
  if (length > SHORT_LENGTH) {
    startLong(chacha, key);
    chacha.counterBlocks(to, from, length, key, COUNTER);
    authenticateLong(chacha, to, length, to + length);
    return;
  }
  copyWords(input.view, inputAt, length, view, BEFORE_AT + BLOCK_LENGTH);
  applyShort(chacha, key, length);
  authenticateShort(chacha, AFTER_AT, length, to + length);
  copyWords(view, AFTER_AT + BLOCK_LENGTH, length, output.view, outputAt);
}

/** Opens with the key at an address and the nonce that stands behind the block counter. */
function openMessage(
  chacha: ChaCha,
  key: number,
  input: Region,
  inputAt: number,
  length: number,
  output: Region,
  outputAt: number,
): boolean {
  const from = input.at(inputAt, length + AEAD_TAG_LENGTH);
  const to = output.at(outputAt, length);
  if (length > SHORT_LENGTH) {
    startLong(chacha, key);
    authenticateLong(chacha, from, length, TAG);
    if (tagsDiffer(input.bytes, inputAt + length)) return false;
    chacha.counterBlocks(to, from, length, key, COUNTER);
    return true;
  }
  copyWords(input.view, inputAt, length, view, BEFORE_AT + BLOCK_LENGTH);
  applyShort(chacha, key, length);
  authenticateShort(chacha, BEFORE_AT, length, TAG);
  if (tagsDiffer(input.bytes, inputAt + length)) return false;
  copyWords(view, AFTER_AT + BLOCK_LENGTH, length, output.view, outputAt);
  return true;
}

/** The memory of one key. */
class ChaChaKey {
  protected readonly chacha: ChaCha;
  protected readonly address: number;
  readonly #slot = keySlots.take();

  /** @throws LibcryptoMissingError */
  constructor() {
    this.chacha = loadedChaCha();
    this.address = this.#slot.region.at(this.#slot.offset, KEY_LENGTH);
  }

  /** Takes a new key; the old one is overwritten. @param key 32 bytes */
  rekey(key: Uint8Array): void {
    if (key.length !== KEY_LENGTH) throw new RangeError(`a key of ${key.length} bytes`);
    this.#slot.region.bytes.set(key, this.#slot.offset);
  }

  /** Overwrites the key. */
  wipe(): void {
    keySlots.wipe(this.#slot);
  }

  free(): void {
    keySlots.give(this.#slot);
  }
}

/** One key of ChaCha20-Poly1305, for both directions. */
export class ChaChaDirect extends ChaChaKey {
  /** As `EvpAead.seal`. */
  seal(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    writeCounter(counter);
    sealMessage(this.chacha, this.address, input, inputAt, length, output, outputAt);
  }

  /** As `EvpAead.open`, but what is not authentic is not even decrypted into the output. */
  open(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): boolean {
    writeCounter(counter);
    return openMessage(this.chacha, this.address, input, inputAt, length, output, outputAt);
  }

  /** As `EvpAead.sealWithNonce`. */
  sealWithNonce(
    nonce: Region,
    nonceAt: number,
    input: Region,
    inputAt: number,
    length: number,
    output: Region,
    outputAt: number,
  ): void {
    this.#copyNonce(nonce, nonceAt);
    sealMessage(this.chacha, this.address, input, inputAt, length, output, outputAt);
  }

  /** As `EvpAead.openWithNonce`, and as `open`. */
  openWithNonce(
    nonce: Region,
    nonceAt: number,
    input: Region,
    inputAt: number,
    length: number,
    output: Region,
    outputAt: number,
  ): boolean {
    this.#copyNonce(nonce, nonceAt);
    return openMessage(this.chacha, this.address, input, inputAt, length, output, outputAt);
  }

  #copyNonce(nonce: Region, nonceAt: number): void {
    nonce.at(nonceAt, NONCE_LENGTH);
    copyShort(nonce.bytes, nonceAt, NONCE_LENGTH, bytes, COUNTER_AT + 4);
  }
}

/** One key of XChaCha20-Poly1305, for both directions. As `ChaChaDirect`, with 24 bytes of nonce. */
export class XChaChaDirect extends ChaChaKey {
  seal(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    this.#startCounter(counter);
    sealMessage(this.chacha, SUBKEY, input, inputAt, length, output, outputAt);
    wipeSubkey();
  }

  open(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): boolean {
    this.#startCounter(counter);
    const authentic = openMessage(this.chacha, SUBKEY, input, inputAt, length, output, outputAt);
    wipeSubkey();
    return authentic;
  }

  sealWithNonce(
    nonce: Region,
    nonceAt: number,
    input: Region,
    inputAt: number,
    length: number,
    output: Region,
    outputAt: number,
  ): void {
    this.#startNonce(nonce, nonceAt);
    sealMessage(this.chacha, SUBKEY, input, inputAt, length, output, outputAt);
    wipeSubkey();
  }

  openWithNonce(
    nonce: Region,
    nonceAt: number,
    input: Region,
    inputAt: number,
    length: number,
    output: Region,
    outputAt: number,
  ): boolean {
    this.#startNonce(nonce, nonceAt);
    const authentic = openMessage(this.chacha, SUBKEY, input, inputAt, length, output, outputAt);
    wipeSubkey();
    return authentic;
  }

  /** The counter lies in the part of the nonce that HChaCha20 takes; the rest is zero. */
  #startCounter(counter: number): void {
    words[COUNTER_WORD] = counter | 0;
    words[COUNTER_WORD + 1] = Math.floor(counter / 2 ** 32);
    words[COUNTER_WORD + 2] = 0;
    words[COUNTER_WORD + 3] = 0;
    this.#deriveSubkey();
    fillShort(words, 0, COUNTER_WORD + 1, COUNTER_WORD + 4);
  }

  #startNonce(nonce: Region, nonceAt: number): void {
    nonce.at(nonceAt, EXTENDED_NONCE_LENGTH);
    copyShort(nonce.bytes, nonceAt, HCHACHA_NONCE_LENGTH, bytes, COUNTER_AT);
    this.#deriveSubkey();
    words[COUNTER_WORD + 1] = 0;
    const rest = EXTENDED_NONCE_LENGTH - HCHACHA_NONCE_LENGTH;
    copyShort(nonce.bytes, nonceAt + HCHACHA_NONCE_LENGTH, rest, bytes, COUNTER_AT + 8);
  }

  /** HChaCha20 of the 16 bytes at COUNTER, into SUBKEY. */
  #deriveSubkey(): void {
    this.chacha.counterBlocks(AFTER, BEFORE, BLOCK_LENGTH, this.address, COUNTER);
    for (let i = 0; i < 4; i++) {
      words[SUBKEY_WORD + i] = words[AFTER_WORD + i] - SIGMA[i];
      words[SUBKEY_WORD + 4 + i] = words[AFTER_WORD + 12 + i] - words[COUNTER_WORD + i];
    }
  }
}

function wipeSubkey(): void {
  fillShort(words, 0, SUBKEY_WORD, SUBKEY_WORD + KEY_LENGTH / 4);
}
