/** The epoll and eventfd calls themselves: data beside the descriptor, several events, time, counters. */

import { expect } from 'chai';
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLET,
  EPOLLIN,
  EPOLLOUT,
} from '../../../native-bindings/constants.js';
import {
  EventBuffer,
  epollControl,
  epollCreate,
  eventfd,
  eventfdDrain,
  eventfdSignal,
} from '../../../native-bindings/epoll.js';
import { EBADF, EINVAL } from '../../../native-bindings/errno.js';
import { liveRegions } from '../../../native-bindings/memory.js';
import { Descriptors, reportedEvents } from '../../support/loopback-sockets.js';

describe('epoll', () => {
  const descriptors = new Descriptors();
  let epfd: number;
  let events: EventBuffer;

  beforeEach(() => {
    epfd = descriptors.keep(epollCreate());
    events = new EventBuffer(4);
  });

  afterEach(() => {
    events.release();
    descriptors.closeAll();
  });

  for (const generation of [0, 1, 0x7fffffff, -1, -0x80000000]) {
    it(`brings generation ${generation} back with the descriptor`, () => {
      const fd = descriptors.keep(eventfd());
      expect(epollControl(epfd, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLET, generation)).to.equal(0);
      expect(events.wait(epfd, 1000)).to.equal(1);
      expect([events.fd(0), events.events(0), events.generation(0)]).to.deep.equal([fd, EPOLLOUT, generation]);
    });
  }

  it('reports as many as there is room for, and the others next time', () => {
    const all = Array.from({ length: 6 }, () => descriptors.keep(eventfd()));
    for (const fd of all) epollControl(epfd, EPOLL_CTL_ADD, fd, EPOLLOUT, fd * 100);
    const seen = new Set<number>();
    for (let turn = 0; turn < 2; turn++) {
      expect(events.wait(epfd, 1000)).to.equal(4);
      for (let i = 0; i < 4; i++) {
        seen.add(events.fd(i));
        expect(events.generation(i)).to.equal(events.fd(i) * 100);
      }
    }
    expect([...seen].sort()).to.deep.equal(all.sort());
  });

  it('changes and removes registrations', () => {
    const fd = descriptors.keep(eventfd());
    epollControl(epfd, EPOLL_CTL_ADD, fd, EPOLLOUT, 1);
    expect(epollControl(epfd, EPOLL_CTL_MOD, fd, EPOLLIN, 2)).to.equal(0);
    expect(events.wait(epfd, 0)).to.equal(0);
    eventfdSignal(fd);
    expect(events.wait(epfd, 1000)).to.equal(1);
    expect([events.events(0), events.generation(0)]).to.deep.equal([EPOLLIN, 2]);
    expect(epollControl(epfd, EPOLL_CTL_DEL, fd, 0, 0)).to.equal(0);
    expect(events.wait(epfd, 0)).to.equal(0);
  });

  it('waits for as many milliseconds as it is told', () => {
    const startMs = performance.now();
    expect(events.wait(epfd, 30)).to.equal(0);
    expect(performance.now() - startMs).to.be.within(29, 3000);
  });

  it('answers a negative errno', () => {
    const fd = descriptors.keep(eventfd());
    expect(events.wait(fd, 0)).to.equal(-EINVAL);
    descriptors.close(fd);
    expect(events.wait(fd, 0)).to.equal(-EBADF);
  });

  it('has no use of its buffer after the release', () => {
    const before = liveRegions();
    const other = new EventBuffer(1000);
    other.release();
    expect(liveRegions()).to.equal(before);
    expect(() => other.wait(epfd, 0)).to.throw(RangeError, 'released');
  });
});

describe('an eventfd', () => {
  const descriptors = new Descriptors();
  afterEach(() => descriptors.closeAll());

  const isReadable = (fd: number): boolean => reportedEvents(fd, EPOLLIN, () => true) === EPOLLIN;

  it('is readable from the first signal to the drain', () => {
    const fd = descriptors.keep(eventfd());
    expect(isReadable(fd)).to.equal(false);
    eventfdSignal(fd);
    eventfdSignal(fd);
    expect(isReadable(fd)).to.equal(true);
    eventfdDrain(fd);
    expect(isReadable(fd)).to.equal(false);
    eventfdDrain(fd);
    eventfdSignal(fd);
    expect(isReadable(fd)).to.equal(true);
  });
});
