/** A TCP socket between two events: what it believes about itself, against what the kernel does. */

import { expect } from 'chai';
import { EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP, MSG_OOB } from '../../../native-bindings/constants.js';
import { ECONNRESET, EPIPE } from '../../../native-bindings/errno.js';
import { Region } from '../../../native-bindings/memory.js';
import { CONNECT_INTEREST, TcpSocket, WOULD_BLOCK } from '../../../src/net/tcp-socket.js';
import { type EventHandler, Reactor } from '../../../src/reactor/reactor.js';
import { awaitReady, Descriptors, receiveBytes, sendText, tryReceive } from '../../support/loopback-sockets.js';
import { openDescriptors } from '../../support/open-descriptors.js';

/** More than the kernel buffers between two sockets of one machine. */
const MUCH = 16 * 1024 * 1024;

/** Counts the changes of interest, which cost a system call each. */
class CountingReactor extends Reactor {
  changes = 0;

  override modify(fd: number, interest: number): void {
    this.changes++;
    super.modify(fd, interest);
  }
}

/** The owner of a socket: it notes what is reported, as every session does. */
class Owner implements EventHandler {
  readonly events: number[] = [];
  socket: TcpSocket | undefined = undefined;

  handleEvents(events: number): void {
    this.events.push(events);
    this.socket?.note(events);
  }

  handleFailure(error: unknown): void {
    throw error;
  }
}

describe('a TCP socket', () => {
  const descriptors = new Descriptors();
  const memory = new Region(MUCH);
  let reactor: CountingReactor;
  let owner: Owner;
  let socket: TcpSocket;
  let peer: number;

  beforeEach(() => {
    reactor = new CountingReactor();
    owner = new Owner();
    const { client, server } = descriptors.pair();
    peer = client;
    socket = TcpSocket.accepted(reactor, descriptors.release(server), owner);
    owner.socket = socket;
  });

  afterEach(() => {
    socket.close();
    reactor.close();
    descriptors.closeAll();
  });

  after(() => memory.release());

  /** Turns until an event has come; there must be one. */
  function turn(): number {
    const before = owner.events.length;
    reactor.turn(5000);
    expect(owner.events.length, 'events of one turn').to.equal(before + 1);
    return owner.events[before];
  }

  function receive(length = 100): string | number {
    const received = socket.receive(memory, 0, length);
    return received < 0 ? received : Buffer.from(memory.bytes.slice(0, received)).toString();
  }

  /** Sends until the kernel takes no more. @returns how much it took */
  function fill(): number {
    let sent = 0;
    for (;;) {
      const taken = socket.send(memory, 0, MUCH);
      if (taken === WOULD_BLOCK) return sent;
      if (taken < 0) throw new Error(`send: ${taken}`);
      sent += taken;
      if (!socket.writable) return sent;
    }
  }

  /** The peer takes what has been sent, which makes room. */
  function drainPeer(length: number): void {
    expect(receiveBytes(peer, length)).to.have.length(length);
  }

  describe('that was accepted', () => {
    it('is believed writable, and not readable before an event says so', () => {
      expect([socket.writable, socket.readable, socket.open]).to.deep.equal([true, false, true]);
      reactor.turn(0);
      expect(owner.events, 'no event for being writable').to.deep.equal([]);
    });

    it('learns by its first event of bytes that came before it was registered', () => {
      const pair = descriptors.pair();
      sendText(pair.client, 'early');
      awaitReady(pair.server, EPOLLIN);
      socket.close();
      socket = TcpSocket.accepted(reactor, descriptors.release(pair.server), owner);
      owner.socket = socket;
      expect(turn()).to.equal(EPOLLIN);
      expect([socket.readable, receive()]).to.deep.equal([true, 'early']);
    });

    it('is watched for room only once a send has met its end', () => {
      const sent = fill();
      expect([socket.writable, reactor.changes]).to.deep.equal([false, 1]);
      drainPeer(sent);
      expect(turn() & EPOLLOUT).to.equal(EPOLLOUT);
      expect(socket.writable).to.equal(true);
      // Blocked again, it is watched already.
      drainPeer(fill());
      expect(turn() & EPOLLOUT).to.equal(EPOLLOUT);
      expect(reactor.changes).to.equal(1);
    });
  });

  describe('that was connected', () => {
    it('has what was reported together with the connection, and needs no change of interest', () => {
      const pair = descriptors.pair();
      reactor.register(descriptors.release(pair.client), CONNECT_INTEREST, owner);
      socket.close();
      socket = TcpSocket.connected(reactor, pair.client, EPOLLIN | EPOLLOUT, CONNECT_INTEREST, false);
      owner.socket = socket;
      peer = pair.server;
      expect([socket.readable, socket.writable]).to.deep.equal([true, true]);
      const sent = fill();
      expect([socket.writable, reactor.changes]).to.deep.equal([false, 0]);
      reactor.turn(0);
      drainPeer(sent);
      reactor.turn(5000);
      expect(socket.writable).to.equal(true);
    });
  });

  describe('receiving', () => {
    it('takes a short read for the end of what there is', () => {
      sendText(peer, 'hello');
      turn();
      expect([receive(), socket.readable]).to.deep.equal(['hello', false]);
      sendText(peer, 'again');
      turn();
      expect([socket.readable, receive()]).to.deep.equal([true, 'again']);
    });

    it('does not take a full read for it', () => {
      sendText(peer, 'hello');
      turn();
      expect([receive(5), socket.readable]).to.deep.equal(['hello', true]);
      expect([receive(5), socket.readable]).to.deep.equal([WOULD_BLOCK, false]);
    });

    it('goes on after a short read where the FIN has been reported with the bytes', () => {
      sendText(peer, 'bye');
      descriptors.close(peer);
      awaitReady(socket.fd, EPOLLRDHUP);
      expect(turn()).to.equal(EPOLLIN | EPOLLRDHUP);
      expect([receive(), socket.readable]).to.deep.equal(['bye', true]);
      expect(receive()).to.equal('');
    });

    it('meets a FIN that comes after a short read by an event of its own', () => {
      sendText(peer, 'bye');
      turn();
      expect([receive(), socket.readable]).to.deep.equal(['bye', false]);
      descriptors.close(peer);
      expect(turn() & EPOLLRDHUP).to.equal(EPOLLRDHUP);
      expect([socket.readable, receive()]).to.deep.equal([true, '']);
    });

    it('gets the bytes in front of a reset, and only then the reset', () => {
      sendText(peer, 'last words');
      awaitReady(socket.fd, EPOLLIN);
      descriptors.reset(peer);
      awaitReady(socket.fd, EPOLLRDHUP);
      turn();
      expect([receive(), socket.readable, receive()]).to.deep.equal(['last words', true, -ECONNRESET]);
    });

    it('is not stalled by urgent data, at whose mark a receive stops', () => {
      sendText(peer, 'ab');
      sendText(peer, 'c', MSG_OOB);
      sendText(peer, 'de');
      awaitReady(socket.fd, EPOLLPRI);
      let got = '';
      for (let i = 0; got !== 'abde' && i < 10; i++) {
        // A stalled socket is not readable, and no event comes.
        if (!socket.readable) turn();
        const part = receive();
        if (typeof part === 'string') got += part;
      }
      expect(got).to.equal('abde');
      while (socket.readable) receive();
      sendText(peer, 'f');
      turn();
      expect([socket.readable, receive()]).to.deep.equal([true, 'f']);
    });
  });

  describe('ending', () => {
    it('sends FIN by finish, and receives still', () => {
      socket.finish();
      expect(receiveBytes(peer, 1)).to.have.length(0);
      sendText(peer, 'answer');
      turn();
      expect(receive()).to.equal('answer');
    });

    it('sends FIN by close where everything was received', () => {
      socket.close();
      expect(receiveBytes(peer, 1)).to.have.length(0);
    });

    it('sends RST by abort', () => {
      socket.abort();
      awaitReady(peer, EPOLLIN);
      expect(tryReceive(peer)).to.equal(-ECONNRESET);
    });

    it('closes once, however often it is told to', () => {
      const before = openDescriptors();
      socket.close();
      expect([socket.open, openDescriptors()]).to.deep.equal([false, before - 1]);
      // The number is free: closed again, it would hit whoever has it now.
      const strangers = Array.from({ length: 16 }, () => descriptors.datagram().fd);
      expect(strangers).to.include(socket.fd);
      socket.close();
      socket.abort();
      expect(openDescriptors()).to.equal(before - 1 + strangers.length);
    });

    it('survives a finish and a send after the peer’s reset', () => {
      descriptors.reset(peer);
      turn();
      expect(socket.send(memory, 0, 1)).to.be.oneOf([-ECONNRESET, -EPIPE]);
      expect(socket.send(memory, 0, 1)).to.equal(-EPIPE);
      socket.finish();
      expect(socket.open).to.equal(true);
    });

    it('gives its events to another owner', () => {
      const heir = new Owner();
      heir.socket = socket;
      socket.handOver(heir);
      sendText(peer, 'x');
      reactor.turn(5000);
      expect([owner.events, heir.events]).to.deep.equal([[], [EPOLLIN]]);
    });
  });
});
