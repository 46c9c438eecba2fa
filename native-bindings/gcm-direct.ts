/**
 * AES-GCM without EVP. For a short message most of EVP's time goes into looking parameters up by name; the functions below are the ones that
 * OpenSSL's own provider calls in the end: CRYPTO_gcm128_* (public in <openssl/modes.h>) over the AES-NI block functions, which an
 * executable that OpenSSL is linked into exports. Sealing 64 bytes takes half the time of EVP's four calls (docs/ARCHITECTURE.md).
 *
 * Where one of the symbols is missing (a shared libcrypto hides the block functions) or the processor lacks AES-NI, EVP is used instead; and
 * like every backend, this one has to give the known answers before it is.
 */

import { AES_KEY_SIZE } from './aes-direct.js';
import { fillShort } from './bytes.js';
import { type KeySlot, KeySlots } from './key-slots.js';
import { AEAD_NONCE_LENGTH, AEAD_TAG_LENGTH, bindCrypto, LibcryptoMissingError, writeNonce } from './libcrypto.js';
import { Region } from './memory.js';
import { ADDRESS, architecture, type NumericFunction, symbolAddress } from './platform.js';
import { processorHas } from './processor.js';

interface Gcm128 {
  readonly setKey: NumericFunction;
  readonly init: NumericFunction;
  readonly setIv: NumericFunction;
  readonly encrypt: NumericFunction;
  readonly decrypt: NumericFunction;
  readonly tag: NumericFunction;
  readonly finish: NumericFunction;
  /** Bytes of a GCM128_CONTEXT, which is opaque and grows with OpenSSL's versions. */
  readonly contextSize: number;
  readonly slots: KeySlots;
  /** Addresses of the AES-NI functions. */
  readonly block: number;
  readonly counterBlocks: number;
}

let loaded: Gcm128 | undefined;

function gcm128(): Gcm128 {
  loaded ??= load();
  return loaded;
}

function load(): Gcm128 {
  if (architecture !== 'x64' || !processorHas('aes', 'ssse3', 'pclmulqdq'))
    throw new LibcryptoMissingError('this processor has no AES-NI');
  // Results that nobody looks at are not fetched: each costs a number made for JavaScript. These functions fail for lengths alone that no Region has.
  const crypt = [ADDRESS, ADDRESS, ADDRESS, 'size_t', ADDRESS];
  const block = symbolAddress('aesni_encrypt');
  const counterBlocks = symbolAddress('aesni_ctr32_encrypt_blocks');
  if (block === undefined || counterBlocks === undefined) {
    throw new LibcryptoMissingError('this Node.js does not export the AES-NI functions');
  }
  const setKey = bindCrypto('aesni_set_encrypt_key', 'void', [ADDRESS, 'int', ADDRESS]);
  const contextSize = measureContext(setKey, block);
  return {
    setKey,
    contextSize,
    slots: new KeySlots(AES_KEY_SIZE + Math.ceil(contextSize / 64) * 64),
    init: bindCrypto('CRYPTO_gcm128_init', 'void', [ADDRESS, ADDRESS, ADDRESS]),
    setIv: bindCrypto('CRYPTO_gcm128_setiv', 'void', [ADDRESS, ADDRESS, 'size_t']),
    encrypt: bindCrypto('CRYPTO_gcm128_encrypt_ctr32', 'void', crypt),
    decrypt: bindCrypto('CRYPTO_gcm128_decrypt_ctr32', 'void', crypt),
    tag: bindCrypto('CRYPTO_gcm128_tag', 'void', [ADDRESS, ADDRESS, 'size_t']),
    finish: bindCrypto('CRYPTO_gcm128_finish', 'int', [ADDRESS, ADDRESS, 'size_t']),
    block,
    counterBlocks,
  };
}

/** libcrypto allocates one context, and the allocator says how large it is. @returns at least the size of a GCM128_CONTEXT */
function measureContext(setKey: NumericFunction, block: number): number {
  const newContext = bindCrypto('CRYPTO_gcm128_new', ADDRESS, [ADDRESS, ADDRESS]);
  const release = bindCrypto('CRYPTO_gcm128_release', 'void', [ADDRESS]);
  const usableSize = bindCrypto('malloc_usable_size', 'size_t', [ADDRESS]);
  const key = scratch.base + scratch.reserve(AES_KEY_SIZE);
  // Making a context encrypts a block; under a key that was never expanded (no rounds) AES-NI code would run past it.
  setKey(scratch.base + KEY_AT, 128, key);
  const context = newContext(key, block);
  if (context === 0) throw new LibcryptoMissingError('libcrypto gave no AES-GCM context');
  const size = usableSize(context);
  release(context);
  return size;
}

/**
 * Whether EVP is the faster way for long messages: OpenSSL 3.2 and later have AES-GCM for 512-bit vectors, which only EVP reaches.
 * @param opensslVersion `process.versions.openssl`
 */
export function evpIsFasterForLongMessages(opensslVersion: string): boolean {
  const [major, minor] = opensslVersion.split('.').map(Number);
  const wide = processorHas('vaes', 'vpclmulqdq', 'avx512f', 'avx512vl');
  return wide && (major > 3 || (major === 3 && minor >= 2));
}

const LONGEST_KEY_LENGTH = 32;

const scratch = new Region(4096);
const NONCE_AT = scratch.reserve(AEAD_NONCE_LENGTH);
const KEY_AT = scratch.reserve(LONGEST_KEY_LENGTH);
const KEY_WORD = KEY_AT / 4;
const NONCE_WORD = NONCE_AT / 4;

/** One AES-GCM key, for both directions. */
export class GcmDirect {
  readonly #gcm: Gcm128;
  readonly #keyLength: number;
  /** The expanded key, then the context. */
  readonly #slot: KeySlot;
  readonly #keyAddress: number;
  readonly #context: number;
  /** AES-NI code on a key that was never expanded, or wiped, would run past it: so that is refused. */
  #ready = false;

  /**
   * @param keyLength 16, 24 or 32
   * @throws LibcryptoMissingError
   */
  constructor(keyLength: number) {
    this.#gcm = gcm128();
    this.#keyLength = keyLength;
    const { slots, contextSize } = this.#gcm;
    this.#slot = slots.take();
    this.#keyAddress = this.#slot.region.at(this.#slot.offset, AES_KEY_SIZE);
    this.#context = this.#slot.region.at(this.#slot.offset + AES_KEY_SIZE, contextSize);
  }

  /** Takes a new key; the old one is overwritten. */
  rekey(key: Uint8Array): void {
    this.#expandKey(key);
    this.#gcm.init(this.#context, this.#keyAddress, this.#gcm.block);
    this.#ready = true;
  }

  #expandKey(key: Uint8Array): void {
    if (key.length !== this.#keyLength) throw new RangeError(`a key of ${key.length} bytes`);
    scratch.bytes.set(key, KEY_AT);
    this.#gcm.setKey(scratch.base + KEY_AT, this.#keyLength * 8, this.#keyAddress);
    fillShort(scratch.words, 0, KEY_WORD, KEY_WORD + LONGEST_KEY_LENGTH / 4);
  }

  /** As `EvpAead.seal`. */
  seal(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    writeNonce(scratch.words, NONCE_WORD, counter);
    this.sealWithNonce(scratch, NONCE_AT, input, inputAt, length, output, outputAt);
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
    if (!this.#ready) throw new Error('a cipher without a key was used');
    const gcm = this.#gcm;
    const to = output.at(outputAt, length + AEAD_TAG_LENGTH);
    gcm.setIv(this.#context, nonce.at(nonceAt, AEAD_NONCE_LENGTH), AEAD_NONCE_LENGTH);
    gcm.encrypt(this.#context, input.at(inputAt, length), to, length, gcm.counterBlocks);
    gcm.tag(this.#context, to + length, AEAD_TAG_LENGTH);
  }

  /** As `EvpAead.open`. */
  open(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): boolean {
    writeNonce(scratch.words, NONCE_WORD, counter);
    return this.openWithNonce(scratch, NONCE_AT, input, inputAt, length, output, outputAt);
  }

  /** As `EvpAead.openWithNonce`. */
  openWithNonce(
    nonce: Region,
    nonceAt: number,
    input: Region,
    inputAt: number,
    length: number,
    output: Region,
    outputAt: number,
  ): boolean {
    if (!this.#ready) throw new Error('a cipher without a key was used');
    const gcm = this.#gcm;
    const from = input.at(inputAt, length + AEAD_TAG_LENGTH);
    const to = output.at(outputAt, length);
    gcm.setIv(this.#context, nonce.at(nonceAt, AEAD_NONCE_LENGTH), AEAD_NONCE_LENGTH);
    gcm.decrypt(this.#context, from, to, length, gcm.counterBlocks);
    // Compared in constant time by libcrypto.
    return gcm.finish(this.#context, from + length, AEAD_TAG_LENGTH) === 0;
  }

  /** Overwrites the key and what was derived from it; only `rekey` and `free` may follow. */
  wipe(): void {
    this.#ready = false;
    this.#gcm.slots.wipe(this.#slot);
  }

  free(): void {
    this.#ready = false;
    this.#gcm.slots.give(this.#slot);
  }
}
