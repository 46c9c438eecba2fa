/**
 * How much the next receive of a socket asks for, in chunks: more while they come back full, less when the other socket does not take it all.
 * A connection whose peer stalls so comes down to a chunk, and that is what it keeps in memory.
 */

import type { RelayContext } from './context.js';
import { MAX_READ_CHUNKS } from './workspace.js';

/** Of a new connection. */
export const FIRST_READ_CHUNKS = 4;

export class ReadChunks {
  readonly #context: RelayContext;
  #count = FIRST_READ_CHUNKS;

  constructor(context: RelayContext) {
    this.#context = context;
  }

  /** One where there is no memory left for the rest of more. */
  get count(): number {
    const { largeBlocks, mediumBlocks } = this.#context;
    return largeBlocks.available && mediumBlocks.available ? this.#count : 1;
  }

  more(): void {
    this.#count = Math.min(MAX_READ_CHUNKS, this.#count * 2);
  }

  less(): void {
    this.#count = Math.max(1, this.#count >> 1);
  }
}
