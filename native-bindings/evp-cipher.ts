/**
 * The ciphers of OpenSSL's libcrypto that encrypt and do not authenticate, through its EVP interface: single blocks of AES (ECB), the modes
 * that make a stream of a block cipher (CTR, CFB), and ChaCha20. What is given out is as long as what is taken, at once: nothing is padded or held back.
 */

import { copyShort, fillShort } from './bytes.js';
import { bindCrypto, cipherType, evp, LibcryptoMissingError } from './libcrypto.js';
import { Region } from './memory.js';
import { ADDRESS, type NumericFunction } from './platform.js';

const LONGEST_KEY_LENGTH = 32;
export const LONGEST_IV_LENGTH = 16;

const scratch = new Region(4096);
const KEY_AT = scratch.reserve(LONGEST_KEY_LENGTH);
const IV_AT = scratch.reserve(LONGEST_IV_LENGTH);
const MOVED_ADDRESS = scratch.base + scratch.reserve(4);
const ZEROS = new Uint8Array(LONGEST_KEY_LENGTH);

let setPadding: NumericFunction | undefined;

/** One cipher context, for encrypting or for decrypting. */
export class EvpCipher {
  readonly #init: NumericFunction;
  readonly #update: NumericFunction;
  /** 0 once it is freed: what libcrypto has there then belongs to somebody else. */
  #context: number;

  /**
   * @param type the function of <openssl/evp.h> that names the cipher, as `EVP_aes_128_ctr`
   * @throws LibcryptoMissingError
   */
  constructor(type: string, direction: 'encrypt' | 'decrypt') {
    const { newContext, freeContext, init, update } = evp();
    this.#init = init;
    this.#update = update;
    const cipher = cipherType(type);
    setPadding ??= bindCrypto('EVP_CIPHER_CTX_set_padding', 'int', [ADDRESS, 'int']);
    this.#context = newContext();
    const started = this.#context === 0 ? 0 : init(this.#context, cipher, 0, 0, 0, direction === 'encrypt' ? 1 : 0);
    if (started !== 1) {
      freeContext(this.#context);
      throw new LibcryptoMissingError(`libcrypto refuses ${type}`);
    }
    setPadding(this.#context, 0);
  }

  /**
   * Begins with a key; the old one is overwritten.
   * @param key as long as the cipher says
   * @param iv as well; empty where the mode has none
   */
  start(key: Uint8Array, iv: Uint8Array): void {
    this.#requireContext();
    copyShort(key, 0, key.length, scratch.bytes, KEY_AT);
    copyShort(iv, 0, iv.length, scratch.bytes, IV_AT);
    const result = this.#init(this.#context, 0, 0, scratch.base + KEY_AT, scratch.base + IV_AT, -1);
    fillShort(scratch.bytes, 0, KEY_AT, KEY_AT + LONGEST_KEY_LENGTH);
    if (result !== 1) throw new Error('libcrypto: EVP_CipherInit_ex failed');
  }

  /** Begins again with the key that it has. @param iv as long as the cipher says */
  restart(iv: Uint8Array): void {
    this.#requireContext();
    copyShort(iv, 0, iv.length, scratch.bytes, IV_AT);
    if (this.#init(this.#context, 0, 0, 0, scratch.base + IV_AT, -1) !== 1) {
      throw new Error('libcrypto: EVP_CipherInit_ex failed');
    }
  }

  /** Takes the next `length` bytes, for ECB whole blocks. Input and output may be the same place, but must not overlap otherwise. */
  update(input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    this.#requireContext();
    const from = input.at(inputAt, length);
    const to = output.at(outputAt, length);
    if (this.#update(this.#context, to, MOVED_ADDRESS, from, length) !== 1) {
      throw new Error('libcrypto: EVP_CipherUpdate failed');
    }
  }

  /** Overwrites the key. */
  wipe(): void {
    this.start(ZEROS, ZEROS.subarray(0, LONGEST_IV_LENGTH));
  }

  #requireContext(): void {
    if (this.#context === 0) throw new Error('a freed cipher was used');
  }

  /** Frees the context; libcrypto wipes its key. Idempotent. */
  free(): void {
    evp().freeContext(this.#context);
    this.#context = 0;
  }
}
