/** The stream ciphers that libcrypto has: AES and Camellia by their CTR and CFB modes, ChaCha20. */

import { copyShort } from '../../native-bindings/bytes.js';
import { EvpCipher, LONGEST_IV_LENGTH } from '../../native-bindings/evp-cipher.js';
import type { Region } from '../../native-bindings/memory.js';
import type { StreamMethodName } from '../config/types.js';
import type { StreamMethod } from './methods.js';
import type { CipherDirection, StreamCipher } from './stream-cipher.js';

export type EvpStreamName = Exclude<StreamMethodName, 'salsa20' | 'rc4-md5'>;

/** Ciphers by the functions of <openssl/evp.h> that name them. */
const EVP_TYPES: Readonly<Record<EvpStreamName, string>> = {
  'aes-128-cfb': 'EVP_aes_128_cfb128',
  'aes-192-cfb': 'EVP_aes_192_cfb128',
  'aes-256-cfb': 'EVP_aes_256_cfb128',
  'aes-128-ctr': 'EVP_aes_128_ctr',
  'aes-192-ctr': 'EVP_aes_192_ctr',
  'aes-256-ctr': 'EVP_aes_256_ctr',
  'camellia-128-cfb': 'EVP_camellia_128_cfb128',
  'camellia-192-cfb': 'EVP_camellia_192_cfb128',
  'camellia-256-cfb': 'EVP_camellia_256_cfb128',
  chacha20: 'EVP_chacha20',
  'chacha20-ietf': 'EVP_chacha20',
};

export class EvpStreamCipher implements StreamCipher {
  readonly #cipher: EvpCipher;
  readonly #ivLength: number;
  /**
   * What libcrypto takes: ChaCha20's is the block counter, little-endian, in front of the nonce; 64 bits of it with a nonce of 8 bytes, 32 with
   * one of 12. It carries past 32 bits, so that either is good for more than anyone sends.
   */
  readonly #iv = new Uint8Array(LONGEST_IV_LENGTH);

  /** @throws LibcryptoMissingError */
  constructor(name: EvpStreamName, { ivLength }: StreamMethod, key: Uint8Array, direction: CipherDirection) {
    this.#ivLength = ivLength;
    this.#cipher = new EvpCipher(EVP_TYPES[name], direction);
    this.#cipher.start(key, this.#iv);
  }

  begin(iv: Uint8Array, at: number): void {
    copyShort(iv, at, this.#ivLength, this.#iv, LONGEST_IV_LENGTH - this.#ivLength);
    this.#cipher.restart(this.#iv);
  }

  apply(input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    this.#cipher.update(input, inputAt, length, output, outputAt);
  }

  free(): void {
    this.#cipher.free();
  }
}
