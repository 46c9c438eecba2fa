/** Connections that must not be seen to end: read, discarded, finished at a deadline. */

import { expect } from 'chai';
import type { TcpSocket } from '../../../src/net/tcp-socket.js';
import { Drain } from '../../../src/relay/drain.js';
import type { Peer } from '../../support/peer.js';
import { ReactorBench } from '../../support/reactor-bench.js';

describe('a drained connection', () => {
  let bench: ReactorBench;

  function pair(): { readonly socket: TcpSocket; readonly peer: Peer } {
    return bench.acceptedPair();
  }

  beforeEach(() => {
    bench = new ReactorBench();
  });

  afterEach(() => {
    bench.close();
  });

  it('is answered by nothing, whatever is sent, until the FIN at the deadline', () => {
    const { socket, peer } = pair();
    Drain.begin(bench.context, socket, 60_000);
    for (const length of [1, 50, 4096, 3_000_000]) {
      peer.send(new Uint8Array(length));
      bench.until('everything to be taken', () => peer.flushed);
      bench.settle();
      expect([peer.end, peer.receivedLength]).to.deep.equal(['open', 0]);
    }
    bench.advance(59_000);
    bench.settle();
    expect(peer.end).to.equal('open');
    bench.advance(1100);
    bench.until('the FIN', () => peer.end !== 'open');
    expect([peer.end, peer.receivedLength]).to.deep.equal(['fin', 0]);
  });

  it('goes on being read after the FIN, and is closed some seconds later', () => {
    const { socket, peer } = pair();
    Drain.begin(bench.context, socket, 1000);
    bench.advance(1100);
    peer.send(new Uint8Array(1_000_000));
    bench.until('everything to be taken', () => peer.flushed);
    bench.advance(9000);
    bench.settle();
    expect(socket.open).to.equal(true);
    expect(peer.end).to.equal('fin');
    bench.advance(1100);
    expect(socket.open).to.equal(false);
    expect(bench.reactor.registered).to.equal(0);
    expect(bench.reactor.timers.count()).to.equal(0);
  });

  it('is finished at once where it may be, with what is unread taken first', () => {
    const { socket, peer } = pair();
    peer.send(new Uint8Array(100_000));
    Drain.begin(bench.context, socket, 0);
    bench.until('the FIN', () => peer.end !== 'open');
    expect(peer.end).to.equal('fin');
    peer.close();
    bench.until('the end', () => !socket.open);
  });

  it('answers a FIN by a FIN at once', () => {
    const { socket, peer } = pair();
    Drain.begin(bench.context, socket, Number.POSITIVE_INFINITY);
    peer.send(new Uint8Array(777));
    peer.finish();
    bench.until('the FIN', () => peer.end !== 'open');
    expect(peer.end).to.equal('fin');
    expect([socket.open, bench.context.draining.size, bench.reactor.timers.count()]).to.deep.equal([false, 0, 0]);
  });

  it('ends with the peer that resets it', () => {
    const { socket, peer } = pair();
    Drain.begin(bench.context, socket, 60_000);
    peer.reset();
    bench.until('the end', () => !socket.open);
    expect([bench.context.draining.size, bench.reactor.timers.count()]).to.deep.equal([0, 0]);
  });

  it('takes what had been received before, and a FIN that had come before', () => {
    const { socket, peer } = pair();
    peer.send('abc');
    peer.finish();
    bench.settle();
    Drain.begin(bench.context, socket, 60_000);
    bench.until('the end', () => !socket.open);
    expect(peer.end).to.equal('fin');
  });

  it('is finished when it is the oldest of too many', function () {
    this.timeout(60_000);
    const first = pair();
    Drain.begin(bench.context, first.socket, 60_000);
    const second = pair();
    Drain.begin(bench.context, second.socket, 60_000);
    const rest = Array.from({ length: 4094 }, pair);
    for (const { socket } of rest) Drain.begin(bench.context, socket, 60_000);
    bench.settle();
    expect(first.peer.end).to.equal('open');
    Drain.begin(bench.context, pair().socket, 60_000);
    bench.until('the FIN', () => first.peer.end === 'fin');
    expect(second.peer.end).to.equal('open');
    expect(bench.context.draining.size).to.equal(4096);
  });

  it('is closed when it is the oldest of too many that have been finished', function () {
    this.timeout(60_000);
    const first = pair();
    Drain.begin(bench.context, first.socket, 0);
    for (let i = 0; i < 4095; i++) Drain.begin(bench.context, pair().socket, 0);
    expect(first.socket.open).to.equal(true);
    Drain.begin(bench.context, pair().socket, 0);
    expect(first.socket.open).to.equal(false);
    expect(bench.context.finishing.size).to.equal(4096);
  });

  it('is closed with its context, whether it has been finished or not', () => {
    const held = pair();
    Drain.begin(bench.context, held.socket, 60_000);
    const finished = pair();
    Drain.begin(bench.context, finished.socket, 0);
    bench.settle();
    expect(finished.peer.end).to.equal('fin');
    bench.context.endDraining();
    expect([held.socket.open, finished.socket.open]).to.deep.equal([false, false]);
    expect([bench.reactor.registered, bench.reactor.timers.count()]).to.deep.equal([0, 0]);
  });
});
