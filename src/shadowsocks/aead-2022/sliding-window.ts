/**
 * Which packet ids of a session have been seen: the highest, and a bit for each of those shortly below it (RFC 6479's ring of words, so that
 * moving on clears whole words and shifts nothing). Older ones count as seen.
 */

const WORDS = 256;
const WORD_BITS = 32;
/**
 * Ids that may come late and still be told apart, as WireGuard has it: one word of the ring is always being refilled.
 */
export const WINDOW_LENGTH = (WORDS - 1) * WORD_BITS;

export class SlidingWindow {
  readonly #seen = new Int32Array(WORDS);
  #highest = -1;

  /** Whether a packet with this id may still be accepted. Changes nothing. @param id a safe integer */
  accepts(id: number): boolean {
    if (id > this.#highest) return true;
    if (this.#highest - id >= WINDOW_LENGTH) return false;
    return (this.#seen[wordOf(id)] & bitOf(id)) === 0;
  }

  /** Notes an id that `accepts` accepted, once its packet is known to be authentic. */
  add(id: number): void {
    if (id > this.#highest) {
      this.#clearUpTo(id);
      this.#highest = id;
    }
    this.#seen[wordOf(id)] |= bitOf(id);
  }

  /** Clears the words between the highest id so far and a new one: all of them after a jump past the whole ring. */
  #clearUpTo(id: number): void {
    const from = Math.floor(this.#highest / WORD_BITS);
    const words = Math.min(WORDS, Math.floor(id / WORD_BITS) - from);
    for (let i = 1; i <= words; i++) this.#seen[(from + i) % WORDS] = 0;
  }
}

function wordOf(id: number): number {
  return Math.floor(id / WORD_BITS) % WORDS;
}

function bitOf(id: number): number {
  return 1 << (id % WORD_BITS);
}
