/**
 * Single blocks of AES by libcrypto's AES-NI functions, in 43 ns a block and 170 ns a key (71 and 490 by EVP). The portable `AES_encrypt`
 * is left alone: it looks secrets up in tables, and how long that takes depends on them. Where there is no AES-NI, EVP knows what the
 * processor has instead.
 */

import { copyShort, fillShort } from './bytes.js';
import { KeySlots } from './key-slots.js';
import { bindCrypto, LibcryptoMissingError } from './libcrypto.js';
import { Region } from './memory.js';
import { ADDRESS, architecture, type NumericFunction } from './platform.js';
import { processorHas } from './processor.js';

/** Room for an `AES_KEY` of <openssl/aes.h>: 60 round-key words and the number of rounds, 244 bytes. */
export const AES_KEY_SIZE = 256;
export const AES_BLOCK_LENGTH = 16;
const LONGEST_KEY_LENGTH = 32;

interface AesNi {
  readonly setEncryptKey: NumericFunction;
  readonly setDecryptKey: NumericFunction;
  readonly encrypt: NumericFunction;
  readonly decrypt: NumericFunction;
}

let loaded: AesNi | undefined;

function aesNi(): AesNi {
  loaded ??= load();
  return loaded;
}

function load(): AesNi {
  if (architecture !== 'x64' || !processorHas('aes')) throw new LibcryptoMissingError('this processor has no AES-NI');
  return {
    setEncryptKey: bindCrypto('aesni_set_encrypt_key', 'int', [ADDRESS, 'int', ADDRESS]),
    setDecryptKey: bindCrypto('aesni_set_decrypt_key', 'int', [ADDRESS, 'int', ADDRESS]),
    encrypt: bindCrypto('aesni_encrypt', 'void', [ADDRESS, ADDRESS, ADDRESS]),
    decrypt: bindCrypto('aesni_decrypt', 'void', [ADDRESS, ADDRESS, ADDRESS]),
  };
}

const scratch = new Region(4096);
const KEY_AT = scratch.reserve(LONGEST_KEY_LENGTH);
/** The expanded keys of both directions. */
const keySlots = new KeySlots(2 * AES_KEY_SIZE);

/** One key, for both directions. */
export class AesDirect {
  readonly #aes: AesNi;
  readonly #slot = keySlots.take();
  readonly #encryptKey = this.#slot.region.at(this.#slot.offset, AES_KEY_SIZE);
  readonly #decryptKey = this.#slot.region.at(this.#slot.offset + AES_KEY_SIZE, AES_KEY_SIZE);
  /** AES-NI code on a key that was never expanded, or wiped, would run past it: so that is refused. */
  #ready = false;

  /** @throws LibcryptoMissingError */
  constructor() {
    this.#aes = aesNi();
  }

  /** Takes a new key; the old one is overwritten. @param key 16, 24 or 32 bytes */
  rekey(key: Uint8Array): void {
    copyShort(key, 0, key.length, scratch.bytes, KEY_AT);
    const from = scratch.base + KEY_AT;
    const bits = key.length * 8;
    const status =
      this.#aes.setEncryptKey(from, bits, this.#encryptKey) | this.#aes.setDecryptKey(from, bits, this.#decryptKey);
    fillShort(scratch.bytes, 0, KEY_AT, KEY_AT + LONGEST_KEY_LENGTH);
    this.#ready = status === 0;
    if (!this.#ready) throw new RangeError(`AES has no keys of ${key.length} bytes`);
  }

  /** Encrypts 16 bytes; in place, or from one place to another that does not overlap it. */
  encrypt(input: Region, inputAt: number, output: Region, outputAt: number): void {
    if (!this.#ready) throw new Error('a cipher without a key was used');
    const from = input.at(inputAt, AES_BLOCK_LENGTH);
    this.#aes.encrypt(from, output.at(outputAt, AES_BLOCK_LENGTH), this.#encryptKey);
  }

  /** Decrypts 16 bytes, as `encrypt`. */
  decrypt(input: Region, inputAt: number, output: Region, outputAt: number): void {
    if (!this.#ready) throw new Error('a cipher without a key was used');
    const from = input.at(inputAt, AES_BLOCK_LENGTH);
    this.#aes.decrypt(from, output.at(outputAt, AES_BLOCK_LENGTH), this.#decryptKey);
  }

  /** Overwrites the key, and gives its memory to the next. */
  free(): void {
    this.#ready = false;
    keySlots.give(this.#slot);
  }
}
