/** What a turn is made of besides events: timers, the wake-up, statistics, stop and close. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { EPOLLIN } from '../../../native-bindings/constants.js';
import { eventfdSignal } from '../../../native-bindings/epoll.js';
import { liveRegions } from '../../../native-bindings/memory.js';
import * as sockets from '../../../native-bindings/socket.js';
import { Reactor } from '../../../src/reactor/reactor.js';
import { Timer } from '../../../src/reactor/timers.js';
import { Descriptors, receiveText, sendText } from '../../support/loopback-sockets.js';
import { Recorder } from './recorder.js';
import type { WorkerRole } from './wakeup-worker.js';

describe('the turns of the reactor', () => {
  const descriptors = new Descriptors();
  let reactor: Reactor;
  let nowMs: number;

  /** With a clock that only the test moves. */
  function withTestClock(): void {
    reactor.close();
    nowMs = 1000;
    reactor = new Reactor({ clock: () => nowMs });
  }

  beforeEach(() => {
    reactor = new Reactor();
  });

  afterEach(() => {
    reactor.close();
    descriptors.closeAll();
  });

  describe('timers', () => {
    it('fire once their time has come by the clock', () => {
      withTestClock();
      const fired: number[] = [];
      const timer = new Timer({ handleTimeout: () => fired.push(nowMs), handleFailure: () => undefined });
      reactor.arm(timer, 50);
      nowMs = 1049;
      reactor.turn(0);
      expect(fired).to.deep.equal([]);
      nowMs = 1050;
      reactor.turn(0);
      reactor.turn(0);
      expect(fired).to.deep.equal([1050]);
      expect(timer.armed).to.equal(false);
    });

    it('count from when the turn began, and can be cancelled and restarted', () => {
      withTestClock();
      const fired: number[] = [];
      const timer = new Timer({ handleTimeout: () => fired.push(nowMs), handleFailure: () => undefined });
      reactor.arm(timer, 50);
      reactor.cancel(timer);
      nowMs = 1100;
      reactor.turn(0);
      expect(fired).to.deep.equal([]);
      reactor.arm(timer, 50);
      nowMs = 1140;
      reactor.turn(0);
      reactor.arm(timer, 50);
      nowMs = 1160;
      reactor.turn(0);
      expect(fired).to.deep.equal([]);
      nowMs = 1190;
      reactor.turn(0);
      expect(fired).to.deep.equal([1190]);
    });

    it('end the wait, not before their time', () => {
      const startMs = performance.now();
      let firedMs = 0;
      const handleTimeout = (): void => {
        firedMs = performance.now();
        reactor.stop();
      };
      reactor.turn(0);
      reactor.arm(new Timer({ handleTimeout, handleFailure: () => undefined }), 30.5);
      reactor.run();
      expect(firedMs - startMs).to.be.within(30.5, 3000);
    });

    it('are waited for in fractions of a millisecond too, not spun for', () => {
      const timer = new Timer({ handleTimeout: () => reactor.stop(), handleFailure: () => undefined });
      for (let i = 0; i < 20; i++) {
        reactor.turn(0);
        reactor.arm(timer, 0.9);
        reactor.run();
      }
      // One turn to arm it in, and one wait; a second wait where the first came back a little early.
      expect(reactor.statistics.turns).to.be.at.most(20 * 3);
    });

    it('do not lengthen a wait that was asked to be short', () => {
      reactor.arm(new Timer({ handleTimeout: () => undefined, handleFailure: () => undefined }), 60_000);
      const startMs = performance.now();
      reactor.turn(5);
      expect(performance.now() - startMs).to.be.lessThan(3000);
    });
  });

  describe('the wake-up', () => {
    const fail = (error: unknown): void => {
      throw error;
    };

    it('comes once for any number of signals, and again for the next', () => {
      let woken = 0;
      const fd = reactor.createWakeup(() => woken++, fail);
      for (let i = 0; i < 3; i++) eventfdSignal(fd);
      reactor.turn(1000);
      reactor.turn(0);
      expect(woken).to.equal(1);
      eventfdSignal(fd);
      reactor.turn(1000);
      expect(woken).to.equal(2);
      reactor.closeDescriptor(fd);
    });

    it('tells its failure to its owner', () => {
      const failures: unknown[] = [];
      const bug = new Error('a bug');
      const fd = reactor.createWakeup(
        () => {
          throw bug;
        },
        (error) => failures.push(error),
      );
      eventfdSignal(fd);
      reactor.turn(1000);
      expect(failures).to.deep.equal([bug]);
      reactor.closeDescriptor(fd);
    });

    function startWorker(workerData: WorkerRole): Worker {
      return new Worker(new URL('./wakeup-worker.js', import.meta.url), { workerData });
    }

    it('ends a wait of this thread from another', async () => {
      let woken = 0;
      const fd = reactor.createWakeup(() => {
        woken++;
        reactor.stop();
      }, fail);
      // Bounds the test: without a wake-up, the timer ends the run.
      reactor.arm(new Timer({ handleTimeout: () => reactor.stop(), handleFailure: () => undefined }), 10_000);
      const worker = startWorker({ role: 'signal', fd });
      const exit = once(worker, 'exit');
      reactor.run();
      expect(woken).to.equal(1);
      reactor.closeDescriptor(fd);
      await exit;
    });

    it('stops a reactor that runs on a worker thread', async () => {
      const worker = startWorker({ role: 'run' });
      const exit = once(worker, 'exit');
      const [{ fd }] = (await once(worker, 'message')) as [{ fd: number }];
      const done = once(worker, 'message') as Promise<[{ turns: number }]>;
      eventfdSignal(fd);
      const [{ turns }] = await done;
      expect(turns).to.equal(1);
      expect(await exit).to.deep.equal([0]);
    });
  });

  describe('statistics', () => {
    it('count turns and events, and keep the longest turn', () => {
      withTestClock();
      const { client, server } = descriptors.pair();
      const durations = [5, 20, 10];
      const handler = new Recorder(() => {
        nowMs += durations.shift() ?? 0;
      });
      reactor.register(server, EPOLLIN, handler);
      reactor.turn(0);
      expect(reactor.statistics).to.deep.equal({ turns: 1, events: 0, longestTurnMs: 0, failures: 0 });
      sendText(client, 'x');
      for (let i = 0; i < 3; i++) reactor.turn(1000);
      expect(reactor.statistics).to.deep.equal({ turns: 4, events: 3, longestTurnMs: 20, failures: 0 });
    });
  });

  describe('stop and close', () => {
    it('stop ends run after the turn that it comes in', () => {
      const { client, server } = descriptors.pair();
      const order: string[] = [];
      const stopping = new Recorder(() => {
        order.push('event');
        reactor.defer(new Recorder(() => order.push('deferred')));
        reactor.stop();
      });
      reactor.register(server, EPOLLIN, stopping);
      sendText(client, 'x');
      reactor.run();
      expect(order).to.deep.equal(['event', 'deferred']);
      reactor.run();
      expect(order).to.deep.equal(['event', 'deferred', 'event', 'deferred']);
    });

    it('close gives memory and descriptor back, twice is once, and the registered descriptors stay open', () => {
      const { client, server } = descriptors.pair();
      const before = liveRegions();
      const other = new Reactor();
      other.register(server, EPOLLIN, new Recorder());
      expect(liveRegions()).to.equal(before + 1);
      other.close();
      other.close();
      expect(liveRegions()).to.equal(before);
      sendText(client, 'open');
      expect(receiveText(server, 4)).to.equal('open');
      expect(sockets.takeError(server)).to.equal(0);
    });

    it('a turn after close throws', () => {
      const other = new Reactor();
      other.close();
      expect(() => other.turn(0)).to.throw(/released|EBADF/);
    });
  });
});
