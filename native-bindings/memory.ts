/**
 * Off-heap memory that the kernel and the ciphers work in. A region never moves, so its address is taken once, as a number, and
 * `base + offset` is all that a call needs; JavaScript sees the same bytes through typed arrays.
 *
 * A raw address is sharp: with `UMBRA_DEBUG=1` in the environment every address and length that leaves for C is checked against the
 * live regions, and a mistake throws before it can write anywhere. The tests run so.
 */

import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from './constants.js';
import { checked } from './errno.js';
import { ADDRESS, bind, koffi } from './platform.js';

/** Whether addresses are checked; constant for the life of the process, so that the compiler drops the checks where it is off. */
export const CHECK_BOUNDS = process.env['UMBRA_DEBUG'] === '1';

const PAGE_SIZE = 4096;
const mmap = bind('mmap', 'intptr_t', [ADDRESS, 'size_t', 'int', 'int', 'int', 'intptr_t']);
const munmap = bind('munmap', 'int', [ADDRESS, 'size_t']);

const regions = new Set<Region>();

/** A run of zeroed pages outside the JavaScript heap. Pages cost memory once they are touched. */
export class Region {
  readonly base: number;
  /** In bytes, a whole number of pages. */
  readonly size: number;
  readonly bytes: Uint8Array;
  /** The same memory as 32-bit words in the machine's order. */
  readonly words: Int32Array;
  #next = 0;
  #live = true;

  /** @param size in bytes; rounded up to whole pages */
  constructor(size: number) {
    this.size = Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
    this.base = checked('mmap', mmap(0, this.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    const memory = koffi.view(BigInt(this.base), this.size);
    this.bytes = new Uint8Array(memory);
    this.words = new Int32Array(memory);
    regions.add(this);
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

  /** Gives the pages back. The caller must not touch `bytes` or `words` afterwards; in debug mode calls with its addresses throw. */
  release(): void {
    if (!this.#live) return;
    this.#live = false;
    regions.delete(this);
    checked('munmap', munmap(this.base, this.size));
  }
}

/** How many regions live; tests count them. */
export function liveRegions(): number {
  return regions.size;
}

/**
 * @param address start of what C will read or write
 * @param length in bytes
 * @throws RangeError where a part of it is outside every live region
 */
export function checkRange(address: number, length: number): void {
  if (Number.isSafeInteger(length) && length >= 0) {
    for (const region of regions) {
      if (address >= region.base && address + length <= region.base + region.size) return;
    }
  }
  throw new RangeError(`out of bounds: ${length} bytes at 0x${address.toString(16)} are not inside a live region`);
}

/** As `checkRange`, but address 0 stands for "none", as in C. */
export function checkOptionalRange(address: number, length: number): void {
  if (address !== 0) checkRange(address, length);
}
