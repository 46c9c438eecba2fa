/** Datagrams of one receive, a few at a time: all of them, in order, however they came. */

import { expect } from 'chai';
import fc from 'fast-check';
import { PACKETS_A_BATCH, PacketBatch } from '../../../src/relay/packet-batch.js';

const SLOT = 70_000;

interface Slot {
  readonly segment: number;
  readonly length: number;
}

/** A receiver with these in its slots. */
function receiverOf(slots: readonly Slot[]) {
  return {
    payloadOffset: (slot: number) => slot * SLOT,
    length: (slot: number) => slots[slot].length,
    segmentLength: (slot: number) => slots[slot].segment,
  };
}

/** What a batch gives, and what its slots have: `[slot, start, length]` of each datagram. */
function walk(slots: readonly Slot[]): { readonly given: number[][]; readonly expected: number[][] } {
  const batch = new PacketBatch(receiverOf(slots));
  const given: number[][] = [];
  for (batch.begin(slots.length); batch.next(); ) {
    expect(batch.count).to.be.within(1, PACKETS_A_BATCH);
    for (let i = 0; i < batch.count; i++) given.push([batch.slots[i], batch.starts[i], batch.lengths[i]]);
  }
  expect(batch.next()).to.equal(false);
  const expected = slots.flatMap(({ segment, length }, slot) =>
    Array.from({ length: length <= segment ? 1 : Math.ceil(length / segment) }, (_, i) => [
      slot,
      slot * SLOT + i * segment,
      Math.min(segment, length - i * segment),
    ]),
  );
  return { given, expected };
}

describe('a batch of packets', () => {
  it('is all datagrams of all slots, runs cut into theirs, in their order', () => {
    const single = fc.nat(2000).map((length) => ({ segment: length, length }));
    const run = fc
      .tuple(fc.integer({ min: 1, max: 1500 }), fc.integer({ min: 1, max: 64 }), fc.nat(1499))
      .map(([segment, packets, less]): Slot => ({ segment, length: segment * packets - Math.min(less, segment - 1) }));
    fc.assert(
      fc.property(fc.array(fc.oneof(single, run), { maxLength: 64 }), (slots) => {
        const { given, expected } = walk(slots);
        expect(given).to.deep.equal(expected);
      }),
    );
  });

  it('has empty datagrams as well', () => {
    const empty = { segment: 0, length: 0 };
    expect(walk([empty, empty, { segment: 3, length: 3 }]).given).to.deep.equal([
      [0, 0, 0],
      [1, SLOT, 0],
      [2, 2 * SLOT, 3],
    ]);
  });

  it('is nothing where nothing came', () => {
    expect(walk([]).given).to.deep.equal([]);
  });
});
