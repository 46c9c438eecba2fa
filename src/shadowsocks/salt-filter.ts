/** What a protocol asks of a memory of salts. */

/**
 * Salts that have been seen. To be updated only once the salt's first chunk, header or packet has proved authentic: otherwise anybody could
 * fill it. Nothing is allocated by a call.
 */
export interface SaltFilter {
  /** Whether the salt at `from[at, at + length)` is known. */
  seen(from: Uint8Array, at: number, length: number): boolean;
  /**
   * Looks up and adds in one step, also against other threads.
   * @returns false where the salt was known, or must be refused because nothing may be forgotten for it
   */
  add(from: Uint8Array, at: number, length: number): boolean;
  /**
   * The salts at `from[saltsAt[i]]` will be asked for, or added, soon. They lie about in more memory than the processor's caches have, and it is
   * faster to read from several places of it at once than from one after the other.
   */
  expect?(from: Uint8Array, saltsAt: Int32Array, count: number, length: number): void;
  /** Adds the salts at `from[saltsAt[i]]`, which were just drawn, and so are known to nobody. */
  addFresh(from: Uint8Array, saltsAt: Int32Array, count: number, length: number): void;
}
