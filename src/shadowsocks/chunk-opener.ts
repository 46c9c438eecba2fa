/**
 * The chunks of one direction of a stream, opened as they come: it takes whole units (a length, a payload) from what has arrived and leaves
 * the rest to the caller, who puts the next bytes behind it. Nothing is given out before its tag is checked.
 */

import type { Region } from '../../native-bindings/memory.js';
import { type OpeningKey, TAG_LENGTH } from '../crypto/aead.js';
import { type ChunkFormat, LENGTH_LENGTH, receiveLength } from './chunk-format.js';
import type { StreamOpener } from './protocol.js';

export const ALL_CHUNKS = Number.MAX_SAFE_INTEGER;

export class ChunkOpener implements StreamOpener {
  /** Where the last `open` stopped in the input. */
  consumedTo = 0;
  /** How many chunks without payload may come in a row. */
  maxEmptyChunks = 0;
  readonly #key: OpeningKey;
  readonly #format: ChunkFormat;
  #counter = 0;
  /** The length of the payload that comes next; −1 while the length itself is to come. */
  #payloadLength = -1;
  #emptyChunks = 0;
  #released = false;

  constructor(key: OpeningKey, format: ChunkFormat) {
    this.#key = key;
    this.#format = format;
  }

  /** A length has been opened whose payload has not: a stream that ends here is cut short. */
  get insideChunk(): boolean {
    return this.#payloadLength !== -1;
  }

  receiveLength(count: number): number {
    return receiveLength(this.#format, count);
  }

  /** One message of `length` bytes with the next nonce. @returns false where it is not authentic */
  openMessage(input: Region, at: number, length: number, output: Region, to: number): boolean {
    return this.#key.open(this.#counter++, input, at, length, output, to);
  }

  /** A header has announced the first payload. @returns false where no chunk may be so long */
  expectPayload(length: number): boolean {
    if (length > this.#format.maxPayload) return false;
    if (length === 0) {
      if (++this.#emptyChunks > this.maxEmptyChunks) return false;
    } else {
      this.#emptyChunks = 0;
    }
    this.#payloadLength = length;
    return true;
  }

  open(input: Region, from: number, end: number, output: Region, outputAt: number): number {
    return this.openChunks(input, from, end, output, outputAt, ALL_CHUNKS);
  }

  /** As `open`. @param maxChunks stop after so many */
  openChunks(input: Region, from: number, end: number, output: Region, outputAt: number, maxChunks: number): number {
    const key = this.#key;
    let at = from;
    let to = outputAt;
    for (let chunks = 0; chunks < maxChunks; chunks++) {
      if (this.#payloadLength === -1) {
        if (end - at < LENGTH_LENGTH + TAG_LENGTH) break;
        // In place of the payload that will overwrite it.
        if (!key.open(this.#counter, input, at, LENGTH_LENGTH, output, to)) return -1;
        this.#counter++;
        if (!this.expectPayload((output.bytes[to] << 8) | output.bytes[to + 1])) return -1;
        at += LENGTH_LENGTH + TAG_LENGTH;
      }
      const length = this.#payloadLength;
      if (end - at < length + TAG_LENGTH) break;
      if (!key.open(this.#counter, input, at, length, output, to)) return -1;
      this.#counter++;
      this.#payloadLength = -1;
      at += length + TAG_LENGTH;
      to += length;
    }
    this.consumedTo = at;
    return to - outputAt;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#key.release();
  }
}
