/** Entries found by their bytes, against a Map of texts. */

import { expect } from 'chai';
import fc from 'fast-check';
import { ByteTable, type ByteTableEntry, hasKey } from '../../../src/net/byte-table.js';

class Entry implements ByteTableEntry {
  readonly key: Uint8Array;
  nextOfHash: this | undefined = undefined;

  constructor(key: Uint8Array) {
    this.key = key;
  }
}

describe('a table of bytes', () => {
  it('finds what a map finds, whatever is added and removed', () => {
    const keys = fc.array(fc.uint8Array({ minLength: 1, maxLength: 4, max: 3 }), { maxLength: 200 });
    fc.assert(
      fc.property(keys, (drawn) => {
        const table = new ByteTable<Entry>();
        const map = new Map<string, Entry>();
        for (const key of drawn) {
          const text = key.join();
          const around = Uint8Array.from([9, ...key, 9]);
          const known = map.get(text);
          expect(table.find(around, 1, key.length)).to.equal(known);
          if (known === undefined) {
            const entry = new Entry(key);
            table.add(entry);
            map.set(text, entry);
          } else {
            table.remove(known);
            map.delete(text);
          }
          expect(table.size).to.equal(map.size);
        }
        for (const entry of map.values()) expect(table.find(entry.key, 0, entry.key.length)).to.equal(entry);
      }),
    );
  });

  it('keeps entries of one hash apart, for there are more than it has hashes of few bits', () => {
    const table = new ByteTable<Entry>();
    const entries = Array.from({ length: 5000 }, (_, i) => new Entry(Uint8Array.of(i >> 8, i & 255)));
    for (const entry of entries) table.add(entry);
    for (const entry of entries) expect(table.find(entry.key, 0, 2)).to.equal(entry);
    for (const entry of entries.toReversed()) table.remove(entry);
    expect(table.size).to.equal(0);
    expect(() => table.remove(entries[0])).to.throw('not in the table');
  });

  it('compares whole keys', () => {
    const entry = new Entry(Uint8Array.of(1, 2, 3));
    expect(hasKey(entry, Uint8Array.of(0, 1, 2, 3), 1, 3)).to.equal(true);
    expect(hasKey(entry, Uint8Array.of(1, 2, 4), 0, 3)).to.equal(false);
    expect(hasKey(entry, Uint8Array.of(1, 2, 3, 0), 0, 4)).to.equal(false);
  });
});
