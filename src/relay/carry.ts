/**
 * The beginning of a unit whose rest has not come yet. A few bytes are kept by the session itself: salt and sealed length are all that
 * anyone without a key can make it wait for, and the pool must not run dry by that. More takes a block from the pool.
 */

import type { Region } from '../../native-bindings/memory.js';
import type { Block, BlockPool } from './block-pool.js';

/** A salt of 32 bytes and a sealed length of 18. */
const FEW_BYTES = 50;

export class Carry {
  readonly #pool: BlockPool;
  /** Made when the first few bytes have to be kept, which most sessions never need. */
  #few: Uint8Array | undefined = undefined;
  #block: Block | undefined = undefined;
  length = 0;

  constructor(pool: BlockPool) {
    this.#pool = pool;
  }

  /** Puts the kept bytes at `into[at]`, where the next ones are received behind them. @returns how many */
  restore(into: Region, at: number): number {
    if (this.#block !== undefined) copy(this.#block.region.bytes, this.#block.offset, into.bytes, at, this.length);
    else if (this.#few !== undefined) copy(this.#few, 0, into.bytes, at, this.length);
    return this.length;
  }

  /** Keeps `from[at, end)` in place of what was kept. @throws PoolExhaustedError */
  save(from: Region, at: number, end: number): void {
    const length = end - at;
    if (length > this.#pool.blockSize) throw new RangeError(`a unit of ${length} bytes does not fit a block`);
    if (length <= FEW_BYTES) {
      this.clear();
      if (length === 0) return;
      this.#few ??= new Uint8Array(FEW_BYTES);
      copy(from.bytes, at, this.#few, 0, length);
    } else {
      this.#block ??= this.#pool.take();
      copy(from.bytes, at, this.#block.region.bytes, this.#block.offset, length);
    }
    this.length = length;
  }

  clear(): void {
    this.length = 0;
    if (this.#block === undefined) return;
    this.#pool.give(this.#block);
    this.#block = undefined;
  }
}

function copy(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, length: number): void {
  to.set(from.subarray(fromAt, fromAt + length), toAt);
}
