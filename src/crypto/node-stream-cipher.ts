/**
 * Where libcrypto is out of reach: the same ciphers by node:crypto, which has its own way to them. It allocates for each call, and its copy of
 * the key is wiped by nobody.
 */

import { type Cipher, createCipheriv, createDecipheriv, type Decipher } from 'node:crypto';
import type { Region } from '../../native-bindings/memory.js';
import type { EvpStreamName } from './evp-stream-cipher.js';
import type { StreamMethod } from './methods.js';
import type { CipherDirection, StreamCipher } from './stream-cipher.js';

/** What its ChaCha20 takes: counter and nonce. */
const IV_LENGTH = 16;

export class NodeStreamCipher implements StreamCipher {
  readonly #name: string;
  readonly #ivLength: number;
  readonly #key: Uint8Array;
  readonly #direction: CipherDirection;
  #cipher: Cipher | Decipher | undefined = undefined;

  constructor(name: EvpStreamName, { ivLength }: StreamMethod, key: Uint8Array, direction: CipherDirection) {
    this.#name = name === 'chacha20-ietf' ? 'chacha20' : name;
    this.#ivLength = ivLength;
    this.#key = key.slice();
    this.#direction = direction;
  }

  begin(iv: Uint8Array, at: number): void {
    const whole = new Uint8Array(IV_LENGTH);
    whole.set(iv.subarray(at, at + this.#ivLength), IV_LENGTH - this.#ivLength);
    const create = this.#direction === 'encrypt' ? createCipheriv : createDecipheriv;
    this.#cipher = create(this.#name, this.#key, whole);
  }

  apply(input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    if (this.#cipher === undefined) throw new Error('a cipher was used before it began');
    input.at(inputAt, length);
    output.at(outputAt, length);
    output.bytes.set(this.#cipher.update(input.bytes.subarray(inputAt, inputAt + length)), outputAt);
  }

  free(): void {
    this.#key.fill(0);
    this.#cipher = undefined;
  }
}
