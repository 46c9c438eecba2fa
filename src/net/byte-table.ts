/**
 * Entries found by a key of a few bytes that lie in a buffer: an address as the kernel or a packet has it. A look-up makes no object, which a
 * Map would want for its key.
 */

import { randomInt } from 'node:crypto';

export interface ByteTableEntry {
  readonly key: Uint8Array;
  /** Written by the table: another entry with the same hash. */
  nextOfHash: this | undefined;
}

/** FNV-1a's prime. */
const MULTIPLIER = 0x01000193;

export class ByteTable<Entry extends ByteTableEntry> {
  readonly #byHash = new Map<number, Entry>();
  /** Drawn, so that nobody can choose keys that all have one hash. */
  readonly #seed = randomInt(2 ** 31);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The entry whose key is `bytes[at, at + length)`. */
  find(bytes: Uint8Array, at: number, length: number): Entry | undefined {
    let entry = this.#byHash.get(this.#hash(bytes, at, length));
    while (entry !== undefined && !hasKey(entry, bytes, at, length)) entry = entry.nextOfHash;
    return entry;
  }

  /** @param entry whose key is not there yet */
  add(entry: Entry): void {
    const hash = this.#hash(entry.key, 0, entry.key.length);
    entry.nextOfHash = this.#byHash.get(hash);
    this.#byHash.set(hash, entry);
    this.#size++;
  }

  /** @param entry that is there */
  remove(entry: Entry): void {
    const hash = this.#hash(entry.key, 0, entry.key.length);
    const first = this.#byHash.get(hash);
    if (first === entry) {
      if (entry.nextOfHash === undefined) this.#byHash.delete(hash);
      else this.#byHash.set(hash, entry.nextOfHash);
    } else {
      let before = first;
      while (before !== undefined && before.nextOfHash !== entry) before = before.nextOfHash;
      if (before === undefined) throw new Error('an entry that is not in the table was removed');
      before.nextOfHash = entry.nextOfHash;
    }
    entry.nextOfHash = undefined;
    this.#size--;
  }

  #hash(bytes: Uint8Array, at: number, length: number): number {
    let hash = this.#seed;
    for (let i = at; i < at + length; i++) hash = Math.imul(hash ^ bytes[i], MULTIPLIER);
    // A small integer to V8 wherever it runs.
    return (hash ^ (hash >>> 15)) & 0x3fffffff;
  }
}

/** Whether `bytes[at, at + length)` is an entry's key. */
export function hasKey({ key }: ByteTableEntry, bytes: Uint8Array, at: number, length: number): boolean {
  if (key.length !== length) return false;
  for (let i = 0; i < length; i++) if (key[i] !== bytes[at + i]) return false;
  return true;
}
