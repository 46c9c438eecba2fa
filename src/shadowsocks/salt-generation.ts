/**
 * A set of salts in shared memory that only grows until it is emptied as a whole. Entries lie one behind the other and are chained from a table
 * of heads, so the set touches as much memory as it has entries: a table of entries scattered by their hash would touch all of its pages
 * after a few thousand. An entry is the number of the next one of its chain and the salt, side by side, for a look-up costs as
 * much as the cache lines that it touches; and a head tells by a few bits most salts that are not in its chain, so that for those the head is all
 * that is touched.
 *
 * It is not safe by itself: whoever uses it holds the lock.
 */

/** The table of heads begins with this many, and doubles when there are more entries. */
const FIRST_HEAD_BITS = 10;

/** The lower bits of a head are the number of its chain's first entry, from 1 on; 0 for none. */
const ENTRY_BITS = 21;
const ENTRY_MASK = (1 << ENTRY_BITS) - 1;
/** Each of the upper ones stands for a part of all salts, and is set where the chain has one of that part. */
const SIGN_BITS = 32 - ENTRY_BITS;

/** Words in front of the heads: how many entries there are, and how many bits of a hash choose a head. */
const COUNT = 0;
const HEAD_BITS = 1;
const HEADER_WORDS = 2;

function maxHeads(capacity: number): number {
  return 1 << Math.max(FIRST_HEAD_BITS, Math.ceil(Math.log2(capacity)));
}

/** How much memory a set needs, in words of 32 bits. @param capacity less than 2^21 */
export function generationWords(capacity: number, saltWords: number): number {
  if (capacity > ENTRY_MASK) throw new RangeError(`a set of ${capacity} salts`);
  return HEADER_WORDS + maxHeads(capacity) + capacity * (1 + saltWords);
}

export class SaltGeneration {
  readonly #header: Int32Array;
  /** By the upper bits of a hash. */
  readonly #heads: Int32Array;
  /** Each `next | salt`. */
  readonly #entries: Int32Array;
  readonly #capacity: number;
  readonly #saltWords: number;
  readonly #multipliers: Int32Array;

  /**
   * @param memory `generationWords` of it, zeroed once
   * @param multipliers odd and secret, one for each word of an entry: without them nobody can choose salts that share a chain
   */
  constructor(memory: Int32Array, capacity: number, multipliers: Int32Array) {
    const entriesAt = HEADER_WORDS + maxHeads(capacity);
    this.#header = memory.subarray(0, HEADER_WORDS);
    this.#heads = memory.subarray(HEADER_WORDS, entriesAt);
    this.#entries = memory.subarray(entriesAt);
    this.#capacity = capacity;
    this.#saltWords = multipliers.length;
    this.#multipliers = multipliers;
  }

  get full(): boolean {
    return this.#header[COUNT] === this.#capacity;
  }

  #headBits(): number {
    return this.#header[HEAD_BITS] === 0 ? FIRST_HEAD_BITS : this.#header[HEAD_BITS];
  }

  /** Universal hashing, by multiplication, of which the upper bits are to be used. */
  #hash(from: Int32Array, at: number): number {
    const multipliers = this.#multipliers;
    let sum = 0;
    for (let i = 0; i < multipliers.length; i++) sum = (sum + Math.imul(from[at + i], multipliers[i])) | 0;
    return sum;
  }

  /** Reads what a look-up of this salt will read first, so that it is near by then. @returns a number that means nothing */
  touch(salt: Int32Array): number {
    return this.#heads[this.#hash(salt, 0) >>> (32 - this.#headBits())];
  }

  has(salt: Int32Array): boolean {
    // The older one of two, most of the time.
    if (this.#header[COUNT] === 0) return false;
    const bits = this.#headBits();
    const hash = this.#hash(salt, 0);
    const head = this.#heads[hash >>> (32 - bits)];
    if ((head & signOf(hash, bits)) === 0) return false;
    const words = this.#saltWords;
    const entries = this.#entries;
    let entry = head & ENTRY_MASK;
    while (entry !== 0) {
      const at = (entry - 1) * (1 + words);
      let i = 0;
      while (i < words && entries[at + 1 + i] === salt[i]) i++;
      if (i === words) return true;
      entry = entries[at];
    }
    return false;
  }

  /** Adds one that is not in it. It must not be full. */
  add(salt: Int32Array): void {
    const entry = this.#header[COUNT]++;
    if (this.#header[COUNT] > 1 << this.#headBits()) this.#growHeads(entry);
    const at = entry * (1 + this.#saltWords);
    for (let i = 0; i < this.#saltWords; i++) this.#entries[at + 1 + i] = salt[i];
    this.#link(entry, this.#headBits());
  }

  #link(entry: number, bits: number): void {
    const at = entry * (1 + this.#saltWords);
    const hash = this.#hash(this.#entries, at + 1);
    const index = hash >>> (32 - bits);
    const head = this.#heads[index];
    this.#entries[at] = head & ENTRY_MASK;
    this.#heads[index] = (head & ~ENTRY_MASK) | signOf(hash, bits) | (entry + 1);
  }

  /** Twice as many heads; the entries stay where they are. @param count of them */
  #growHeads(count: number): void {
    const bits = this.#headBits() + 1;
    this.#header[HEAD_BITS] = bits;
    this.#heads.fill(0, 0, 1 << bits);
    for (let entry = 0; entry < count; entry++) this.#link(entry, bits);
  }

  /** Forgets all of them. */
  clear(): void {
    if (this.#header[COUNT] === 0) return;
    this.#header[COUNT] = 0;
    this.#heads.fill(0, 0, 1 << this.#headBits());
  }
}

/** The bit of a head that stands for a hash: by what follows those bits of it that choose the head. */
function signOf(hash: number, headBits: number): number {
  const next = (hash << headBits) >>> 24;
  return 1 << (ENTRY_BITS + ((next * SIGN_BITS) >>> 8));
}
