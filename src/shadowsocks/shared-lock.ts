/**
 * A lock that all threads of the process share, in a word of shared memory. What it guards takes less than a microsecond, so whoever finds it
 * taken nearly always waits for a thread that is about to leave; only one whose holder was interrupted sleeps in the kernel.
 */

/** States of the word, as in Drepper's "Futexes Are Tricky": a holder that nobody waits for need not wake anybody. */
const FREE = 0;
const TAKEN = 1;
const AWAITED = 2;

export class SharedLock {
  readonly #words: Int32Array;
  readonly #at: number;

  /** @param words in a SharedArrayBuffer; the word at `at` is the lock, 0 at first */
  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  /** Not to be taken twice by a thread. */
  take(): void {
    const words = this.#words;
    const at = this.#at;
    if (Atomics.compareExchange(words, at, FREE, TAKEN) === FREE) return;
    while (Atomics.exchange(words, at, AWAITED) !== FREE) Atomics.wait(words, at, AWAITED);
  }

  give(): void {
    if (Atomics.exchange(this.#words, this.#at, FREE) === AWAITED) Atomics.notify(this.#words, this.#at, 1);
  }
}
