/** Memories of salts that are simpler than the real one. */

import type { SaltFilter } from '../../src/shadowsocks/salt-filter.js';

/** Remembers nothing, so that a test can open what it has sealed. */
export const FORGETFUL: SaltFilter = { seen: () => false, add: () => true, addFresh: () => {} };

/** A filter as it is meant to be, without bounds. */
export class PlainFilter implements SaltFilter {
  readonly salts = new Set<string>();

  seen(from: Uint8Array, at: number, length: number): boolean {
    return this.salts.has(Buffer.from(from.slice(at, at + length)).toString('hex'));
  }

  add(from: Uint8Array, at: number, length: number): boolean {
    const known = this.seen(from, at, length);
    this.salts.add(Buffer.from(from.slice(at, at + length)).toString('hex'));
    return !known;
  }

  addFresh(from: Uint8Array, saltsAt: Int32Array, count: number, length: number): void {
    for (let i = 0; i < count; i++) this.add(from, saltsAt[i], length);
  }
}
