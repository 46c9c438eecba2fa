/**
 * What a socket did not take. It never holds more than one send left over, because while it is not empty its source is not read; so one
 * block from the pool is enough, and there is one only while something is stuck.
 */

import type { Region } from '../../native-bindings/memory.js';
import { type TcpSocket, WOULD_BLOCK } from '../net/tcp-socket.js';
import type { Block, BlockPools } from './block-pool.js';

export class Backlog {
  readonly #pools: BlockPools;
  #block: Block | undefined = undefined;
  /** Where unsent bytes begin and end in the block. */
  #start = 0;
  #end = 0;

  constructor(pools: BlockPools) {
    this.#pools = pools;
  }

  get empty(): boolean {
    return this.#block === undefined;
  }

  /** Keeps `from[at, at + length)`. The backlog must be empty. @throws PoolExhaustedError */
  keep(from: Region, at: number, length: number): void {
    const block = this.#pools.take(length);
    block.region.bytes.set(from.bytes.subarray(at, at + length), block.offset);
    this.#block = block;
    this.#start = 0;
    this.#end = length;
  }

  /**
   * Sends what the socket takes.
   * @returns 0, or a negative errno (never WOULD_BLOCK)
   */
  flush(socket: TcpSocket): number {
    const block = this.#block;
    if (block === undefined || !socket.writable) return 0;
    const sent = socket.send(block.region, block.offset + this.#start, this.#end - this.#start);
    if (sent < 0) return sent === WOULD_BLOCK ? 0 : sent;
    this.#start += sent;
    if (this.#start === this.#end) this.clear();
    return 0;
  }

  /** Forgets everything. */
  clear(): void {
    if (this.#block === undefined) return;
    this.#pools.give(this.#block);
    this.#block = undefined;
  }
}
