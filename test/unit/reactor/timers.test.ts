/** Timers in lists by duration: order, restart, cancel, failure, and the bound on the number of lists. */

import { expect } from 'chai';
import { Timer, Timers } from '../../../src/reactor/timers.js';

describe('timers', () => {
  let timers: Timers;
  let fired: string[];

  beforeEach(() => {
    timers = new Timers();
    fired = [];
  });

  function timer(name: string, act: (self: Timer) => void = () => undefined): Timer {
    return new Timer({
      handleTimeout: (self) => {
        fired.push(name);
        act(self);
      },
      handleFailure: (error) => {
        fired.push(`${name} failed: ${String(error)}`);
      },
    });
  }

  it('expire at their deadline and not before', () => {
    const one = timer('one');
    timers.arm(one, 100, 50);
    expect(one.armed).to.equal(true);
    expect(timers.nextDeadlineMs()).to.equal(150);
    timers.expire(149);
    expect(fired).to.deep.equal([]);
    timers.expire(150);
    expect(fired).to.deep.equal(['one']);
    expect(one.armed).to.equal(false);
    expect(timers.nextDeadlineMs()).to.equal(Number.POSITIVE_INFINITY);
  });

  it('of one duration expire in the order they were armed', () => {
    for (let i = 0; i < 4; i++) timers.arm(timer(`${i}`), 10, i);
    timers.expire(12);
    expect(fired).to.deep.equal(['0', '1', '2']);
    timers.expire(13);
    expect(fired).to.deep.equal(['0', '1', '2', '3']);
  });

  it('that are armed again start anew, behind the others', () => {
    const first = timer('first');
    timers.arm(first, 10, 0);
    timers.arm(timer('second'), 10, 1);
    timers.arm(first, 10, 2);
    expect(timers.count()).to.equal(2);
    expect(timers.nextDeadlineMs()).to.equal(11);
    timers.expire(12);
    expect(fired).to.deep.equal(['second', 'first']);
  });

  it('move to another duration when armed with it', () => {
    const one = timer('one');
    timers.arm(one, 10, 0);
    timers.arm(one, 1000, 0);
    timers.expire(999);
    expect(fired).to.deep.equal([]);
    timers.expire(1000);
    expect(fired).to.deep.equal(['one']);
  });

  it('are cancelled at the head, in the middle and at the tail', () => {
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => timer(name));
    for (const one of all) timers.arm(one, 10, 0);
    for (const at of [0, 2, 4]) timers.cancel(all[at]);
    expect(timers.count()).to.equal(2);
    expect(all.map((one) => one.armed)).to.deep.equal([false, true, false, true, false]);
    timers.expire(10);
    expect(fired).to.deep.equal(['b', 'd']);
  });

  it('can be cancelled when they are not armed', () => {
    const one = timer('one');
    timers.cancel(one);
    timers.arm(one, 10, 0);
    timers.cancel(one);
    timers.cancel(one);
    timers.expire(1000);
    expect(fired).to.deep.equal([]);
  });

  it('may be armed and cancelled by a handler', () => {
    let nowMs = 0;
    const victim = timer('victim');
    const periodic = timer('periodic', (self) => {
      timers.cancel(victim);
      timers.arm(self, 10, nowMs);
    });
    timers.arm(periodic, 10, nowMs);
    timers.arm(victim, 10, nowMs);
    nowMs = 10;
    timers.expire(nowMs);
    expect(fired).to.deep.equal(['periodic']);
    expect(timers.nextDeadlineMs()).to.equal(20);
    nowMs = 25;
    timers.expire(nowMs);
    expect(fired).to.deep.equal(['periodic', 'periodic']);
    expect(timers.nextDeadlineMs()).to.equal(35);
  });

  it('whose handler throws tell their own handleFailure, and the rest expire', () => {
    const failing = timer('failing', () => {
      throw new Error('a bug');
    });
    timers.arm(failing, 10, 0);
    timers.arm(timer('next'), 10, 0);
    timers.arm(timer('other'), 5, 0);
    timers.expire(10);
    expect(fired).to.have.members(['failing', 'failing failed: Error: a bug', 'next', 'other']);
    expect(failing.armed).to.equal(false);
  });

  it('of ever new durations leave no lists behind', () => {
    const one = timer('one');
    const kept = timer('kept');
    timers.arm(kept, 1_000_000, 0);
    for (let i = 1; i <= 1000; i++) timers.arm(one, i, 0);
    expect(timers.count()).to.equal(2);
    expect(timers.nextDeadlineMs()).to.equal(1000);
    timers.expire(1000);
    expect(fired).to.deep.equal(['one']);
    timers.expire(1_000_000);
    expect(fired).to.deep.equal(['one', 'kept']);
  });

  it('armed by a handler with many new durations, while lists are being walked, all expire', () => {
    const spawn = timer('spawn', () => {
      for (let i = 1; i <= 100; i++) timers.arm(timer(`child ${i}`), 100 + i, 10);
    });
    timers.arm(spawn, 10, 0);
    timers.arm(timer('sibling'), 9, 0);
    timers.expire(10);
    expect(fired).to.have.members(['spawn', 'sibling']);
    timers.expire(210);
    expect(fired).to.have.length(102);
    expect(timers.count()).to.equal(0);
  });
});
