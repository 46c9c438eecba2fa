/**
 * Off-heap memory that the kernel and the ciphers work in. A region never moves, so its address is taken once, as a number; JavaScript
 * sees the same bytes through typed arrays.
 *
 * A raw address is sharp, so none is made outside this folder: callers name a region, an offset and a length, and `Region.at` turns them
 * into an address after checking that they lie inside. With `UMBRA_DEBUG=1` in the environment it also catches the use of a region that
 * has been released, and released pages stay mapped without access, so that a stale view faults instead of reading someone else's data.
 * The tests run so.
 */

import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE } from './constants.js';
import { checked } from './errno.js';
import { MAP_LOW } from './layouts.js';
import { ADDRESS, bind, koffi } from './platform.js';

/** The debug mode; constant for the life of the process, so that the compiler drops its checks where it is off. */
const DEBUG = process.env['UMBRA_DEBUG'] === '1';

const PAGE_SIZE = 4096;
const mmap = bind('mmap', 'intptr_t', [ADDRESS, 'size_t', 'int', 'int', 'int', 'intptr_t']);
const munmap = bind('munmap', 'int', [ADDRESS, 'size_t']);
const mprotect = bind('mprotect', 'int', [ADDRESS, 'size_t', 'int']);

let live = 0;

/**
 * Below 2^31 where the kernel can do that (x86-64): V8 has small integers as they are, but makes an object of a larger number each time it
 * is handed to C.
 */
function mapPages(size: number): number {
  const protection = PROT_READ | PROT_WRITE;
  if (MAP_LOW !== 0) {
    const low = mmap(0, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOW, -1, 0);
    if (low !== -1) return low;
  }
  return checked('mmap', mmap(0, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

/** A run of zeroed pages outside the JavaScript heap. Pages cost memory once they are touched. */
export class Region {
  readonly base: number;
  /** In bytes, a whole number of pages. */
  readonly size: number;
  readonly bytes: Uint8Array;
  /** The same memory as 32-bit words in the machine's order. */
  readonly words: Int32Array;
  /** The same memory, for words at any byte. */
  readonly view: DataView;
  #next = 0;
  #live = true;

  /** @param size in bytes; rounded up to whole pages */
  constructor(size: number) {
    this.size = Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
    this.base = mapPages(this.size);
    const memory = koffi.view(BigInt(this.base), this.size);
    this.bytes = new Uint8Array(memory);
    this.words = new Int32Array(memory);
    this.view = new DataView(memory);
    live++;
  }

  /**
   * The address of a part of this region, for a call that will read or write `length` bytes there.
   * @throws RangeError where the part is not inside the region, or (in debug mode) the region has been released
   */
  at(offset: number, length: number): number {
    // Written so that NaN fails it too.
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size)) {
      throw new RangeError(`out of bounds: ${length} bytes at offset ${offset} of a region of ${this.size}`);
    }
    if (DEBUG && !this.#live) throw new RangeError('out of bounds: the region has been released');
    return this.base + offset;
  }

  /**
   * Hands out a part that is never given back by itself, for buffers that live as long as the region.
   * @param size in bytes
   * @param alignment a power of two; 16 by default, enough for any C structure
   * @returns the offset of the part in this region
   * @throws RangeError where the region is full
   */
  reserve(size: number, alignment = 16): number {
    const at = Math.ceil(this.#next / alignment) * alignment;
    if (at + size > this.size) throw new RangeError(`a region of ${this.size} bytes has no room for ${size} more`);
    this.#next = at + size;
    return at;
  }

  /** Gives the pages back. The caller must not touch `bytes` or `words` afterwards. */
  release(): void {
    if (!this.#live) return;
    this.#live = false;
    live--;
    if (DEBUG) checked('mprotect', mprotect(this.base, this.size, PROT_NONE));
    else checked('munmap', munmap(this.base, this.size));
  }
}

/** Writes an unsigned field of 64 bits, as two words; addresses and lengths stay below 2^53. */
export function writeWord64(words: Int32Array, byteOffset: number, value: number): void {
  words[byteOffset >> 2] = value | 0;
  words[(byteOffset >> 2) + 1] = Math.floor(value / 2 ** 32);
}

/** Reads what `writeWord64` wrote. */
export function readWord64(words: Int32Array, byteOffset: number): number {
  return (words[byteOffset >> 2] >>> 0) + words[(byteOffset >> 2) + 1] * 2 ** 32;
}

/** How many regions live; tests count them. */
export function liveRegions(): number {
  return live;
}
