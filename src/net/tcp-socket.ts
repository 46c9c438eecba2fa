/**
 * A connected, non-blocking TCP socket on the reactor, edge-triggered: it is registered once, and what the kernel reported is kept as flags
 * until a call says otherwise. That spares an epoll_ctl at every change of interest, which is what a relay changes most.
 *
 * An accepted socket is registered without EPOLLOUT, because it starts out writable and the first report of that would be one event a
 * connection for nothing; the first send that blocks adds it.
 */

import {
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
  MSG_NOSIGNAL,
  SHUT_WR,
  SO_LINGER,
  SOL_SOCKET,
} from '../../native-bindings/constants.js';
import { EAGAIN } from '../../native-bindings/errno.js';
import type { Region } from '../../native-bindings/memory.js';
import { recv, send, setOptionPair, shutdown } from '../../native-bindings/socket.js';
import type { EventHandler, Reactor } from '../reactor/reactor.js';
import { setNoDelay } from './tcp-options.js';

/**
 * Urgent data (EPOLLPRI) stops a receive at its mark, with bytes left behind it that get no edge of their own: like a FIN, it says that a
 * short read is not the end.
 */
const READ_EVENTS = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
const FINAL_EVENTS = EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
const WRITE_EVENTS = EPOLLOUT | EPOLLHUP | EPOLLERR;

/** What is watched while a connection is being made, and from then on. */
export const CONNECT_INTEREST = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;
/** What is watched of a connection that stands from the start. */
export const ESTABLISHED_INTEREST = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;

/** Of `receive` and `send`: nothing can be moved now; an event will come. */
export const WOULD_BLOCK = -EAGAIN;

const MOST_COUNTED_BYTES = 1024 * 1024;

/** Where a socket may go instead of being closed. */
export interface SocketKeeper {
  /**
   * Takes the descriptor, whose connection has ended on both sides.
   * @param interest that it is registered for
   * @param movedBytes received and sent; not exact past a mebibyte
   * @returns false where it is to be closed
   */
  keepSocket(interest: number, movedBytes: number): boolean;
}

export class TcpSocket {
  readonly fd: number;
  /** A receive may yield something. */
  readable: boolean;
  /** A send may be taken. */
  writable = true;
  readonly #reactor: Reactor;
  /** The peer's FIN, an error or urgent data has been reported: a short read does not mean that there is nothing more to learn. */
  #final = false;
  #interest: number;
  /** Sends until Nagle's algorithm is turned off; 0: it is, or stays. */
  #sendsToNoDelay = 0;
  #movedBytes = 0;
  #finished = false;
  #peerFinished = false;
  readonly #keeper: SocketKeeper | undefined;
  #open = true;

  private constructor(
    reactor: Reactor,
    fd: number,
    interest: number,
    readable: boolean,
    keeper: SocketKeeper | undefined,
  ) {
    this.#keeper = keeper;
    this.#reactor = reactor;
    this.fd = fd;
    this.#interest = interest;
    this.readable = readable;
  }

  /** Registers a descriptor that accept4 returned. What it has received already is reported by the first event. */
  static accepted(reactor: Reactor, fd: number, handler: EventHandler): TcpSocket {
    reactor.register(fd, ESTABLISHED_INTEREST, handler);
    return new TcpSocket(reactor, fd, ESTABLISHED_INTEREST, false, undefined);
  }

  /**
   * Of a registered descriptor that has been connected; its events go where they went.
   * @param events those that said so (bytes, or even a FIN, that came that early have had their edge); 0 where it was connected at once
   * @param interest CONNECT_INTEREST or ESTABLISHED_INTEREST
   * @param noDelay Nagle's algorithm is to be off. It does not touch a first send, and many connections have one alone: so it is turned off
   * by the second.
   * @param keeper is asked at the end of a connection that both sides have finished
   */
  static connected(
    reactor: Reactor,
    fd: number,
    events: number,
    interest: number,
    noDelay: boolean,
    keeper?: SocketKeeper,
  ): TcpSocket {
    const socket = new TcpSocket(reactor, fd, interest, false, keeper);
    socket.note(events);
    if (noDelay) socket.#sendsToNoDelay = 2;
    return socket;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Hands the descriptor's events to another owner. */
  handOver(handler: EventHandler): void {
    this.#reactor.handOver(this.fd, handler);
  }

  /** Keeps what the kernel reported. */
  note(events: number): void {
    if ((events & READ_EVENTS) !== 0) this.readable = true;
    if ((events & WRITE_EVENTS) !== 0) this.writable = true;
    if ((events & FINAL_EVENTS) !== 0) this.#final = true;
  }

  /** @returns bytes received, 0 at the end of the stream, WOULD_BLOCK, or another negative errno */
  receive(region: Region, offset: number, length: number): number {
    const received = recv(this.fd, region, offset, length, 0);
    if (received > 0) this.#count(received);
    else if (received === 0) this.#peerFinished = true;
    // After a short read the next byte comes with an edge of its own. A FIN that has been reported already does not.
    if (received < length && !this.#final) this.readable = false;
    else if (received === WOULD_BLOCK) this.readable = false;
    return received;
  }

  /** @returns bytes taken (fewer than asked: the socket is full until an event says otherwise), WOULD_BLOCK, or another negative errno */
  send(region: Region, offset: number, length: number): number {
    if (this.#sendsToNoDelay !== 0 && --this.#sendsToNoDelay === 0) setNoDelay(this.fd);
    const sent = send(this.fd, region, offset, length, MSG_NOSIGNAL);
    if (sent > 0) this.#count(sent);
    if (sent < length && (sent >= 0 || sent === WOULD_BLOCK)) this.#blocked();
    return sent;
  }

  /** Up to a mebibyte: it is of interest whether they are few, and a small integer costs least. */
  #count(bytes: number): void {
    if (this.#movedBytes < MOST_COUNTED_BYTES) this.#movedBytes += bytes;
  }

  #blocked(): void {
    this.writable = false;
    if (this.#interest === CONNECT_INTEREST) return;
    this.#interest = CONNECT_INTEREST;
    // EPOLL_CTL_MOD looks at the state anew, so space that came free since the send is reported too.
    this.#reactor.modify(this.fd, CONNECT_INTEREST);
  }

  /** Sends FIN. A peer that has reset the connection makes this fail, which is no news: the next receive says so. */
  finish(): void {
    this.#finished = true;
    shutdown(this.fd, SHUT_WR);
  }

  /**
   * Closes. The kernel sends FIN, or RST where received bytes are left unread.
   * Idempotent.
   */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#finished && this.#peerFinished && this.#keeper?.keepSocket(this.#interest, this.#movedBytes)) return;
    this.#reactor.closeDescriptor(this.fd);
  }

  /** Closes with RST, so that the peer cannot take what it got for the whole. Idempotent. */
  abort(): void {
    if (!this.#open) return;
    setOptionPair(this.fd, SOL_SOCKET, SO_LINGER, 1, 0);
    this.#finished = false;
    this.close();
  }
}
