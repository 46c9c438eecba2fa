/** What a socket did not take, and the beginning of what has not come whole. */

import { expect } from 'chai';
import { SO_RCVBUF, SO_SNDBUF, SOL_SOCKET } from '../../../native-bindings/constants.js';
import { Region } from '../../../native-bindings/memory.js';
import { trySetOption } from '../../../native-bindings/socket.js';
import { TcpSocket } from '../../../src/net/tcp-socket.js';
import { Reactor } from '../../../src/reactor/reactor.js';
import { Backlog } from '../../../src/relay/backlog.js';
import { BlockPool, BlockPools, PoolExhaustedError } from '../../../src/relay/block-pool.js';
import { Carry } from '../../../src/relay/carry.js';
import { Descriptors } from '../../support/loopback-sockets.js';
import { Peer } from '../../support/peer.js';

const BLOCK = 128 * 1024;

function ramp(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
}

describe('what sessions keep', () => {
  const from = new Region(256 * 1024);
  let pool: BlockPool;
  let pools: BlockPools;

  beforeEach(() => {
    pool = new BlockPool(BLOCK, 4 * BLOCK);
    pools = new BlockPools([pool]);
  });

  afterEach(() => {
    expect(pool.inUse, 'blocks that were not given back').to.equal(0);
    pool.release();
  });

  after(() => {
    from.release();
  });

  describe('as a backlog', () => {
    const descriptors = new Descriptors();
    let reactor: Reactor;
    let socket: TcpSocket;
    let peer: Peer;

    beforeEach(() => {
      reactor = new Reactor();
      const { client, server } = descriptors.pair();
      // Small buffers, so that a block does not fit them.
      trySetOption(server, SOL_SOCKET, SO_SNDBUF, 4096);
      trySetOption(client, SOL_SOCKET, SO_RCVBUF, 4096);
      const handler = {
        handleEvents: (events: number) => socket.note(events),
        handleFailure: (error: unknown) => {
          throw error;
        },
      };
      socket = TcpSocket.accepted(reactor, descriptors.release(server), handler);
      peer = new Peer(descriptors, client);
      peer.reading = false;
    });

    afterEach(() => {
      socket.close();
      reactor.close();
      descriptors.closeAll();
    });

    it('goes out in order as the socket takes it, and gives its block back', () => {
      const backlog = new Backlog(pools);
      const all = ramp(BLOCK);
      from.bytes.set(all, 100);
      expect(backlog.empty).to.equal(true);
      backlog.keep(from, 100, BLOCK);
      from.bytes.fill(0);
      expect([backlog.empty, pool.inUse]).to.deep.equal([false, 1]);
      expect(backlog.flush(socket)).to.equal(0);
      expect(backlog.empty, 'the socket is full').to.equal(false);
      expect(socket.writable).to.equal(false);
      peer.reading = true;
      for (let turns = 0; peer.receivedLength < BLOCK && turns < 1000; turns++) {
        peer.poll();
        reactor.turn(10);
        expect(backlog.flush(socket)).to.equal(0);
      }
      expect(peer.received.equals(all)).to.equal(true);
      expect([backlog.empty, pool.inUse]).to.deep.equal([true, 0]);
    });

    it('says how the peer went', () => {
      const backlog = new Backlog(pools);
      backlog.keep(from, 0, BLOCK);
      expect(backlog.flush(socket)).to.equal(0);
      peer.reset();
      reactor.turn(1000);
      expect(backlog.flush(socket)).to.be.lessThan(0);
      backlog.clear();
      backlog.clear();
    });

    it('takes no more than a block, and nothing once the pool is at its limit', () => {
      const backlog = new Backlog(pools);
      expect(() => backlog.keep(from, 0, BLOCK + 1)).to.throw(RangeError);
      const blocks = [pool.take(), pool.take(), pool.take(), pool.take()];
      expect(() => backlog.keep(from, 0, 1)).to.throw(PoolExhaustedError);
      expect(backlog.empty).to.equal(true);
      for (const block of blocks) pool.give(block);
    });
  });

  describe('as the beginning of a unit', () => {
    const into = new Region(256 * 1024);

    after(() => {
      into.release();
    });

    it('is restored as it was saved, as often as is asked', () => {
      const carry = new Carry(pools);
      expect(carry.restore(into, 10)).to.equal(0);
      for (const length of [1, 50, 91, 92, 3000, 16_399, 20, 1, 65_550]) {
        const bytes = ramp(length);
        from.bytes.set(bytes, 77);
        carry.save(from, 77, 77 + length);
        from.bytes.fill(0xee);
        for (let i = 0; i < 2; i++) {
          into.bytes.fill(0);
          expect(carry.restore(into, 10)).to.equal(length);
          expect(Buffer.from(into.bytes.subarray(10, 10 + length)).equals(bytes)).to.equal(true);
          expect(into.bytes[9] + into.bytes[10 + length]).to.equal(0);
        }
        expect(carry.length).to.equal(length);
      }
      carry.save(from, 5, 5);
      expect([carry.length, carry.restore(into, 0), pool.inUse]).to.deep.equal([0, 0, 0]);
    });

    it('takes no more than a block', () => {
      const carry = new Carry(pools);
      expect(() => carry.save(from, 0, BLOCK + 1)).to.throw(RangeError);
      carry.clear();
    });

    it('holds no block for the few bytes that anyone without a key can make it hold', () => {
      // Of a stream of the 2022 edition, salt and fixed header: 32 + 59 bytes less one.
      const carries = Array.from({ length: 5000 }, () => new Carry(pools));
      for (const carry of carries) carry.save(from, 0, 90);
      expect(pool.inUse).to.equal(0);
      for (const carry of carries) carry.clear();
    });

    it('gives its block back when little is left, and when it is cleared', () => {
      const carry = new Carry(pools);
      carry.save(from, 0, 10_000);
      expect(pool.inUse).to.equal(1);
      carry.save(from, 0, 10);
      expect(pool.inUse).to.equal(0);
      carry.save(from, 0, 10_000);
      carry.clear();
      carry.clear();
      expect([carry.length, pool.inUse]).to.deep.equal([0, 0]);
    });
  });
});
