/**
 * Salts that have been used, in memory that all reactors of a process share: two generations, of which the newer one takes what comes, and the
 * older one is forgotten as a whole when it is their turn. A look-up and an addition are one step for all threads, so of two connections with
 * one salt, on whichever reactors, only one is let in.
 */

import { randomFillSync } from 'node:crypto';
import type { SaltFilter } from './salt-filter.js';
import { generationWords, SaltGeneration } from './salt-generation.js';
import { SharedLock } from './shared-lock.js';

/** What is kept of a salt. */
export type SaltPart =
  /** All of it, up to 32 bytes. */
  | 'whole'
  /** Its last 8 bytes. The first ones may be anything but random: some clients begin with a text that looks harmless. */
  | 'end';

/** The memory, and what it is meant for. It crosses to the reactors' threads, which share the buffer. */
export interface SaltMemory {
  readonly buffer: SharedArrayBuffer;
  readonly part: SaltPart;
  /** Salts of one generation. */
  readonly capacity: number;
  /** A salt is remembered for so long at least, and refused where there is no room for it; Infinity: older ones make room instead. */
  readonly retentionMs: number;
}

const PART_WORDS: Readonly<Record<SaltPart, number>> = { whole: 8, end: 2 };
const LOCK = 0;
/** Which of the two takes what comes. */
const NEWER = 1;
const MULTIPLIERS_AT = 2;
const MAX_MULTIPLIERS = 8;
/** When the generations last took turns, as a 64-bit number. */
const TURNED_AT = MULTIPLIERS_AT + MAX_MULTIPLIERS;
const HEADER_WORDS = TURNED_AT + 2;

/** Pages cost memory once they are touched, so the capacity may be generous. */
export function allocateSaltMemory(part: SaltPart, capacity: number, retentionMs: number): SaltMemory {
  const words = HEADER_WORDS + 2 * generationWords(capacity, PART_WORDS[part]);
  const buffer = new SharedArrayBuffer(words * 4);
  const multipliers = randomFillSync(new Int32Array(MAX_MULTIPLIERS)).map((word) => word | 1);
  new Int32Array(buffer).set(multipliers, MULTIPLIERS_AT);
  new Float64Array(buffer, TURNED_AT * 4, 1)[0] = Number.NEGATIVE_INFINITY;
  return { buffer, part, capacity, retentionMs };
}

/** Milliseconds that never go back, and are the same on every thread: `performance.now` counts from each thread's own start. */
const [seconds, nanoseconds] = process.hrtime();
const threadStartMs = seconds * 1000 + nanoseconds / 1e6 - performance.now();

function processClockMs(): number {
  return threadStartMs + performance.now();
}

/** One thread's access to the memory. */
export class SharedSalts implements SaltFilter {
  readonly #words: Int32Array;
  readonly #turnedAtMs: Float64Array;
  readonly #lock: SharedLock;
  readonly #generations: readonly [SaltGeneration, SaltGeneration];
  readonly #part: SaltPart;
  readonly #retentionMs: number;
  readonly #clock: () => number;
  /** Of no meaning: a compiler would leave out reads whose result goes nowhere. */
  touched = 0;
  /** What is kept of the salt at hand. */
  readonly #salt: Int32Array;

  /** @param clock milliseconds that never go back, the same for all threads */
  constructor({ buffer, part, capacity, retentionMs }: SaltMemory, clock: () => number = processClockMs) {
    const words = new Int32Array(buffer);
    const length = generationWords(capacity, PART_WORDS[part]);
    const multipliers = words.slice(MULTIPLIERS_AT, MULTIPLIERS_AT + PART_WORDS[part]);
    const generation = (at: number): SaltGeneration =>
      new SaltGeneration(words.subarray(at, at + length), capacity, multipliers);
    this.#words = words;
    this.#turnedAtMs = new Float64Array(buffer, TURNED_AT * 4, 1);
    this.#lock = new SharedLock(words, LOCK);
    this.#generations = [generation(HEADER_WORDS), generation(HEADER_WORDS + length)];
    this.#part = part;
    this.#retentionMs = retentionMs;
    this.#clock = clock;
    this.#salt = new Int32Array(PART_WORDS[part]);
  }

  seen(from: Uint8Array, at: number, length: number): boolean {
    this.#take(from, at, length);
    this.#lock.take();
    this.#turnInTime();
    const known = this.#known();
    this.#lock.give();
    return known;
  }

  add(from: Uint8Array, at: number, length: number): boolean {
    this.#take(from, at, length);
    this.#lock.take();
    this.#turnInTime();
    const added = !this.#known() && this.#makeRoom();
    if (added) this.#generations[this.#words[NEWER]].add(this.#salt);
    this.#lock.give();
    return added;
  }

  addFresh(from: Uint8Array, saltsAt: Int32Array, count: number, length: number): void {
    this.#lock.take();
    this.#turnInTime();
    this.#touch(from, saltsAt, count, length, this.#generations[this.#words[NEWER]]);
    for (let i = 0; i < count && this.#makeRoom(); i++) {
      this.#take(from, saltsAt[i], length);
      this.#generations[this.#words[NEWER]].add(this.#salt);
    }
    this.#lock.give();
  }

  expect(from: Uint8Array, saltsAt: Int32Array, count: number, length: number): void {
    this.#touch(from, saltsAt, count, length, this.#generations[0]);
    this.#touch(from, saltsAt, count, length, this.#generations[1]);
  }

  #touch(from: Uint8Array, saltsAt: Int32Array, count: number, length: number, generation: SaltGeneration): void {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      this.#take(from, saltsAt[i], length);
      sum ^= generation.touch(this.#salt);
    }
    this.touched = sum;
  }

  #known(): boolean {
    return this.#generations[0].has(this.#salt) || this.#generations[1].has(this.#salt);
  }

  /** @returns false where there is none, and nothing may be forgotten for it */
  #makeRoom(): boolean {
    if (!this.#generations[this.#words[NEWER]].full) return true;
    if (this.#retentionMs !== Number.POSITIVE_INFINITY) return false;
    this.#turn();
    return true;
  }

  #turnInTime(): void {
    if (this.#retentionMs === Number.POSITIVE_INFINITY) return;
    const nowMs = this.#clock();
    const ageMs = nowMs - this.#turnedAtMs[0];
    if (ageMs < this.#retentionMs) return;
    this.#turn();
    if (ageMs >= 2 * this.#retentionMs) this.#turn();
    this.#turnedAtMs[0] = nowMs;
  }

  /** The older one is emptied, and takes what comes. */
  #turn(): void {
    const older = 1 - this.#words[NEWER];
    this.#generations[older].clear();
    this.#words[NEWER] = older;
  }

  /** Copies what is kept of a salt; what a short one lacks is zero. */
  #take(from: Uint8Array, at: number, length: number): void {
    const salt = this.#salt;
    const start = this.#part === 'end' ? at + Math.max(0, length - salt.length * 4) : at;
    const end = at + length;
    for (let i = 0; i < salt.length; i++) {
      let word = 0;
      const first = start + i * 4;
      for (let byte = first; byte < first + 4 && byte < end; byte++) word = (word << 8) | from[byte];
      salt[i] = word;
    }
  }
}
