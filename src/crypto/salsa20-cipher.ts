/**
 * Salsa20, which neither libcrypto nor libsodium's common build gives out: @noble/ciphers' code, which knows whole messages only, with a stream
 * around it that may be cut anywhere. 270 MB/s, and some small objects a call.
 */

import type * as Salsa from '@noble/ciphers/salsa.js';
import type { Region } from '../../native-bindings/memory.js';
import type { StreamCipher } from './stream-cipher.js';

const BLOCK_LENGTH = 64;
const NONCE_LENGTH = 8;

let loaded: typeof Salsa | undefined;

/** Loads the module, for whoever will need it: it is some milliseconds of a thread's start. To be done before a reactor runs. */
export async function loadSalsa20(): Promise<void> {
  loaded = await import('@noble/ciphers/salsa.js');
}

export class Salsa20Cipher implements StreamCipher {
  readonly #salsa20: (typeof Salsa)['salsa20'];
  readonly #key: Uint8Array;
  readonly #nonce = new Uint8Array(NONCE_LENGTH);
  /** The block of the keystream that is used up in part. */
  readonly #block = new Uint8Array(BLOCK_LENGTH);
  #blockUsed = BLOCK_LENGTH;
  /** Of the next block. @noble/ciphers refuses 2^32: that is 256 GiB of one stream, which ends by an error. */
  #counter = 0;

  /** `loadSalsa20()` has to be done before. */
  constructor(key: Uint8Array) {
    if (loaded === undefined) throw new Error('Salsa20 is not ready: call loadSalsa20() first');
    this.#salsa20 = loaded.salsa20;
    this.#key = key.slice();
  }

  begin(iv: Uint8Array, at: number): void {
    this.#nonce.set(iv.subarray(at, at + NONCE_LENGTH));
    this.#blockUsed = BLOCK_LENGTH;
    this.#counter = 0;
  }

  apply(input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    input.at(inputAt, length);
    output.at(outputAt, length);
    const fromBlock = this.#applyBlock(input.bytes, inputAt, length, output.bytes, outputAt);
    const whole = (length - fromBlock) & -BLOCK_LENGTH;
    if (whole > 0) this.#applyWhole(input.bytes, inputAt + fromBlock, whole, output.bytes, outputAt + fromBlock);
    const done = fromBlock + whole;
    if (done === length) return;
    this.#block.fill(0);
    this.#salsa20(this.#key, this.#nonce, this.#block, this.#block, this.#counter++);
    this.#blockUsed = 0;
    this.#applyBlock(input.bytes, inputAt + done, length - done, output.bytes, outputAt + done);
  }

  /** What the begun block is enough for. @returns how many bytes */
  #applyBlock(from: Uint8Array, at: number, length: number, into: Uint8Array, to: number): number {
    const used = this.#blockUsed;
    const count = Math.min(length, BLOCK_LENGTH - used);
    for (let i = 0; i < count; i++) into[to + i] = from[at + i] ^ this.#block[used + i];
    this.#blockUsed = used + count;
    return count;
  }

  #applyWhole(from: Uint8Array, at: number, length: number, into: Uint8Array, to: number): void {
    const input = from.subarray(at, at + length);
    this.#salsa20(this.#key, this.#nonce, input, into.subarray(to, to + length), this.#counter);
    this.#counter += length / BLOCK_LENGTH;
  }

  free(): void {
    this.#key.fill(0);
    this.#block.fill(0);
  }
}
