/** docs/INTEROP.md is of a whole run in which everything passed. */

import { expect } from 'chai';
import { METHODS } from '../../../src/crypto/methods.js';
import { readDocument, tableRows } from './documents.js';

describe('docs/INTEROP.md', () => {
  const pairs = tableRows(readDocument('docs/INTEROP.md')).filter((cells) => cells.length === 6);
  const [head, ...rows] = pairs;

  it('has a table of pairs', () => {
    expect(head).to.deep.equal(['client', 'server', 'method', 'with', 'TCP', 'UDP']);
  });

  for (const method of Object.keys(METHODS)) {
    // Two names for one thing.
    if (method === 'plain') continue;
    it(`has ${method} with umbra at either end, by TCP and by UDP`, () => {
      for (const end of [0, 1]) {
        const found = rows.filter((cells) => cells[end] === 'umbra' && cells[2] === `\`${method}\``);
        expect(found.length).to.be.greaterThan(0);
        for (const cells of found) expect(cells.slice(4)).to.deep.equal(['yes', 'yes']);
      }
    });
  }

  it('has no test that failed', () => {
    expect(readDocument('docs/INTEROP.md')).not.to.include('**no**');
  });
});
