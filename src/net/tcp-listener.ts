/**
 * Listening sockets. Opening one is the control plane's (so that "port in use" is known before any thread starts); accepting on it is
 * a reactor's.
 */

import {
  EPOLLIN,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../native-bindings/constants.js';
import { eventfd } from '../../native-bindings/epoll.js';
import {
  EAGAIN,
  ECONNABORTED,
  EINTR,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  errnoName,
  SysError,
} from '../../native-bindings/errno.js';
import type { InetSocketAddress } from '../../native-bindings/sockaddr.js';
import { accept, bind, close, listen, localAddress, setOption, socket } from '../../native-bindings/socket.js';
import type { EventHandler, Reactor } from '../reactor/reactor.js';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';
import { delayAcks, setKeepAlive, setNoDelay, type TcpOptions } from './tcp-options.js';

/** The kernel cuts it to net.core.somaxconn (4096 on current kernels). */
export const LISTEN_BACKLOG = 4096;

export interface ListenOptions extends TcpOptions {
  /** Several sockets share the port, and the kernel spreads connections over them. */
  readonly reusePort: boolean;
  /** Those who connect send a request and wait for the answer: our acknowledgements go with that. */
  readonly delayAcks: boolean;
}

/**
 * Opens a listening socket.
 * @returns its descriptor
 * @throws SysError EADDRINUSE, EACCES, EADDRNOTAVAIL, …
 */
export function openTcpListener(address: InetSocketAddress, options: ListenOptions): number {
  const fd = socket(address.family, SOCK_STREAM);
  try {
    setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.reusePort) setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    // [::] means both families, as on the peers, whatever net.ipv6.bindv6only says.
    if (address.family === 6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    // Accepted connections inherit both.
    if (options.noDelay) setNoDelay(fd);
    if (options.keepAliveMs > 0) setKeepAlive(fd, options.keepAliveMs);
    bind(fd, address);
    listen(fd, LISTEN_BACKLOG);
    // Listening begins with the state of acknowledgements reset, so not before.
    if (options.delayAcks) delayAcks(fd);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** The port that a socket really has, where 0 was asked for. */
export function boundPort(fd: number): number {
  const address = localAddress(fd);
  if (address === undefined || address.family === 'unix') throw new Error('not an internet socket');
  return address.port;
}

/** Who gets the connections. */
export interface AcceptHandler {
  /** @param fd connected, non-blocking, not registered; the handler owns it from here on, even where it throws */
  handleConnection(fd: number): void;
  /** Accepting paused for want of descriptors or memory; told once a period. @param code EMFILE, ENFILE, ENOBUFS, ENOMEM */
  handleShortage(code: string): void;
}

/** Connections taken before other handlers get their turn. */
export const ACCEPTS_A_TURN = 64;
/** How long accepting rests when descriptors have run out: long enough not to spin, short enough not to be noticed once some are free. */
export const SHORTAGE_PAUSE_MS = 100;
/** One log line in such a period, however often it happens. */
export const SHORTAGE_REPORT_INTERVAL_MS = 10_000;
const SHORTAGES: readonly number[] = [EMFILE, ENFILE, ENOBUFS, ENOMEM];

/**
 * Accepts on a listening socket, level-triggered. When descriptors run out, a level-triggered listener would wake the loop for ever
 * and an accept could not take the waiting connection off the queue: so accepting pauses, and a reserve descriptor is given up to accept
 * one connection and close it at once. That one learns that it is refused; the others wait in the kernel's queue.
 */
export class TcpListener implements EventHandler, TimeoutHandler {
  readonly #reactor: Reactor;
  readonly #fd: number;
  readonly #handler: AcceptHandler;
  readonly #resume: Timer = new Timer(this);
  #reserve: number;
  #lastReportMs = Number.NEGATIVE_INFINITY;
  #open = true;

  constructor(reactor: Reactor, fd: number, handler: AcceptHandler) {
    this.#reactor = reactor;
    this.#fd = fd;
    this.#handler = handler;
    this.#reserve = eventfd();
    reactor.register(fd, EPOLLIN, this);
  }

  handleEvents(_events: number): void {
    for (let i = 0; i < ACCEPTS_A_TURN; i++) {
      const fd = accept(this.#fd);
      if (fd >= 0) {
        this.#handler.handleConnection(fd);
        // The handler may have stopped us.
        if (!this.#open) return;
      } else if (fd === -EAGAIN) {
        return;
      } else if (SHORTAGES.includes(-fd)) {
        this.#pause(-fd);
        return;
      } else if (fd !== -ECONNABORTED && fd !== -EINTR) {
        // accept(2) passes pending network errors of the new connection on (EPROTO, ENETDOWN, …): they end that one only.
        if (!this.#reactorStillListens(-fd)) return;
      }
    }
  }

  #reactorStillListens(errno: number): boolean {
    const code = errnoName(errno);
    if (code === 'EBADF' || code === 'EINVAL' || code === 'ENOTSOCK') throw new SysError('accept4', errno);
    return true;
  }

  #pause(errno: number): void {
    this.#shedOne();
    this.#reactor.modify(this.#fd, 0);
    this.#reactor.arm(this.#resume, SHORTAGE_PAUSE_MS);
    if (this.#reactor.nowMs - this.#lastReportMs >= SHORTAGE_REPORT_INTERVAL_MS) {
      this.#lastReportMs = this.#reactor.nowMs;
      this.#handler.handleShortage(errnoName(errno));
    }
  }

  #shedOne(): void {
    if (this.#reserve < 0) return;
    close(this.#reserve);
    const refused = accept(this.#fd);
    if (refused >= 0) close(refused);
    this.#takeReserve();
  }

  #takeReserve(): void {
    try {
      this.#reserve = eventfd();
    } catch {
      // Another thread was quicker; tried again when accepting resumes.
      this.#reserve = -1;
    }
  }

  handleTimeout(): void {
    if (this.#reserve < 0) this.#takeReserve();
    this.#reactor.modify(this.#fd, EPOLLIN);
  }

  handleFailure(error: unknown): void {
    // A session's own failures end in the session; one that arrives here is about a connection that never became one.
    this.#handler.handleShortage(error instanceof SysError ? error.code : String(error));
  }

  /** Stops listening: the kernel refuses new connections from now on. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#reactor.cancel(this.#resume);
    this.#reactor.closeDescriptor(this.#fd);
    if (this.#reserve >= 0) close(this.#reserve);
  }
}
