/** Which associations are idle, and which has to go, by a clock that the test moves. */

import { expect } from 'chai';
import { type Association, type AssociationEnd, AssociationTable } from '../../../src/relay/association-table.js';
import { DrivenReactor } from '../../support/reactor-drive.js';

const TIMEOUT_MS = 1000;

describe('a table of associations', () => {
  const driven: DrivenReactor[] = [];
  const ended: string[] = [];

  function stage(max = 100) {
    const drive = new DrivenReactor();
    driven.push(drive);
    const bugs: unknown[] = [];
    const table = new AssociationTable(drive.reactor, TIMEOUT_MS, max, (error) => bugs.push(error));
    const add = (name: string): Association => {
      const association: Association = {
        lastActiveMs: 0,
        older: undefined,
        newer: undefined,
        end(reason: AssociationEnd) {
          ended.push(`${name} ${reason}`);
          table.remove(association);
        },
      };
      table.add(association);
      return association;
    };
    return { drive, table, add, bugs };
  }

  afterEach(() => {
    for (const { reactor } of driven.splice(0)) reactor.close();
    ended.length = 0;
  });

  it('ends what has been idle for the time-out, within a quarter more, and nothing that moved', () => {
    const { drive, table, add } = stage();
    const [one, two] = [add('one'), add('two')];
    for (let i = 0; i < 8; i++) {
      drive.advance(TIMEOUT_MS / 4);
      table.touch(two);
    }
    expect(ended).to.deep.equal(['one idle']);
    expect(table.size).to.equal(1);
    expect(one.lastActiveMs).to.be.lessThan(two.lastActiveMs);
    for (let i = 0; i < 5; i++) drive.advance(TIMEOUT_MS / 4);
    expect(ended).to.deep.equal(['one idle', 'two idle']);
  });

  it('leaves no timer behind when it is empty', () => {
    const { drive, table, add } = stage();
    const one = add('one');
    expect(drive.reactor.timers.count()).to.equal(1);
    one.end('closed');
    expect(drive.reactor.timers.count()).to.equal(0);
    add('two');
    table.endAll('stopped');
    expect(drive.reactor.timers.count()).to.equal(0);
    expect(ended).to.deep.equal(['one closed', 'two stopped']);
  });

  it('makes room by the one that was idle for longest', () => {
    const { drive, table, add } = stage(3);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => {
      drive.advance(1);
      return add(name);
    });
    table.touch(a);
    add('d');
    table.touch(c);
    add('e');
    expect(ended).to.deep.equal(['b evicted', 'a evicted']);
    expect(table.size).to.equal(3);
    expect([b.older, b.newer]).to.deep.equal([undefined, undefined]);
  });
});
