/** Sockets that are used again: which ones, when, and that nobody can tell. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { EPOLLIN, IPPROTO_TCP, SHUT_WR, TCP_DEFER_ACCEPT } from '../../../native-bindings/constants.js';
import * as native from '../../../native-bindings/socket.js';
import { type TcpSocket, WOULD_BLOCK } from '../../../src/net/tcp-socket.js';
import {
  DIALS_COUNTED_MS,
  MANY_DIALS,
  MAX_USED_SOCKET_BYTES,
  MAX_USED_SOCKETS,
  USED_SOCKETS_KEPT_MS,
} from '../../../src/net/used-sockets.js';
import { awaitReady, portOf, receiveText, sendText } from '../../support/loopback-sockets.js';
import { openDescriptors } from '../../support/open-descriptors.js';
import { type Connection, UsedSocketsStage } from './used-sockets-stage.js';

const PROBE = fileURLToPath(new URL('./used-sockets-probe.js', import.meta.url));

describe('sockets of a dialer', () => {
  let stage: UsedSocketsStage;
  let before: number;

  beforeEach(() => {
    before = openDescriptors();
    stage = new UsedSocketsStage();
  });

  afterEach(() => {
    stage.dialer.used.close();
    expect(stage.reactor.registered, 'descriptors that are watched still').to.equal(0);
    expect(stage.reactor.timers.count(), 'timers').to.equal(0);
    stage.close();
    expect(openDescriptors(), 'descriptors that are left').to.equal(before);
  });

  function expectItWorks({ near, far, events }: Connection): void {
    const { region } = stage;
    expect(near.receive(region, 0, 16), 'bytes of an earlier connection').to.equal(WOULD_BLOCK);
    region.bytes.set(Buffer.from('question'), 0);
    expect(near.send(region, 0, 8)).to.equal(8);
    expect(receiveText(far, 8)).to.equal('question');
    sendText(far, 'answer');
    stage.until('the answer', () => events.length > 0);
    expect(events).to.deep.equal([EPOLLIN]);
    expect(near.receive(region, 0, 16)).to.equal(6);
  }

  it('are closed while few are dialed', () => {
    for (let i = 0; i < 3 * MANY_DIALS; i++) {
      if (i % (MANY_DIALS - 1) === 0) stage.advance(DIALS_COUNTED_MS);
      stage.endByUs(stage.connect());
      expect(stage.dialer.used.size).to.equal(0);
    }
    expect(stage.reactor.registered).to.equal(0);
  });

  it('are closed again when many were dialed a while ago', () => {
    stage.dialMany();
    const last = stage.connect();
    stage.advance(2 * DIALS_COUNTED_MS);
    stage.endByUs(last);
    stage.endByUs(stage.connect());
    expect(stage.dialer.used.size).to.equal(0);
  });

  it('are closed where somebody may watch', () => {
    const { careful } = stage;
    stage.dialMany(careful);
    stage.endByUs(stage.connect(stage.listener, careful));
    expect(careful.used.size).to.equal(0);
  });

  it('are closed where they carried much, and their buffers have grown', () => {
    stage.dialMany();
    for (const [bytes, kept] of [
      [MAX_USED_SOCKET_BYTES, 1],
      [MAX_USED_SOCKET_BYTES + 1, 0],
    ]) {
      const connection = stage.connect();
      for (let left = bytes; left > 0; ) {
        const length = Math.min(left, 4096);
        sendText(connection.far, 'x'.repeat(length));
        for (let got = 0; got < length; ) {
          awaitReady(connection.near.fd, EPOLLIN);
          got += connection.near.receive(stage.region, 0, 4096);
        }
        left -= length;
      }
      stage.endByUs(connection);
      expect(stage.dialer.used.size).to.equal(kept);
    }
  });

  it('are used for the next connection to the same place while many are dialed', () => {
    stage.dialMany();
    const first = stage.connect();
    const { fd } = first.near;
    const port = portOf(fd);
    expectItWorks(first);
    stage.endByUs(first);
    expect(stage.dialer.used.size).to.equal(1);
    for (let i = 0; i < 5; i++) {
      const next = stage.connect();
      expect(next.near.fd).to.equal(fd);
      expect(portOf(fd)).not.to.equal(port);
      expectItWorks(next);
      stage.endByUs(next);
    }
    expect(stage.dialer.used.size).to.equal(1);
  });

  it('hold the end of the handshake back for the first bytes only where this connection has some', () => {
    stage.dialMany();
    const held: boolean[] = [];
    const descriptors = new Set<number>();
    for (const sendsFirst of [true, true, false, true]) {
      const connection = stage.connect(stage.listener, stage.dialer, sendsFirst);
      const { fd } = connection.near;
      descriptors.add(fd);
      held.push(native.getOption(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT) !== 0);
      stage.endByUs(connection);
    }
    expect(held).to.deep.equal([true, true, false, true]);
    expect(descriptors.size).to.equal(1);
  });

  for (const [what, host] of [
    ['address', '127.0.0.2'],
    ['port', '127.0.0.1'],
  ]) {
    it(`are not used for another ${what}`, () => {
      const elsewhere = stage.listen(host);
      stage.dialMany();
      const first = stage.connect();
      stage.endByUs(first);
      const second = stage.connect(elsewhere);
      expect(second.near.fd).not.to.equal(first.near.fd);
      expect(stage.dialer.used.size).to.equal(1);
      second.near.abort();
    });
  }

  it('connect by events as others do where the connection does not stand at once', function () {
    // The kernel tries again after a second.
    this.timeout(8000);
    const silent = stage.listen('127.0.0.1', 0);
    stage.dialMany();
    const first = stage.connect(silent);
    stage.endByUs(first);
    const fillers = [stage.dial(silent, stage.careful), stage.dial(silent, stage.careful)];
    expect(stage.dialer.used.size).to.equal(1);
    const result = stage.dial(silent);
    expect(stage.dialer.used.size).to.equal(0);
    expect([result.socket, result.failure]).to.deep.equal([undefined, undefined]);
    native.listen(silent.fd, 16);
    stage.until('the connection', () => result.socket !== undefined);
    const near = result.socket as TcpSocket;
    expect(near.fd).to.equal(first.near.fd);
    stage.until('all others', () => fillers.every(({ socket }) => socket !== undefined));
    for (const { socket } of fillers) socket?.abort();
    near.abort();
  });

  it('end for the other side as they would by being closed, whoever finished first', () => {
    stage.dialMany();
    const connection = stage.connect();
    native.shutdown(connection.far, SHUT_WR);
    stage.receiveEnd(connection);
    connection.near.finish();
    connection.near.close();
    awaitReady(connection.far, EPOLLIN);
    expect(native.recv(connection.far, stage.region, 0, 16, 0)).to.equal(0);
  });

  it('are closed where a side has not finished, or they are reset', () => {
    stage.dialMany();
    const finished = stage.connect();
    finished.near.finish();
    finished.near.close();
    const aborted = stage.connect();
    aborted.near.finish();
    stage.descriptors.close(aborted.far);
    stage.receiveEnd(aborted);
    aborted.near.abort();
    expect(stage.dialer.used.size).to.equal(0);
  });

  it('are kept in a small number, for a short time', () => {
    stage.dialMany();
    const connections = Array.from({ length: MAX_USED_SOCKETS + 5 }, () => stage.connect());
    for (const connection of connections) stage.endByUs(connection);
    expect(stage.dialer.used.size).to.equal(MAX_USED_SOCKETS);
    expect(stage.reactor.registered).to.equal(MAX_USED_SOCKETS);
    stage.advance(USED_SOCKETS_KEPT_MS - 1);
    expect(stage.dialer.used.size).to.equal(MAX_USED_SOCKETS);
    stage.advance(1);
    expect(stage.dialer.used.size).to.equal(0);
    expect(stage.reactor.registered).to.equal(0);
  });

  it('that are used again are closed where the connection is refused', () => {
    const { fd, port } = stage.listen('127.0.0.1');
    stage.dialMany();
    stage.endByUs(stage.connect({ host: '127.0.0.1', fd, port }));
    expect(stage.dialer.used.size).to.equal(1);
    stage.descriptors.close(fd);
    const result = stage.dial({ host: '127.0.0.1', port });
    stage.until('the failure', () => result.failure !== undefined);
    expect(result.failure).to.equal('ECONNREFUSED');
    expect(stage.dialer.used.size).to.equal(0);
    expect(stage.reactor.registered).to.equal(0);
  });

  it('give way to connections elsewhere where descriptors have run out', () => {
    const output = execFileSync('sh', ['-c', 'ulimit -n 80; exec "$0" "$1"', process.execPath, PROBE], {
      encoding: 'utf8',
      timeout: 10_000,
    });
    expect(JSON.parse(output)).to.deep.equal({ keptBefore: 3, connected: true, keptAfter: 0, failure: 'EMFILE' });
  });
});
