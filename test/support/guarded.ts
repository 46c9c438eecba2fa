/** Memory whose surroundings are watched: a codec may write into the part that it was given, and nowhere else. */

import { expect } from 'chai';
import { Region } from '../../native-bindings/memory.js';

const GUARD = 0xa5;
/** Watched before and behind a part: a codec that strays does so by a tag, a salt or a length. */
const GUARD_LENGTH = 512;
const intact = Buffer.alloc(GUARD_LENGTH, GUARD);

export class GuardedMemory {
  readonly region: Region;
  #at = 0;
  #length = 0;

  /** @param size the largest part, in bytes */
  constructor(size: number) {
    this.region = new Region(size + 8192);
  }

  /** Puts guards around a part that holds `content`, or zeros. */
  lay(at: number, length: number, content: Uint8Array | undefined = undefined): void {
    const { bytes } = this.region;
    bytes.fill(GUARD, Math.max(0, at - GUARD_LENGTH), at);
    bytes.fill(GUARD, at + length, at + length + GUARD_LENGTH);
    if (content === undefined) bytes.fill(0, at, at + length);
    else bytes.set(content, at);
    this.#at = at;
    this.#length = length;
  }

  slice(at: number, length: number): Uint8Array {
    return this.region.bytes.slice(at, at + length);
  }

  expectIntact(): void {
    const { bytes } = this.region;
    const end = this.#at + this.#length;
    const before = bytes.subarray(Math.max(0, this.#at - GUARD_LENGTH), this.#at);
    expect(intact.subarray(0, before.length).equals(before), 'bytes before are untouched').to.equal(true);
    expect(intact.equals(bytes.subarray(end, end + GUARD_LENGTH)), 'bytes behind are untouched').to.equal(true);
  }

  release(): void {
    this.region.release();
  }
}
