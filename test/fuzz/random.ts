/** A small seeded generator: every input of a fuzz run can be made again from the run's seed, the target's name and the input's number. */

/** xorshift128 (Marsaglia 2003): fast, and good enough to choose mutations. */
export class SeededRandom {
  readonly #state = new Int32Array(4);

  /** Starts again, as if made anew. @param words up to four numbers that name the sequence */
  seed(...words: number[]): void {
    // Splitmix-like mixing, so that neighbouring seeds begin differently; a state of zeros would stay there.
    let mixed = 0x9e3779b9;
    for (let i = 0; i < 4; i++) {
      mixed = Math.imul(mixed ^ (words[i % words.length] + i), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      this.#state[i] = mixed ^ (mixed >>> 16) ^ (i + 1);
    }
    for (let i = 0; i < 8; i++) this.#next();
  }

  #next(): number {
    const state = this.#state;
    let word = state[3];
    const first = state[0];
    state[3] = state[2];
    state[2] = state[1];
    state[1] = first;
    word ^= word << 11;
    word ^= word >>> 8;
    state[0] = word ^ first ^ (first >>> 19);
    return state[0] >>> 0;
  }

  /** 0 ≤ x < `end` */
  below(end: number): number {
    return this.#next() % end;
  }

  byte(): number {
    return this.#next() & 0xff;
  }

  /** With a probability of one in `n`. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }
}

/** A number for a name, to seed by. */
export function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
