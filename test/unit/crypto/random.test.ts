/** The source of salts. */

import { expect } from 'chai';
import { createRandomSource, POOL_SIZE } from '../../../src/crypto/random.js';

describe('the random source', () => {
  it('gives 100,000 salts of 32 bytes of which no two are alike', () => {
    const random = createRandomSource();
    const salt = Buffer.alloc(32);
    const seen = new Set<string>();
    for (let i = 0; i < 100_000; i++) {
      random(salt, 0, 32);
      seen.add(salt.toString('latin1'));
    }
    expect(seen.size).to.equal(100_000);
  });

  it('fills the range that was asked for and nothing else, at every place of its pool', () => {
    const random = createRandomSource();
    for (let round = 0; round < 600; round++) {
      const length = [16, 24, 32, 1, 4095][round % 5];
      const into = new Uint8Array(length + 20).fill(0xa5);
      random(into, 10, length);
      expect(into.subarray(0, 10).every((byte) => byte === 0xa5)).to.equal(true);
      expect(into.subarray(10 + length).every((byte) => byte === 0xa5)).to.equal(true);
      if (length >= 16) expect(new Set(into.subarray(10, 10 + length)).size).to.be.greaterThan(5);
    }
  });

  it('gives bytes of every value, evenly', () => {
    const random = createRandomSource();
    const counts = new Uint32Array(256);
    const into = new Uint8Array(4096);
    for (let i = 0; i < 64; i++) {
      random(into, 0, into.length);
      for (const byte of into) counts[byte]++;
    }
    // 1,024 of each are expected, with a standard deviation of 32: eight of these are never met.
    expect(Math.min(...counts)).to.be.greaterThan(768);
    expect(Math.max(...counts)).to.be.lessThan(1280);
  });

  it('is independent of other sources', () => {
    const [first, second] = [new Uint8Array(32), new Uint8Array(32)];
    createRandomSource()(first, 0, 32);
    createRandomSource()(second, 0, 32);
    expect(first).not.to.deep.equal(second);
  });

  it('refuses more than its pool holds', () => {
    expect(() => createRandomSource()(new Uint8Array(POOL_SIZE + 1), 0, POOL_SIZE + 1)).to.throw(RangeError);
  });
});
