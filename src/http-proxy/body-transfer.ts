/**
 * Passes a body on, from one framing to another: what belongs to it is taken from what has come, and written as the next recipient is told
 * to expect it. Chunks are not passed on as they came: each piece that comes becomes one of our own.
 */

import { ChunkedDecoder } from './chunked-decoder.js';
import type { Framing } from './framing.js';
import { bytesOf } from './syntax.js';

const CR = 0x0d;
const LF = 0x0a;
const LAST_CHUNK = bytesOf('0\r\n\r\n');

/** The most that a piece grows by: a size of eight digits, two line ends, and the last chunk. */
export const MAX_CHUNK_GROWTH = 8 + 2 + 2 + LAST_CHUNK.length;

export class BodyTransfer {
  /** How many bytes the last `transfer` took. */
  consumed = 0;
  /** All of it has been passed on. */
  done: boolean;
  readonly writesChunks: boolean;
  readonly #decoder: ChunkedDecoder | undefined;
  /** What is to come still; Infinity where only the connection's end tells. */
  #remaining: number;

  /**
   * @param from how it comes
   * @param takesChunks the recipient understands them: a body of unknown length goes on in chunks then; otherwise its bytes alone do
   */
  constructor(from: Framing, takesChunks: boolean) {
    this.#decoder = from.kind === 'chunked' ? new ChunkedDecoder() : undefined;
    this.#remaining = from.kind === 'none' ? 0 : from.kind === 'length' ? from.length : Number.POSITIVE_INFINITY;
    this.writesChunks = takesChunks && this.#remaining === Number.POSITIVE_INFINITY;
    this.done = this.#remaining === 0;
  }

  /**
   * Takes what belongs to the body of `from[start, end)`.
   * @param into must not overlap `from`, and must have room for `MAX_CHUNK_GROWTH` bytes more than there are
   * @returns how many bytes were written at `into[at]`, or −1 where the body is malformed
   */
  transfer(from: Uint8Array, start: number, end: number, into: Uint8Array, at: number): number {
    this.consumed = 0;
    if (this.done || start === end) return 0;
    return this.writesChunks ? this.#transferChunk(from, start, end, into, at) : this.#take(from, start, end, into, at);
  }

  #transferChunk(from: Uint8Array, start: number, end: number, into: Uint8Array, at: number): number {
    // The size's room must be known before the data is: it has as many digits as the most that there can be, with zeros in front.
    const digits = (end - start).toString(16).length;
    const dataAt = at + digits + 2;
    const length = this.#take(from, start, end, into, dataAt);
    if (length < 0) return -1;
    let next = at;
    if (length > 0) {
      writeSize(length, digits, into, at);
      next = putLineEnd(into, dataAt + length);
    }
    if (this.done) next += put(LAST_CHUNK, into, next);
    return next - at;
  }

  #take(from: Uint8Array, start: number, end: number, into: Uint8Array, at: number): number {
    if (this.#decoder !== undefined) {
      const decoded = this.#decoder.decode(from, start, end, into, at);
      this.consumed = this.#decoder.consumed;
      this.done = this.#decoder.done;
      return decoded;
    }
    const length = Math.min(end - start, this.#remaining);
    into.set(from.subarray(start, start + length), at);
    this.#remaining -= length;
    this.consumed = length;
    this.done = this.#remaining === 0;
    return length;
  }

  /**
   * The connection that the body comes from has ended.
   * @returns how many bytes were written at `into[at]` to say so, or −1 where the body is cut short
   */
  endOfInput(into: Uint8Array, at: number): number {
    if (this.done) return 0;
    if (this.#decoder !== undefined || this.#remaining !== Number.POSITIVE_INFINITY) return -1;
    this.done = true;
    return this.writesChunks ? put(LAST_CHUNK, into, at) : 0;
  }
}

/** @returns how many bytes */
function put(bytes: Uint8Array, into: Uint8Array, at: number): number {
  into.set(bytes, at);
  return bytes.length;
}

/** The size line of a chunk. */
function writeSize(size: number, digits: number, into: Uint8Array, at: number): void {
  for (let i = digits - 1, rest = size; i >= 0; i--, rest >>>= 4) into[at + i] = HEX.charCodeAt(rest & 0xf);
  putLineEnd(into, at + digits);
}

const HEX = '0123456789abcdef';

/** @returns where it ends */
function putLineEnd(into: Uint8Array, at: number): number {
  into[at] = CR;
  into[at + 1] = LF;
  return at + 2;
}
