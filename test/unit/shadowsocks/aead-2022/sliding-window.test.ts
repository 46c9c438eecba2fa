/** Which packet ids are new, against a set that forgets nothing. */

import { expect } from 'chai';
import fc from 'fast-check';
import { SlidingWindow, WINDOW_LENGTH } from '../../../../src/shadowsocks/aead-2022/sliding-window.js';

describe('a sliding window', () => {
  it('tells at least the 8,128 ids below the highest apart', () => {
    expect(WINDOW_LENGTH).to.be.at.least(8128);
    const window = new SlidingWindow();
    window.add(100_000);
    expect(window.accepts(100_000 - WINDOW_LENGTH + 1)).to.equal(true);
    expect(window.accepts(100_000 - WINDOW_LENGTH)).to.equal(false);
  });

  it('takes id 0 once, and does not change by being asked', () => {
    const window = new SlidingWindow();
    expect([window.accepts(0), window.accepts(0)]).to.deep.equal([true, true]);
    window.add(0);
    expect(window.accepts(0)).to.equal(false);
  });

  it('clears everything after a jump past the whole ring, and none of it after one into the next word', () => {
    const window = new SlidingWindow();
    for (let id = 0; id < 20_000; id++) window.add(id);
    window.add(2 ** 40);
    for (let id = 1; id < WINDOW_LENGTH; id++) expect(window.accepts(2 ** 40 - id)).to.equal(true);
    window.add(2 ** 40 + 32);
    expect(window.accepts(2 ** 40)).to.equal(false);
    expect(window.accepts(2 ** 40 + 1)).to.equal(true);
  });

  it('agrees with a set, whatever comes in whatever order', () => {
    const steps = fc.array(fc.oneof(fc.nat(40), fc.nat(300), fc.nat(20_000)), { maxLength: 400 });
    fc.assert(
      fc.property(steps, fc.nat(2 ** 45), (offsets, base) => {
        const window = new SlidingWindow();
        const seen = new Set<number>();
        let highest = base;
        for (const [i, offset] of offsets.entries()) {
          const id = i % 3 === 0 ? highest + offset : Math.max(0, highest - offset);
          const expected = !seen.has(id) && (seen.size === 0 || id > highest - WINDOW_LENGTH);
          expect(window.accepts(id), `${id}`).to.equal(expected);
          if (!expected) continue;
          window.add(id);
          highest = seen.size === 0 ? id : Math.max(highest, id);
          seen.add(id);
        }
      }),
    );
  });
});
