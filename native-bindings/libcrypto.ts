/**
 * The AEAD ciphers of OpenSSL's libcrypto, as Node.js carries it (or is linked to it), through its EVP interface.
 *
 * Contexts are expensive to make and cheap to rekey, so each is meant to be kept and used for one session after another.
 */

import { copyShort, fillShort } from './bytes.js';
import { Region } from './memory.js';
import { ADDRESS, bind, type NumericFunction } from './platform.js';

/** libcrypto does not export what is needed here; whoever can do without it should. */
export class LibcryptoMissingError extends Error {
  override readonly name = 'LibcryptoMissingError';
}

/** Ciphers by the EVP function that names them. */
export const EVP_AEAD_CIPHERS = {
  'aes-128-gcm': 'EVP_aes_128_gcm',
  'aes-192-gcm': 'EVP_aes_192_gcm',
  'aes-256-gcm': 'EVP_aes_256_gcm',
  'chacha20-poly1305': 'EVP_chacha20_poly1305',
} as const;

export type EvpAeadName = keyof typeof EVP_AEAD_CIPHERS;

export const AEAD_NONCE_LENGTH = 12;
export const AEAD_TAG_LENGTH = 16;
const LONGEST_KEY_LENGTH = 32;

// <openssl/evp.h>
const EVP_CTRL_AEAD_GET_TAG = 0x10;
const EVP_CTRL_AEAD_SET_TAG = 0x11;

interface Evp {
  readonly newContext: NumericFunction;
  readonly freeContext: NumericFunction;
  readonly init: NumericFunction;
  readonly update: NumericFunction;
  readonly final: NumericFunction;
  readonly control: NumericFunction;
}

let loaded: Evp | undefined;

/** The functions of EVP's ciphers. @throws LibcryptoMissingError */
export function evp(): Evp {
  loaded ??= {
    newContext: bindCrypto('EVP_CIPHER_CTX_new', ADDRESS, []),
    freeContext: bindCrypto('EVP_CIPHER_CTX_free', 'void', [ADDRESS]),
    init: bindCrypto('EVP_CipherInit_ex', 'int', [ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, 'int']),
    update: bindCrypto('EVP_CipherUpdate', 'int', [ADDRESS, ADDRESS, ADDRESS, ADDRESS, 'int']),
    final: bindCrypto('EVP_CipherFinal_ex', 'int', [ADDRESS, ADDRESS, ADDRESS]),
    control: bindCrypto('EVP_CIPHER_CTX_ctrl', 'int', [ADDRESS, 'int', 'int', ADDRESS]),
  };
  return loaded;
}

/** @throws LibcryptoMissingError */
export function bindCrypto(symbol: string, result: string, parameters: readonly string[]): NumericFunction {
  try {
    return bind(symbol, result, parameters);
  } catch {
    throw new LibcryptoMissingError(`this Node.js does not export libcrypto's ${symbol}`);
  }
}

/** What EVP's functions of ciphers return, by their names: binding a function costs more than a context. */
const types = new Map<string, number>();

/**
 * @param name of a function of <openssl/evp.h> that names a cipher, as `EVP_aes_128_ctr`
 * @throws LibcryptoMissingError
 */
export function cipherType(name: string): number {
  let type = types.get(name);
  if (type === undefined) {
    type = bindCrypto(name, ADDRESS, [])();
    types.set(name, type);
  }
  return type;
}

const scratch = new Region(4096);
const NONCE_AT = scratch.reserve(AEAD_NONCE_LENGTH);
const KEY_AT = scratch.reserve(LONGEST_KEY_LENGTH);
const MOVED_AT = scratch.reserve(4);
const NONCE_ADDRESS = scratch.base + NONCE_AT;
const NONCE_WORD = NONCE_AT / 4;
const MOVED_ADDRESS = scratch.base + MOVED_AT;

/** The nonce of Shadowsocks: a little-endian counter over all 12 bytes (both architectures here are little-endian). */
export function writeNonce(words: Int32Array, at: number, counter: number): void {
  words[at] = counter | 0;
  words[at + 1] = Math.floor(counter / 2 ** 32);
}

function must(result: number, what: string): void {
  if (result !== 1) throw new Error(`libcrypto: ${what} failed`);
}

const ZERO_KEY = new Uint8Array(LONGEST_KEY_LENGTH);

/** One cipher context, for sealing or for opening. */
export class EvpAead {
  readonly #evp: Evp;
  readonly #context: number;
  readonly #encrypt: 0 | 1;
  readonly #keyLength: number;

  /** @throws LibcryptoMissingError */
  constructor(cipher: EvpAeadName, keyLength: number, direction: 'seal' | 'open') {
    this.#evp = evp();
    this.#keyLength = keyLength;
    this.#encrypt = direction === 'seal' ? 1 : 0;
    const type = cipherType(EVP_AEAD_CIPHERS[cipher]);
    const { newContext, init, freeContext } = this.#evp;
    this.#context = newContext();
    const started = this.#context === 0 ? 0 : init(this.#context, type, 0, 0, 0, this.#encrypt);
    if (started !== 1) {
      freeContext(this.#context);
      throw new LibcryptoMissingError(`libcrypto refuses ${cipher}`);
    }
  }

  /** Takes a new key; the old one is overwritten. @param key as long as the method says */
  rekey(key: Uint8Array): void {
    copyShort(key, 0, this.#keyLength, scratch.bytes, KEY_AT);
    must(this.#evp.init(this.#context, 0, 0, scratch.base + KEY_AT, NONCE_ADDRESS, -1), 'EVP_CipherInit_ex');
    fillShort(scratch.bytes, 0, KEY_AT, KEY_AT + LONGEST_KEY_LENGTH);
  }

  /**
   * Writes `length` bytes of ciphertext and the 16 bytes of the tag. Input and output may be the same place, but must not overlap otherwise.
   * @param counter the nonce
   */
  seal(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    writeNonce(scratch.words, NONCE_WORD, counter);
    this.sealWithNonce(scratch, NONCE_AT, input, inputAt, length, output, outputAt);
  }

  /** As `seal`, with the 12 bytes at `nonceAt` as the nonce. */
  sealWithNonce(
    nonce: Region,
    nonceAt: number,
    input: Region,
    inputAt: number,
    length: number,
    output: Region,
    outputAt: number,
  ): void {
    const { init, update, final, control } = this.#evp;
    const context = this.#context;
    const to = output.at(outputAt, length + AEAD_TAG_LENGTH);
    // The results of these fail only by a bug: the context is set up, the lengths are right.
    init(context, 0, 0, 0, nonce.at(nonceAt, AEAD_NONCE_LENGTH), -1);
    update(context, to, MOVED_ADDRESS, input.at(inputAt, length), length);
    final(context, to + length, MOVED_ADDRESS);
    must(control(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LENGTH, to + length), 'reading the tag');
  }

  /**
   * Opens `length` bytes of ciphertext that a tag of 16 bytes follows.
   * @returns false where they are not authentic; what is at the output then is not to be used
   */
  open(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): boolean {
    writeNonce(scratch.words, NONCE_WORD, counter);
    return this.openWithNonce(scratch, NONCE_AT, input, inputAt, length, output, outputAt);
  }

  /** As `open`, with the 12 bytes at `nonceAt` as the nonce. */
  openWithNonce(
    nonce: Region,
    nonceAt: number,
    input: Region,
    inputAt: number,
    length: number,
    output: Region,
    outputAt: number,
  ): boolean {
    const { init, update, final, control } = this.#evp;
    const context = this.#context;
    const from = input.at(inputAt, length + AEAD_TAG_LENGTH);
    const to = output.at(outputAt, length);
    init(context, 0, 0, 0, nonce.at(nonceAt, AEAD_NONCE_LENGTH), -1);
    update(context, to, MOVED_ADDRESS, from, length);
    control(context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LENGTH, from + length);
    return final(context, to, MOVED_ADDRESS) === 1;
  }

  /** Overwrites the key. */
  wipe(): void {
    this.rekey(ZERO_KEY);
  }

  /** Frees the context; libcrypto wipes its key. */
  free(): void {
    this.#evp.freeContext(this.#context);
  }
}
