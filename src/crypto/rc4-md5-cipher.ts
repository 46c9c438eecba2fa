/**
 * rc4-md5: RC4 with a key of its own for each stream, MD5(key | IV). RC4 is in libcrypto's legacy provider only, which Node.js does not load; it
 * is a dozen lines. It is broken as a cipher too (its first bytes are biased): the worst of the methods that umbra can be made to speak.
 */

import { createHash } from 'node:crypto';
import type { Region } from '../../native-bindings/memory.js';
import type { StreamCipher } from './stream-cipher.js';

const IV_LENGTH = 16;
const STATE_LENGTH = 256;

export class Rc4Md5Cipher implements StreamCipher {
  readonly #key: Uint8Array;
  readonly #state = new Uint8Array(STATE_LENGTH);
  #i = 0;
  #j = 0;

  constructor(key: Uint8Array) {
    this.#key = key.slice();
  }

  begin(iv: Uint8Array, at: number): void {
    const key = createHash('md5')
      .update(this.#key)
      .update(iv.subarray(at, at + IV_LENGTH))
      .digest();
    const state = this.#state;
    for (let i = 0; i < STATE_LENGTH; i++) state[i] = i;
    for (let i = 0, j = 0; i < STATE_LENGTH; i++) {
      const value = state[i];
      j = (j + value + key[i % key.length]) & 0xff;
      state[i] = state[j];
      state[j] = value;
    }
    key.fill(0);
    this.#i = 0;
    this.#j = 0;
  }

  apply(input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    input.at(inputAt, length);
    output.at(outputAt, length);
    const state = this.#state;
    const from = input.bytes;
    const into = output.bytes;
    let i = this.#i;
    let j = this.#j;
    for (let n = 0; n < length; n++) {
      i = (i + 1) & 0xff;
      const a = state[i];
      j = (j + a) & 0xff;
      const b = state[j];
      state[i] = b;
      state[j] = a;
      into[outputAt + n] = from[inputAt + n] ^ state[(a + b) & 0xff];
    }
    this.#i = i;
    this.#j = j;
  }

  free(): void {
    this.#key.fill(0);
    this.#state.fill(0);
  }
}
