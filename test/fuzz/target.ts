/** What a fuzz run needs of a decoder. */

import type { SeededRandom } from './random.js';

export interface FuzzTarget {
  readonly name: string;
  /** Good inputs, and bad ones that reach far. */
  readonly corpus: readonly Uint8Array[];
  /**
   * Decodes. Whatever the input is, it must return: an exception is a finding, and so is one thrown here because a promise of the decoder's
   * does not hold.
   * @param random for choices that belong to the input (where it is split, which state it meets)
   * @returns whether the decoder took it for good: a run in which none was, or all were, has tested little
   */
  run(input: Uint8Array, random: SeededRandom): boolean;
}

/** Throws where a promise is broken. */
export function must(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new Error(`broken: ${promise}`);
}
