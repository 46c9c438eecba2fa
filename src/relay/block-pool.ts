/**
 * Memory for what sessions must keep between two events: bytes that a socket did not take, and the beginning of a chunk whose rest has not
 * come. Blocks come from slabs; a slab whose blocks have all come back is given back to the system, but for one in reserve.
 */

import { Region } from '../../native-bindings/memory.js';

/** Slabs are about this large where nothing else is said: giving one back is then worth a system call. */
const SLAB_BYTES = 1024 * 1024;

interface Slab {
  readonly pool: BlockPool;
  readonly region: Region;
  readonly free: Block[];
}

/** A run of the pool's `blockSize` bytes at `offset` of `region`. */
export interface Block {
  readonly slab: Slab;
  readonly region: Region;
  readonly offset: number;
}

/** The pool is at its limit. The session that asked ends; the others go on. */
export class PoolExhaustedError extends Error {
  override readonly name = 'PoolExhaustedError';
}

export class BlockPool {
  /** Bytes of each block. */
  readonly blockSize: number;
  readonly #blocksASlab: number;
  readonly #maxBlocks: number;
  /** Slabs with a free block. */
  readonly #withFree: Slab[] = [];
  #slabs = 0;
  #inUse = 0;

  /**
   * @param maxBytes what all sessions of a reactor may keep together
   * @param slabBytes what is taken from the system at once, and kept in reserve
   */
  constructor(blockSize: number, maxBytes: number, slabBytes = SLAB_BYTES) {
    this.blockSize = blockSize;
    this.#blocksASlab = Math.max(1, Math.floor(slabBytes / blockSize));
    this.#maxBlocks = Math.floor(maxBytes / blockSize);
  }

  /** Blocks that are taken; tests see by it that none leaks. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Whether `take` will give one. */
  get available(): boolean {
    return this.#inUse < this.#maxBlocks;
  }

  /** @throws PoolExhaustedError */
  take(): Block {
    if (!this.available) throw new PoolExhaustedError('sessions hold as much memory as they may');
    let slab = this.#withFree.at(-1);
    if (slab === undefined) {
      slab = this.#newSlab();
      this.#slabs++;
      this.#withFree.push(slab);
    }
    const block = slab.free.pop();
    if (block === undefined) throw new Error('a slab without free blocks is among those with one');
    if (slab.free.length === 0) this.#withFree.pop();
    this.#inUse++;
    return block;
  }

  give(block: Block): void {
    const { slab } = block;
    if (slab.free.length === 0) this.#withFree.push(slab);
    slab.free.push(block);
    this.#inUse--;
    if (slab.free.length === this.#blocksASlab && this.#withFree.length > 1) {
      this.#withFree.splice(this.#withFree.indexOf(slab), 1);
      this.#slabs--;
      slab.region.release();
    }
  }

  /** Gives all memory back; nothing of the pool may be used afterwards. */
  release(): void {
    for (const slab of this.#withFree) slab.region.release();
    this.#withFree.length = 0;
  }

  /** Slabs held from the system, free or not. */
  get slabs(): number {
    return this.#slabs;
  }

  #newSlab(): Slab {
    const count = this.#blocksASlab;
    const region = new Region(count * this.blockSize);
    const slab: Slab = { pool: this, region, free: [] };
    for (let i = count - 1; i >= 0; i--) slab.free.push({ slab, region, offset: i * this.blockSize });
    return slab;
  }
}

/** Pools of different sizes. What needs a block takes the smallest that fits, or a larger one where those have run out. */
export class BlockPools {
  /** By size. */
  readonly #pools: readonly BlockPool[];

  /** @param pools by size, the smallest first */
  constructor(pools: readonly BlockPool[]) {
    this.#pools = pools;
  }

  /** Blocks of all of them that are taken. */
  get inUse(): number {
    return this.#pools.reduce((sum, pool) => sum + pool.inUse, 0);
  }

  /**
   * A block of at least `length` bytes.
   * @throws PoolExhaustedError
   */
  take(length: number): Block {
    const pools = this.#pools;
    const largest = pools[pools.length - 1];
    if (length > largest.blockSize) throw new RangeError(`${length} bytes do not fit a block`);
    for (let i = 0; i < pools.length; i++) {
      if (length <= pools[i].blockSize && pools[i].available) return pools[i].take();
    }
    return largest.take();
  }

  /** Gives a block back to the pool that it came from. */
  give(block: Block): void {
    block.slab.pool.give(block);
  }
}
