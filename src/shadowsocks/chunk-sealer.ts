/** The chunks of one direction of a stream, sealed: each length and each payload with the next nonce. */

import type { Region } from '../../native-bindings/memory.js';
import { type SealingKey, TAG_LENGTH } from '../crypto/aead.js';
import { type ChunkFormat, LENGTH_LENGTH } from './chunk-format.js';

export class ChunkSealer {
  readonly #key: SealingKey;
  readonly #fullPayload: number;
  #counter = 0;

  constructor(key: SealingKey, format: ChunkFormat) {
    this.#key = key;
    this.#fullPayload = format.fullPayload;
  }

  /** One message with the next nonce: a header, a length, a payload. @returns where the next one goes */
  sealMessage(input: Region, inputAt: number, length: number, output: Region, outputAt: number): number {
    this.#key.seal(this.#counter++, input, inputAt, length, output, outputAt);
    return outputAt + length + TAG_LENGTH;
  }

  /** As chunks. @returns where the next one goes */
  sealChunks(input: Region, inputAt: number, length: number, output: Region, outputAt: number): number {
    const key = this.#key;
    const end = inputAt + length;
    let to = outputAt;
    for (let from = inputAt; from < end; ) {
      const chunk = Math.min(this.#fullPayload, end - from);
      output.bytes[to] = chunk >>> 8;
      output.bytes[to + 1] = chunk;
      key.seal(this.#counter, output, to, LENGTH_LENGTH, output, to);
      to += LENGTH_LENGTH + TAG_LENGTH;
      key.seal(this.#counter + 1, input, from, chunk, output, to);
      this.#counter += 2;
      to += chunk + TAG_LENGTH;
      from += chunk;
    }
    return to;
  }

  /** Forgets the key. */
  release(): void {
    this.#key.release();
  }
}
