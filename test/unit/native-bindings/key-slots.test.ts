/** Pieces of memory for keys: each its own, and nothing left in it. */

import { expect } from 'chai';
import { type KeySlot, KeySlots } from '../../../native-bindings/key-slots.js';

const SLOT_SIZE = 48;

function contents({ region, offset }: KeySlot): Uint8Array {
  return region.bytes.subarray(offset, offset + SLOT_SIZE);
}

describe('key slots', () => {
  it('are apart from each other, in slab after slab', () => {
    const slots = new KeySlots(SLOT_SIZE);
    const taken = Array.from({ length: 600 }, () => slots.take());
    for (const [i, slot] of taken.entries()) contents(slot).fill(i & 0xff);
    for (const [i, slot] of taken.entries()) expect(new Set(contents(slot))).to.deep.equal(new Set([i & 0xff]));
    expect(new Set(taken.map(({ region }) => region)).size).to.equal(3);
  });

  it('are overwritten, each alone, when they are wiped or given back', () => {
    const slots = new KeySlots(SLOT_SIZE);
    const taken = [slots.take(), slots.take(), slots.take()];
    for (const slot of taken) contents(slot).fill(0xff);
    slots.wipe(taken[1]);
    expect(taken.map((slot) => new Set(contents(slot)))).to.deep.equal([
      new Set([0xff]),
      new Set([0]),
      new Set([0xff]),
    ]);
    slots.give(taken[2]);
    expect(new Set(contents(taken[2]))).to.deep.equal(new Set([0]));
    expect(slots.take()).to.equal(taken[2]);
  });
});
