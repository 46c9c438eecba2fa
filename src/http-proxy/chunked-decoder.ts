/**
 * Takes the chunked transfer coding off a body (RFC 9112 §7.1), incrementally: data goes on, sizes, extensions and trailers do not.
 *
 *   size-line  data CRLF   size-line  data CRLF   …   "0" line  trailers  CRLF
 */

import { MAX_HEAD_BYTES } from './message-head.js';
import { isBlank } from './syntax.js';

/** Digits of a size: 2^52 and more is none that we could count exactly. */
export const MAX_SIZE_DIGITS = 13;
/** Nobody sends extensions; past this a line is there to keep us busy. */
export const MAX_EXTENSION_BYTES = 4096;

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;

/** What comes next. */
type Stage = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'trailer-lf' | 'end';

export class ChunkedDecoder {
  /** How many bytes the last `decode` took. */
  consumed = 0;
  #stage: Stage = 'size';
  #size = 0;
  #digits = 0;
  /** Bytes of the extension; of all trailers. */
  #skipped = 0;
  /** Bytes of the trailer's line so far: an empty one ends the body. */
  #lineLength = 0;

  /** The whole body is there. */
  get done(): boolean {
    return this.#stage === 'end';
  }

  /**
   * Takes what belongs to the body of `from[start, end)`, all of it where the body goes on.
   * @returns how many bytes of data were written at `into[at]`, or −1 where the coding is broken
   */
  decode(from: Uint8Array, start: number, end: number, into: Uint8Array, at: number): number {
    let next = start;
    let written = 0;
    while (next < end && !this.done) {
      if (this.#stage === 'data') {
        const run = Math.min(this.#size, end - next);
        into.set(from.subarray(next, next + run), at + written);
        next += run;
        written += run;
        this.#size -= run;
        if (this.#size === 0) this.#stage = 'data-cr';
      } else if (!this.#take(from[next++])) {
        return -1;
      }
    }
    this.consumed = next - start;
    return written;
  }

  /** One byte that is no data. @returns false where it cannot be there */
  #take(byte: number): boolean {
    switch (this.#stage) {
      case 'size':
        return this.#takeSize(byte);
      case 'extension':
        return this.#takeExtension(byte);
      case 'size-lf':
        return byte === LF && this.#endSize();
      case 'data-cr':
        this.#stage = 'data-lf';
        return byte === CR;
      case 'data-lf':
        this.#begin('size');
        return byte === LF;
      case 'trailer':
        return this.#takeTrailer(byte);
      case 'trailer-lf':
        this.#stage = this.#lineLength === 0 ? 'end' : 'trailer';
        this.#lineLength = 0;
        return byte === LF;
      case 'data':
      case 'end':
        return false;
      default:
        return unreachable(this.#stage);
    }
  }

  #takeSize(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#size = this.#size * 16 + digit;
      return ++this.#digits <= MAX_SIZE_DIGITS;
    }
    if (this.#digits === 0) return false;
    this.#stage = byte === CR ? 'size-lf' : 'extension';
    this.#skipped = 1;
    // Blanks behind the size are no extension, but some servers pad with them.
    return byte === CR || byte === SEMICOLON || isBlank(byte);
  }

  #takeExtension(byte: number): boolean {
    if (byte === CR) {
      this.#stage = 'size-lf';
      return true;
    }
    return byte !== LF && ++this.#skipped <= MAX_EXTENSION_BYTES;
  }

  #endSize(): boolean {
    this.#begin(this.#size === 0 ? 'trailer' : 'data');
    return true;
  }

  #begin(stage: Stage): void {
    this.#stage = stage;
    this.#digits = 0;
    this.#skipped = 0;
    this.#lineLength = 0;
  }

  #takeTrailer(byte: number): boolean {
    if (byte === CR) this.#stage = 'trailer-lf';
    else this.#lineLength++;
    return byte !== LF && ++this.#skipped <= MAX_HEAD_BYTES;
  }
}

/** −1 where it is none. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  // Upper and lower case differ by one bit.
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}

function unreachable(value: never): never {
  throw new Error(`unhandled case: ${String(value)}`);
}
