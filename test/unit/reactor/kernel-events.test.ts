/** What the kernel reports to epoll, which the relay and the example rely on, asked of the kernel that the tests run on. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
  MSG_OOB,
} from '../../../native-bindings/constants.js';
import { EventBuffer, epollControl, epollCreate, eventfd } from '../../../native-bindings/epoll.js';
import {
  EAGAIN,
  EBADF,
  ECONNREFUSED,
  ECONNRESET,
  EEXIST,
  EINVAL,
  ENOENT,
  EPERM,
  errnoName,
} from '../../../native-bindings/errno.js';
import * as sockets from '../../../native-bindings/socket.js';
import {
  awaitReady,
  Descriptors,
  receiveText,
  reportedEvents,
  sendText,
  tryReceive,
} from '../../support/loopback-sockets.js';
import { CONTROL_ERRORS, flagMask, flagText, KERNEL_EVENTS } from './kernel-event-table.js';

const MANUAL = new URL('../../../../docs/EVENT-LOOP.md', import.meta.url);

/** The rows of the first table under a heading, as trimmed cells, without its two header lines. */
function markdownTable(text: string, heading: string): string[][] {
  const lines = text.slice(text.indexOf(`\n## ${heading}\n`) + 1).split('\n');
  const start = lines.findIndex((line) => line.startsWith('|'));
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'));
  return lines.slice(start + 2, start + length).map((line) =>
    line
      .slice(1, line.lastIndexOf('|'))
      .split('|')
      .map((cell) => cell.trim()),
  );
}

describe('what the kernel reports', () => {
  const descriptors = new Descriptors();
  let epfd: number;
  let events: EventBuffer;

  beforeEach(() => {
    epfd = descriptors.keep(epollCreate());
    events = new EventBuffer(8);
  });

  afterEach(() => {
    descriptors.closeAll();
    events.release();
  });

  for (const { situation, watchedFor, reported, provoke } of KERNEL_EVENTS) {
    it(`${situation}: ${flagText(reported)}`, () => {
      const fd = provoke(descriptors);
      const wanted = flagMask(reported);
      expect(reportedEvents(fd, flagMask(watchedFor), (now) => now === wanted)).to.equal(wanted);
    });
  }

  it('is what the table of the manual says', () => {
    const manual = readFileSync(MANUAL, 'utf8');
    const rows = markdownTable(manual, 'What the kernel reports');
    expect(rows.map((cells) => cells.slice(0, 3))).to.deep.equal(
      KERNEL_EVENTS.map((row) => [row.situation, flagText(row.watchedFor), flagText(row.reported)]),
    );
    expect(markdownTable(manual, 'What epoll_ctl refuses')).to.deep.equal(
      CONTROL_ERRORS.map((row) => [row.call, row.answer]),
    );
  });

  it('keeps data that came before a reset readable', () => {
    const { client, server } = descriptors.pair();
    sendText(client, 'last words');
    descriptors.reset(client);
    awaitReady(server, EPOLLERR);
    expect(receiveText(server, 10)).to.equal('last words');
    expect(tryReceive(server)).to.equal(-ECONNRESET);
    // The error is told once.
    expect(tryReceive(server)).to.deep.equal(new Uint8Array(0));
  });

  it('keeps it readable where SO_ERROR is taken first, and the reset then reads as an end', () => {
    const { client, server } = descriptors.pair();
    sendText(client, 'last words');
    descriptors.reset(client);
    awaitReady(server, EPOLLERR);
    expect(errnoName(sockets.takeError(server))).to.equal('ECONNRESET');
    expect(receiveText(server, 10)).to.equal('last words');
    expect(tryReceive(server)).to.deep.equal(new Uint8Array(0));
  });

  it('goes on reporting HUP and ERR of a reset connection until it is closed, whatever the mask', () => {
    const { client, server } = descriptors.pair();
    epollControl(epfd, EPOLL_CTL_ADD, server, 0, 7);
    descriptors.reset(client);
    for (let i = 0; i < 3; i++) {
      expect(events.wait(epfd, 1000)).to.equal(1);
      expect(events.events(0)).to.equal(EPOLLERR | EPOLLHUP);
      expect(events.fd(0)).to.equal(server);
      expect(events.generation(0)).to.equal(7);
    }
    descriptors.close(server);
    expect(events.wait(epfd, 0)).to.equal(0);
  });

  it('tells the error of a refused connect once', () => {
    const row = KERNEL_EVENTS.find(({ situation }) => situation === 'a refused connect');
    const fd = row?.provoke(descriptors) ?? -1;
    reportedEvents(fd, EPOLLOUT, (now) => (now & EPOLLERR) !== 0);
    expect(sockets.takeError(fd)).to.equal(ECONNREFUSED).and.equal(111);
    expect(sockets.takeError(fd)).to.equal(0);
  });

  it('goes on reporting a closed descriptor while a duplicate of it lives, and takes no epoll_ctl for it', async () => {
    const { client, server } = descriptors.pair();
    epollControl(epfd, EPOLL_CTL_ADD, server, EPOLLIN, 5);
    // A child process that inherits the descriptor, and lives until its standard input ends, is the duplicate.
    const child = spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore', server] });
    const exit = once(child, 'exit');
    try {
      descriptors.close(server);
      sendText(client, 'x');
      expect(events.wait(epfd, 1000)).to.equal(1);
      expect(events.fd(0)).to.equal(server);
      expect(events.generation(0)).to.equal(5);
      expect(epollControl(epfd, EPOLL_CTL_DEL, server, 0, 0)).to.equal(-EBADF);
    } finally {
      child.stdin?.end();
      await exit;
    }
    expect(events.wait(epfd, 0)).to.equal(0);
  });

  it('refuses in epoll_ctl', () => {
    const fd = descriptors.keep(eventfd());
    expect(epollControl(epfd, EPOLL_CTL_MOD, fd, EPOLLIN, 0)).to.equal(-ENOENT);
    expect(epollControl(epfd, EPOLL_CTL_DEL, fd, 0, 0)).to.equal(-ENOENT);
    expect(epollControl(epfd, EPOLL_CTL_ADD, fd, EPOLLIN, 0)).to.equal(0);
    expect(epollControl(epfd, EPOLL_CTL_ADD, fd, EPOLLIN, 0)).to.equal(-EEXIST);
    const file = openSync(fileURLToPath(MANUAL), 'r');
    expect(epollControl(epfd, EPOLL_CTL_ADD, file, EPOLLIN, 0)).to.equal(-EPERM);
    closeSync(file);
    descriptors.close(fd);
    for (const operation of [EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL]) {
      expect(epollControl(epfd, operation, fd, EPOLLIN, 0)).to.equal(-EBADF);
    }
  });

  it('repeats an event that is not acted on: level-triggered', () => {
    const { client, server } = descriptors.pair();
    epollControl(epfd, EPOLL_CTL_ADD, server, EPOLLIN, 0);
    sendText(client, 'xy');
    for (let i = 0; i < 3; i++) expect(events.wait(epfd, 1000)).to.equal(1);
    tryReceive(server, 1);
    expect(events.wait(epfd, 1000)).to.equal(1);
    tryReceive(server, 1);
    expect(events.wait(epfd, 0)).to.equal(0);
  });

  it('reports each arrival once, and looks anew at EPOLL_CTL_MOD: edge-triggered', () => {
    const { client, server } = descriptors.pair();
    epollControl(epfd, EPOLL_CTL_ADD, server, EPOLLIN | EPOLLET, 0);
    sendText(client, 'xy');
    expect(events.wait(epfd, 1000)).to.equal(1);
    tryReceive(server, 1);
    expect(events.wait(epfd, 0), 'half of it is left, and is not reported').to.equal(0);
    epollControl(epfd, EPOLL_CTL_MOD, server, EPOLLIN | EPOLLET, 0);
    expect(events.wait(epfd, 1000)).to.equal(1);
    sendText(client, 'z');
    expect(events.wait(epfd, 1000), 'new data is a new edge').to.equal(1);
  });

  it('tells with each edge all that is true, old readiness too: edge-triggered', () => {
    const { client, server } = descriptors.pair();
    epollControl(epfd, EPOLL_CTL_ADD, server, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 0);
    expect(events.wait(epfd, 1000)).to.equal(1);
    expect(events.events(0)).to.equal(EPOLLOUT);
    sendText(client, 'x');
    expect(events.wait(epfd, 1000)).to.equal(1);
    expect(events.events(0)).to.equal(EPOLLIN | EPOLLOUT);
    expect(events.wait(epfd, 0)).to.equal(0);
  });

  it('makes no second edge of a FIN that came with the data of the first: RDHUP tells of it', () => {
    const { client, server } = descriptors.pair();
    sendText(client, 'bye');
    descriptors.close(client);
    awaitReady(server, EPOLLRDHUP);
    epollControl(epfd, EPOLL_CTL_ADD, server, EPOLLIN | EPOLLRDHUP | EPOLLET, 0);
    expect(events.wait(epfd, 1000)).to.equal(1);
    expect(events.events(0)).to.equal(EPOLLIN | EPOLLRDHUP);
    // A short read, which usually means drained. Without regard to RDHUP the end of the stream would be missed: no event follows.
    expect(tryReceive(server, 100)).to.deep.equal(new TextEncoder().encode('bye'));
    expect(events.wait(epfd, 0)).to.equal(0);
    expect(tryReceive(server, 100)).to.deep.equal(new Uint8Array(0));
  });

  it('says EAGAIN to an ordinary read of an out-of-band byte, which skips it and ends PRI', () => {
    const { client, server } = descriptors.pair();
    sendText(client, '!', MSG_OOB);
    awaitReady(server, EPOLLPRI);
    expect(tryReceive(server)).to.equal(-EAGAIN);
    expect(reportedEvents(server, EPOLLPRI, (now) => now === 0)).to.equal(0);
    expect(tryReceive(server, 1, MSG_OOB)).to.equal(-EINVAL);
  });

  it('ends a read short at the mark of an out-of-band byte, with more behind it and no new edge', () => {
    const { client, server } = descriptors.pair();
    sendText(client, 'ab');
    sendText(client, '!', MSG_OOB);
    sendText(client, 'cd');
    awaitReady(server, EPOLLPRI);
    epollControl(epfd, EPOLL_CTL_ADD, server, EPOLLIN | EPOLLPRI | EPOLLET, 0);
    expect(events.wait(epfd, 1000)).to.equal(1);
    expect(events.events(0)).to.equal(EPOLLIN | EPOLLPRI);
    expect(tryReceive(server, 100)).to.deep.equal(new TextEncoder().encode('ab'));
    expect(events.wait(epfd, 0)).to.equal(0);
    expect(tryReceive(server, 100)).to.deep.equal(new TextEncoder().encode('cd'));
  });

  it('gives an out-of-band byte to a read with MSG_OOB, once', () => {
    const { client, server } = descriptors.pair();
    sendText(client, '!', MSG_OOB);
    awaitReady(server, EPOLLPRI);
    expect(tryReceive(server, 1, MSG_OOB)).to.deep.equal(Uint8Array.of(33));
    expect(tryReceive(server, 1, MSG_OOB)).to.equal(-EINVAL);
    expect(reportedEvents(server, EPOLLPRI, (now) => now === 0)).to.equal(0);
  });
});
