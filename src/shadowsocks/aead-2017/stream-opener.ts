/**
 * The receiving half of an AEAD 2017 stream (SIP004), incremental: it takes whole units (salt, length, payload) from what has arrived
 * and leaves the rest to the caller, who puts the next bytes behind it. Nothing is given out before its tag is checked.
 */

import type { Region } from '../../../native-bindings/memory.js';
import { type OpeningKey, TAG_LENGTH } from '../../crypto/aead.js';
import type { Keyring } from '../keyring.js';
import { CHUNK_PAYLOAD, type StreamOpener } from '../protocol.js';
import { CHUNK_OVERHEAD, LENGTH_LENGTH } from './stream-sealer.js';

/** The longest unit: what a caller must be able to keep between two calls is one byte less. */
export const LONGEST_UNIT = CHUNK_PAYLOAD + TAG_LENGTH;

/** Peers use empty chunks as padding; more than these in a row are an attempt to keep us busy for nothing. */
export const MAX_EMPTY_CHUNKS = 64;

const ALL_CHUNKS = Number.MAX_SAFE_INTEGER;

export class StreamOpener2017 implements StreamOpener {
  /** Where the last `open` stopped in the input. */
  consumedTo = 0;
  /**
   * Whether a chunk of length 0 is skipped, or (while the address is not complete) an error: no client sends one there.
   */
  allowEmptyChunks = false;
  readonly #keyring: Keyring;
  #key: OpeningKey | undefined = undefined;
  #counter = 0;
  /** The length of the payload that comes next; −1 while the length itself is to come. */
  #payloadLength = -1;
  #emptyChunks = 0;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /** A length has been opened whose payload has not: a stream that ends here is cut short. */
  get insideChunk(): boolean {
    return this.#payloadLength !== -1;
  }

  receiveLength(chunks: number): number {
    return chunks * (CHUNK_PAYLOAD + CHUNK_OVERHEAD);
  }

  open(input: Region, from: number, end: number, output: Region, outputAt: number): number {
    return this.openChunks(input, from, end, output, outputAt, ALL_CHUNKS);
  }

  /** As `open`. @param maxChunks stop after so many */
  openChunks(input: Region, from: number, end: number, output: Region, outputAt: number, maxChunks: number): number {
    let at = from;
    let to = outputAt;
    this.consumedTo = at;
    if (this.#key === undefined) {
      if (end - at < this.#keyring.saltLength) return 0;
      this.#key = this.#keyring.startOpening(input.bytes, at);
      at += this.#keyring.saltLength;
    }
    for (let chunks = 0; chunks < maxChunks; ) {
      if (this.#payloadLength === -1) {
        if (end - at < LENGTH_LENGTH + TAG_LENGTH) break;
        if (!this.#openLength(this.#key, input, at, output, to)) return -1;
        at += LENGTH_LENGTH + TAG_LENGTH;
      }
      const length = this.#payloadLength;
      if (end - at < length + TAG_LENGTH) break;
      if (!this.#key.open(this.#counter, input, at, length, output, to)) return -1;
      this.#counter++;
      this.#payloadLength = -1;
      at += length + TAG_LENGTH;
      to += length;
      chunks++;
    }
    this.consumedTo = at;
    return to - outputAt;
  }

  /** Opens a length in place of the payload that will overwrite it. */
  #openLength(key: OpeningKey, input: Region, at: number, output: Region, to: number): boolean {
    if (!key.open(this.#counter, input, at, LENGTH_LENGTH, output, to)) return false;
    this.#counter++;
    const length = (output.bytes[to] << 8) | output.bytes[to + 1];
    if (length > CHUNK_PAYLOAD) return false;
    if (length === 0) {
      this.#emptyChunks++;
      if (!this.allowEmptyChunks || this.#emptyChunks > MAX_EMPTY_CHUNKS) return false;
    } else {
      this.#emptyChunks = 0;
    }
    this.#payloadLength = length;
    return true;
  }

  /** Forgets the session's key. */
  release(): void {
    this.#key?.release();
    this.#key = undefined;
  }
}
