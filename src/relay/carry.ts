/**
 * The beginning of a unit whose rest has not come yet. A few bytes are kept by the session itself: salt and sealed length are all that
 * anyone without a key can make it wait for, and the pool must not run dry by that. More takes a block from the pool.
 */

import type { Region } from '../../native-bindings/memory.js';
import type { Block, BlockPools } from './block-pool.js';

/** A salt of 32 bytes and what comes sealed behind it: a length of 18 bytes, or (SIP022) the fixed header of a response, 59 bytes. */
const FEW_BYTES = 32 + 59;

export class Carry {
  readonly #pools: BlockPools;
  /** Made when the first few bytes have to be kept, which most sessions never need. */
  #few: Uint8Array | undefined = undefined;
  #block: Block | undefined = undefined;
  length = 0;

  constructor(pools: BlockPools) {
    this.#pools = pools;
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
    if (length <= FEW_BYTES) {
      this.clear();
      if (length === 0) return;
      this.#few ??= new Uint8Array(FEW_BYTES);
      copy(from.bytes, at, this.#few, 0, length);
    } else {
      const block = this.#blockOf(length);
      copy(from.bytes, at, block.region.bytes, block.offset, length);
    }
    this.length = length;
  }

  /** The block that is there, where it is large enough. */
  #blockOf(length: number): Block {
    if (this.#block !== undefined && length <= this.#block.slab.pool.blockSize) return this.#block;
    this.clear();
    this.#block = this.#pools.take(length);
    return this.#block;
  }

  clear(): void {
    this.length = 0;
    if (this.#block === undefined) return;
    this.#pools.give(this.#block);
    this.#block = undefined;
  }
}

function copy(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, length: number): void {
  to.set(from.subarray(fromAt, fromAt + length), toAt);
}
