/** The memory of sessions: bounded, given back, never shared. */

import { expect } from 'chai';
import fc from 'fast-check';
import { liveRegions } from '../../../native-bindings/memory.js';
import { type Block, BlockPool, BlockPools, PoolExhaustedError } from '../../../src/relay/block-pool.js';

const MIB = 1024 * 1024;

describe('the pool of blocks', () => {
  it('hands out blocks that do not overlap', () => {
    const pool = new BlockPool(300_000, 100 * MIB);
    const blocks = Array.from({ length: 20 }, () => pool.take());
    for (const [i, block] of blocks.entries()) block.region.bytes.fill(i + 1, block.offset, block.offset + 300_000);
    for (const [i, { region, offset }] of blocks.entries()) {
      expect(region.bytes.subarray(offset, offset + 300_000).every((byte) => byte === i + 1)).to.equal(true);
    }
    for (const block of blocks) pool.give(block);
    pool.release();
  });

  it('gives slabs back to the system as their blocks come back, but for one in reserve', () => {
    const regions = liveRegions();
    const pool = new BlockPool(100_000, 100 * MIB);
    expect(pool.slabs).to.equal(0);
    const blocks = Array.from({ length: 55 }, () => pool.take());
    expect(pool.slabs).to.equal(6);
    expect(liveRegions()).to.equal(regions + 6);
    for (const block of blocks) pool.give(block);
    expect(pool.inUse).to.equal(0);
    expect(pool.slabs).to.equal(1);
    expect(liveRegions()).to.equal(regions + 1);
    pool.release();
    expect(liveRegions()).to.equal(regions);
  });

  it('does not go to the system and back for one block that comes and goes', () => {
    const pool = new BlockPool(100_000, 100 * MIB);
    const first = pool.take();
    pool.give(first);
    for (let i = 0; i < 100; i++) {
      const block = pool.take();
      expect(block.region).to.equal(first.region);
      pool.give(block);
    }
    pool.release();
  });

  it('has a limit, and goes on below it', () => {
    const pool = new BlockPool(MIB, 3 * MIB);
    const blocks = [pool.take(), pool.take(), pool.take()];
    expect(() => pool.take()).to.throw(PoolExhaustedError);
    expect(pool.inUse).to.equal(3);
    pool.give(blocks[1]);
    const again = pool.take();
    expect(() => pool.take()).to.throw(PoolExhaustedError);
    for (const block of [blocks[0], blocks[2], again]) pool.give(block);
    pool.release();
  });

  it('takes blocks larger than a slab usually is', () => {
    const pool = new BlockPool(2 * MIB, 8 * MIB);
    const block = pool.take();
    block.region.bytes.fill(1, block.offset, block.offset + 2 * MIB);
    pool.give(block);
    pool.release();
  });

  it('keeps count whatever the order of taking and giving', () => {
    const property = fc.property(fc.array(fc.nat({ max: 40 }), { maxLength: 200 }), (steps) => {
      const regions = liveRegions();
      const pool = new BlockPool(150_000, 30 * 150_000);
      const held: Block[] = [];
      for (const step of steps) {
        if (step < 22 && held.length < 30) {
          const block = pool.take();
          expect(held.some((other) => other.region === block.region && other.offset === block.offset)).to.equal(false);
          held.push(block);
        } else if (held.length > 0) {
          pool.give(held.splice(step % held.length, 1)[0]);
        }
        expect(pool.inUse).to.equal(held.length);
        expect(pool.slabs).to.be.at.least(Math.ceil(held.length / 6));
        expect(liveRegions()).to.equal(regions + pool.slabs);
      }
      for (const block of held) pool.give(block);
      expect(pool.slabs).to.be.at.most(1);
      pool.release();
      expect(liveRegions()).to.equal(regions);
    });
    fc.assert(property, { numRuns: 60 });
  });
});

describe('pools of blocks of several sizes', () => {
  const SIZES = [1000, 5000, 20_000];

  it('give the smallest block that fits, a larger one where those have run out, and none once all have', () => {
    const three = SIZES.map((size) => new BlockPool(size, 2 * size));
    const pools = new BlockPools(three);
    const inUse = (): number[] => three.map((pool) => pool.inUse);
    const blocks = [pools.take(5000), pools.take(1000), pools.take(1)];
    expect(inUse()).to.deep.equal([2, 1, 0]);
    blocks.push(pools.take(1), pools.take(1), pools.take(20_000));
    expect(inUse()).to.deep.equal([2, 2, 2]);
    expect(pools.inUse).to.equal(6);
    expect(() => pools.take(1)).to.throw(PoolExhaustedError);
    expect(() => pools.take(20_001)).to.throw(RangeError);
    for (const block of blocks) pools.give(block);
    expect(inUse()).to.deep.equal([0, 0, 0]);
    for (const pool of three) pool.release();
  });

  it('do not give a block that is too small, though it is the last one', () => {
    const three = SIZES.map((size) => new BlockPool(size, size));
    const pools = new BlockPools(three);
    const large = pools.take(20_000);
    expect(() => pools.take(5001)).to.throw(PoolExhaustedError);
    pools.give(large);
    for (const pool of three) pool.release();
  });
});
