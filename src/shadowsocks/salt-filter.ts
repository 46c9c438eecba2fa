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
  /** Adds a salt that was just drawn, and so is known to nobody. */
  addFresh(from: Uint8Array, at: number, length: number): void;
}
