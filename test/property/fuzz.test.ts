/** The first inputs of the fuzz run (`npm run fuzz`), so that no decoder lands that does not stand them. */

import { expect } from 'chai';
import { mutated } from '../fuzz/mutate.js';
import { SeededRandom, seedOf } from '../fuzz/random.js';
import { TARGETS } from '../fuzz/targets/all.js';

const INPUTS = 500;

describe('mutated input', () => {
  for (const target of TARGETS) {
    it(`harms no decoder (${target.name})`, () => {
      const random = new SeededRandom();
      let taken = 0;
      for (let number = 0; number < INPUTS; number++) {
        random.seed(1, seedOf(target.name), number);
        const input = mutated(target.corpus, random);
        if (target.run(input, random)) taken++;
      }
      expect(taken, 'some are taken for good, some are not').to.be.within(1, INPUTS - 1);
    });
  }

  it('is the same again for the same seed, and another for another', () => {
    const random = new SeededRandom();
    const make = (seed: number): string => {
      random.seed(seed, 7, 7);
      return Buffer.from(mutated([Uint8Array.from({ length: 64 }, (_, i) => i)], random)).toString('hex');
    };
    const made = [1, 2, 3, 4, 5, 6, 7, 8].map(make);
    expect(made.map((_, i) => make(i + 1))).to.deep.equal(made);
    expect(new Set(made).size).to.be.above(4);
  });
});
