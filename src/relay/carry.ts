/** The beginning of a chunk whose rest has not come yet: at most one unit, in one block from the pool while there is any. */

import type { Region } from '../../native-bindings/memory.js';
import type { Block, BlockPool } from './block-pool.js';

export class Carry {
  readonly #pool: BlockPool;
  #block: Block | undefined = undefined;
  length = 0;

  constructor(pool: BlockPool) {
    this.#pool = pool;
  }

  /** Puts the kept bytes at `into[at]`, where the next ones are received behind them. @returns how many */
  restore(into: Region, at: number): number {
    if (this.#block !== undefined) copy(this.#block.region, this.#block.offset, into, at, this.length);
    return this.length;
  }

  /** Keeps `from[at, end)` in place of what was kept. @throws PoolExhaustedError */
  save(from: Region, at: number, end: number): void {
    const length = end - at;
    if (length === 0) {
      this.clear();
      return;
    }
    if (length > this.#pool.blockSize) throw new RangeError(`a unit of ${length} bytes does not fit a block`);
    this.#block ??= this.#pool.take();
    copy(from, at, this.#block.region, this.#block.offset, length);
    this.length = length;
  }

  clear(): void {
    this.length = 0;
    if (this.#block === undefined) return;
    this.#pool.give(this.#block);
    this.#block = undefined;
  }
}

function copy(from: Region, fromAt: number, to: Region, toAt: number, length: number): void {
  to.bytes.set(from.bytes.subarray(fromAt, fromAt + length), toAt);
}
