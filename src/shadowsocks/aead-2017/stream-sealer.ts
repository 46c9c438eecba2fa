/**
 * The sending half of an AEAD 2017 stream (SIP004): `salt`, then chunks. Pure: from one piece of memory into another; a byte of payload is
 * touched once, by the cipher.
 */

import type { Region } from '../../../native-bindings/memory.js';
import { encodeTarget, type Target, targetLength } from '../../net/target.js';
import { FORMAT_2017 } from '../chunk-format.js';
import { ChunkSealer } from '../chunk-sealer.js';
import type { Keyring } from '../keyring.js';
import type { StreamSealer } from '../protocol.js';

export class StreamSealer2017 implements StreamSealer {
  readonly #keyring: Keyring;
  #chunks: ChunkSealer | undefined = undefined;
  /** A client's, until it has gone. */
  #header: Target | undefined;

  /**
   * @param keyring adds our salts to the memory of salts: they must not come back to us
   * @param header goes in front of the first payload: a client's
   */
  constructor(keyring: Keyring, header: Target | undefined) {
    this.#keyring = keyring;
    this.#header = header;
  }

  seal(input: Region, inputAt: number, length: number, output: Region, outputAt: number): number {
    if (this.#chunks !== undefined) return this.#chunks.sealChunks(input, inputAt, length, output, outputAt) - outputAt;
    const chunks = new ChunkSealer(this.#keyring.startSealing(output, outputAt), FORMAT_2017);
    this.#chunks = chunks;
    const from = inputAt - this.#writeHeader(input, inputAt);
    const to = outputAt + this.#keyring.saltLength;
    return chunks.sealChunks(input, from, inputAt + length - from, output, to) - outputAt;
  }

  /** Writes the header in front of `input[inputAt]`. @returns its length */
  #writeHeader(input: Region, inputAt: number): number {
    const header = this.#header;
    if (header === undefined) return 0;
    this.#header = undefined;
    const length = targetLength(header);
    encodeTarget(header, input.bytes, inputAt - length);
    return length;
  }

  release(): void {
    this.#chunks?.release();
    this.#chunks = undefined;
  }
}
