/** The contract of the loop: registrations, generations, failures, deferred work. */

import { expect } from 'chai';
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../../../native-bindings/constants.js';
import { SysError } from '../../../native-bindings/errno.js';
import { type EventHandler, Reactor } from '../../../src/reactor/reactor.js';
import { Timer } from '../../../src/reactor/timers.js';
import { Descriptors, receiveText, sendText } from '../../support/loopback-sockets.js';
import { Recorder } from './recorder.js';

function codeOf(action: () => void): string {
  try {
    action();
  } catch (error) {
    if (error instanceof SysError) return `${error.syscall} ${error.code}`;
    throw error;
  }
  return 'nothing thrown';
}

describe('the reactor', () => {
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

  describe('registrations', () => {
    it('call the handler with the events that are ready, and with nothing where none is', () => {
      const { client, server } = descriptors.pair();
      const handler = new Recorder();
      reactor.register(server, EPOLLIN | EPOLLRDHUP, handler);
      expect(reactor.registered).to.equal(1);
      reactor.turn(0);
      expect(handler.calls).to.deep.equal([]);
      sendText(client, 'x');
      reactor.turn(1000);
      expect(handler.calls).to.deep.equal([EPOLLIN]);
    });

    it('change their interest', () => {
      const { server } = descriptors.pair();
      const handler = new Recorder();
      reactor.register(server, EPOLLIN, handler);
      reactor.modify(server, EPOLLIN | EPOLLOUT);
      reactor.turn(1000);
      reactor.modify(server, EPOLLIN);
      reactor.turn(0);
      expect(handler.calls).to.deep.equal([EPOLLOUT]);
    });

    it('can be edge-triggered', () => {
      const { client, server } = descriptors.pair();
      const handler = new Recorder();
      reactor.register(server, EPOLLIN | EPOLLET, handler);
      sendText(client, 'x');
      reactor.turn(1000);
      reactor.turn(0);
      sendText(client, 'y');
      reactor.turn(1000);
      expect(handler.calls).to.deep.equal([EPOLLIN, EPOLLIN]);
    });

    it('end, and the descriptor stays open', () => {
      const { client, server } = descriptors.pair();
      const handler = new Recorder();
      reactor.register(server, EPOLLIN, handler);
      reactor.unregister(server);
      expect(reactor.registered).to.equal(0);
      sendText(client, 'still open');
      reactor.turn(0);
      expect(handler.calls).to.deep.equal([]);
      expect(receiveText(server, 10)).to.equal('still open');
      reactor.register(server, EPOLLIN | EPOLLOUT, handler);
      reactor.turn(0);
      expect(handler.calls).to.deep.equal([EPOLLOUT]);
    });

    it('pass to another owner', () => {
      const { client, server } = descriptors.pair();
      const first = new Recorder();
      const second = new Recorder();
      reactor.register(server, EPOLLIN, first);
      sendText(client, 'x');
      reactor.turn(1000);
      reactor.handOver(server, second);
      reactor.turn(1000);
      expect([first.calls, second.calls]).to.deep.equal([[EPOLLIN], [EPOLLIN]]);
      expect(reactor.registered).to.equal(1);
    });

    it('pass to another owner within the turn, before its next event', () => {
      const pairs = [descriptors.pair(), descriptors.pair()];
      const late = new Recorder();
      const handlers = pairs.map((_, i) => new Recorder(() => reactor.handOver(pairs[1 - i].server, late)));
      pairs.forEach(({ client, server }, i) => {
        reactor.register(server, EPOLLIN, handlers[i]);
        sendText(client, 'x');
      });
      reactor.turn(1000);
      expect(handlers[0].calls.length + handlers[1].calls.length).to.equal(1);
      expect(late.calls).to.deep.equal([EPOLLIN]);
    });

    it('are closed with their descriptor', () => {
      const { client, server } = descriptors.pair();
      reactor.register(descriptors.release(server), EPOLLIN, new Recorder());
      reactor.closeDescriptor(server);
      expect(reactor.registered).to.equal(0);
      expect(receiveText(client, 1)).to.equal('');
    });

    it('are refused by what epoll_ctl says', () => {
      const { server } = descriptors.pair();
      const handler = new Recorder();
      reactor.register(server, EPOLLIN, handler);
      expect(codeOf(() => reactor.register(server, EPOLLIN, handler))).to.equal('epoll_ctl EEXIST');
      reactor.unregister(server);
      expect(codeOf(() => reactor.modify(server, EPOLLIN))).to.equal('epoll_ctl ENOENT');
      expect(codeOf(() => reactor.unregister(server))).to.equal('epoll_ctl ENOENT');
      descriptors.close(server);
      expect(codeOf(() => reactor.register(server, EPOLLIN, handler))).to.equal('epoll_ctl EBADF');
      expect(reactor.registered).to.equal(0);
    });

    it('that do not exist are neither handed over nor closed', () => {
      const { server } = descriptors.pair();
      expect(() => reactor.handOver(server, new Recorder())).to.throw(`descriptor ${server} is not registered`);
      expect(() => reactor.closeDescriptor(server)).to.throw(`descriptor ${server} is not registered`);
    });

    it('get ERR and HUP without asking', () => {
      const { client, server } = descriptors.pair();
      const handler = new Recorder(() => reactor.closeDescriptor(descriptors.release(server)));
      reactor.register(server, 0, handler);
      descriptors.reset(client);
      reactor.turn(1000);
      reactor.turn(0);
      expect(handler.calls).to.deep.equal([EPOLLERR | EPOLLHUP]);
    });

    it('number more than one wait fetches, and all are served', () => {
      reactor.close();
      reactor = new Reactor({ eventsPerWait: 2 });
      const handlers: Recorder[] = [];
      for (let i = 0; i < 5; i++) {
        const { server } = descriptors.pair();
        const handler = new Recorder(() => reactor.modify(server, EPOLLIN));
        handlers.push(handler);
        reactor.register(server, EPOLLOUT, handler);
      }
      for (let i = 0; i < 3; i++) reactor.turn(1000);
      expect(handlers.map(({ calls }) => calls)).to.deep.equal(handlers.map(() => [EPOLLOUT]));
      expect(reactor.statistics.events).to.equal(5);
    });
  });

  describe('generations', () => {
    it('keep a stale event from the next connection that has the same descriptor', () => {
      const pairs = [descriptors.pair(), descriptors.pair()];
      const heir = new Recorder();
      let inherited = -1;
      // Both are ready in one turn. Whichever is first closes the other, and a new socket gets its number at once.
      const handlers = pairs.map(
        (_, i) =>
          new Recorder(() => {
            const victim = pairs[1 - i].server;
            reactor.closeDescriptor(descriptors.release(victim));
            const { client, server } = descriptors.pair();
            const reused = [client, server].find((fd) => fd === victim);
            if (reused === undefined) throw new Error('the number was not given out again');
            inherited = reused;
            // Not yet readable, so a call with IN could only be the stale one.
            reactor.register(inherited, EPOLLIN, heir);
          }),
      );
      pairs.forEach(({ client, server }, i) => {
        reactor.register(server, EPOLLIN, handlers[i]);
        sendText(client, 'x');
      });
      reactor.turn(1000);
      expect(handlers[0].failures.concat(handlers[1].failures)).to.deep.equal([]);
      expect(handlers[0].calls.length + handlers[1].calls.length).to.equal(1);
      expect(inherited).to.be.greaterThan(0);
      expect(heir.calls).to.deep.equal([]);
      expect(reactor.statistics.events).to.equal(2);
    });

    it('keep a stale event from a registration that was renewed in the same turn', () => {
      const pairs = [descriptors.pair(), descriptors.pair()];
      const renewed = new Recorder();
      const handlers = pairs.map(
        ({ server }, i) =>
          new Recorder(() => {
            reactor.unregister(server);
            reactor.unregister(pairs[1 - i].server);
            reactor.register(pairs[1 - i].server, EPOLLOUT, renewed);
          }),
      );
      pairs.forEach(({ client, server }, i) => {
        reactor.register(server, EPOLLIN, handlers[i]);
        sendText(client, 'x');
      });
      reactor.turn(1000);
      expect(renewed.calls).to.deep.equal([]);
      reactor.turn(1000);
      expect(renewed.calls).to.deep.equal([EPOLLOUT]);
    });

    it('keep a stale event from who has the descriptor watched anew in the same turn', () => {
      const pairs = [descriptors.pair(), descriptors.pair()];
      const next = new Recorder();
      const handlers = pairs.map(
        ({ server }, i) =>
          new Recorder(() => {
            reactor.unregister(server);
            receiveText(pairs[1 - i].server, 1);
            for (let times = 0; times < 2; times++) reactor.watchAnew(pairs[1 - i].server, next);
          }),
      );
      pairs.forEach(({ client, server }, i) => {
        reactor.register(server, EPOLLIN | EPOLLET, handlers[i]);
        sendText(client, 'x');
      });
      reactor.turn(1000);
      expect(handlers.flatMap(({ calls }) => calls)).to.deep.equal([EPOLLIN]);
      expect(reactor.statistics.events).to.equal(2);
      reactor.turn(0);
      expect(next.calls).to.deep.equal([]);
      for (const { client } of pairs) sendText(client, 'y');
      reactor.turn(1000);
      expect(next.calls).to.deep.equal([EPOLLIN]);
      expect(() => reactor.watchAnew(descriptors.pair().server, next)).to.throw('not registered');
    });
  });

  describe('failures', () => {
    it('of a handler reach its own handleFailure only, and the others go on', () => {
      const pairs = [descriptors.pair(), descriptors.pair(), descriptors.pair()];
      const bug = new Error('a bug');
      const handlers = pairs.map(
        (_, i) =>
          new Recorder(() => {
            if (i === 1) throw bug;
          }),
      );
      pairs.forEach(({ client, server }, i) => {
        reactor.register(server, EPOLLIN, handlers[i]);
        sendText(client, 'x');
      });
      reactor.turn(1000);
      expect(handlers.map(({ calls }) => calls)).to.deep.equal([[EPOLLIN], [EPOLLIN], [EPOLLIN]]);
      expect(handlers.map(({ failures }) => failures)).to.deep.equal([[], [bug], []]);
      expect(reactor.statistics.failures).to.equal(1);
    });

    it('of deferred work and of timers do not stop what comes after them', () => {
      withTestClock();
      const order: string[] = [];
      const failing = new Recorder(() => {
        throw new Error('deferred');
      });
      reactor.defer(failing);
      reactor.defer(new Recorder(() => order.push('deferred')));
      const handleFailure = (error: unknown): void => {
        order.push(String(error));
      };
      const throwing = (): void => {
        throw new Error('timer');
      };
      reactor.arm(new Timer({ handleTimeout: throwing, handleFailure }), 10);
      reactor.arm(new Timer({ handleTimeout: () => order.push('timer'), handleFailure }), 10);
      nowMs += 10;
      reactor.turn(0);
      expect(order).to.deep.equal(['Error: timer', 'timer', 'deferred']);
      expect(failing.failures).to.have.length(1);
      expect(reactor.statistics.failures).to.equal(2);
    });
  });

  describe('deferred work', () => {
    it('runs at the end of the turn in the order it came, after events and timers', () => {
      withTestClock();
      const order: string[] = [];
      const { client, server } = descriptors.pair();
      const note = (what: string): Recorder => new Recorder((events) => order.push(`${what} ${events}`));
      reactor.register(
        server,
        EPOLLIN | EPOLLET,
        new Recorder(() => {
          order.push('event');
          reactor.defer(note('third'));
        }),
      );
      reactor.defer(note('first'));
      reactor.defer(note('second'));
      reactor.arm(new Timer({ handleTimeout: () => order.push('timer'), handleFailure: () => undefined }), 1);
      nowMs += 1;
      sendText(client, 'x');
      reactor.turn(0);
      expect(order).to.deep.equal(['event', 'timer', 'first 0', 'second 0', 'third 0']);
    });

    it('that defers itself gives way to the others each time', () => {
      const { client, server } = descriptors.pair();
      const order: string[] = [];
      const busy: EventHandler = new Recorder(() => {
        order.push('busy');
        if (order.length < 6) reactor.defer(busy);
      });
      reactor.register(server, EPOLLIN, new Recorder(() => order.push('other')));
      reactor.defer(busy);
      sendText(client, 'x');
      for (let i = 0; i < 3; i++) reactor.turn(1000);
      expect(order).to.deep.equal(['other', 'busy', 'other', 'busy', 'other', 'busy']);
    });

    it('is not waited for where nothing else happens', () => {
      let calls = 0;
      const busy: EventHandler = new Recorder(() => {
        if (++calls < 3) reactor.defer(busy);
      });
      reactor.defer(busy);
      const startMs = performance.now();
      for (let i = 0; i < 3; i++) reactor.turn(2000);
      expect(calls).to.equal(3);
      expect(performance.now() - startMs).to.be.lessThan(1500);
    });
  });
});
