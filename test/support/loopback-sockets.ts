/**
 * Native sockets on the loopback interface for tests: synchronous, non-blocking underneath, every wait bounded. They are what a client of a
 * reactor under test uses on the same thread, where Node's own sockets would need Node's loop.
 */

import {
  EPOLL_CTL_ADD,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  MSG_NOSIGNAL,
  SO_LINGER,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../native-bindings/constants.js';
import { EventBuffer, epollControl, epollCreate } from '../../native-bindings/epoll.js';
import { EAGAIN, EINPROGRESS, SysError } from '../../native-bindings/errno.js';
import { Region } from '../../native-bindings/memory.js';
import * as sockets from '../../native-bindings/socket.js';

export const LOOPBACK = {
  4: Uint8Array.of(127, 0, 0, 1),
  6: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
} as const;
/** Longest that a test waits for anything that should come at once. */
export const PATIENCE_MS = 5000;

const scratch = new Region(256 * 1024);
const events = new EventBuffer(8);

/** Descriptors of one test, closed after it whatever happened. */
export class Descriptors {
  readonly #open = new Set<number>();

  keep(fd: number): number {
    this.#open.add(fd);
    return fd;
  }

  /** The code under test owns and closes it from now on. */
  release(fd: number): number {
    this.#open.delete(fd);
    return fd;
  }

  close(fd: number): void {
    this.#open.delete(fd);
    sockets.close(fd);
  }

  /** Closes with a reset (RST) in place of a FIN. */
  reset(fd: number): void {
    sockets.setOptionPair(fd, SOL_SOCKET, SO_LINGER, 1, 0);
    this.close(fd);
  }

  closeAll(): void {
    for (const fd of this.#open) sockets.close(fd);
    this.#open.clear();
  }

  listen(family: 4 | 6 = 4, backlog = 16): { fd: number; port: number } {
    const fd = this.keep(sockets.socket(family, SOCK_STREAM));
    sockets.bind(fd, { family, bytes: LOOPBACK[family], port: 0 });
    sockets.listen(fd, backlog);
    return { fd, port: portOf(fd) };
  }

  /** A port that is taken, so that nobody gets it meanwhile, and refuses connections. */
  refusing(): number {
    const fd = this.keep(sockets.socket(4, SOCK_STREAM));
    sockets.bind(fd, { family: 4, bytes: LOOPBACK[4], port: 0 });
    return portOf(fd);
  }

  /** A connected client; the connection is in the listener's queue. */
  connect(port: number, family: 4 | 6 = 4): number {
    const fd = this.keep(sockets.socket(family, SOCK_STREAM));
    const result = sockets.connectInet(fd, LOOPBACK[family], port);
    if (result !== 0 && result !== -EINPROGRESS) throw new SysError('connect', -result);
    awaitReady(fd, EPOLLOUT);
    const error = sockets.takeError(fd);
    if (error !== 0) throw new SysError('connect', error);
    return fd;
  }

  /** Two ends of a TCP connection. */
  pair(family: 4 | 6 = 4): { client: number; server: number } {
    const listener = this.listen(family);
    const client = this.connect(listener.port, family);
    awaitReady(listener.fd, EPOLLIN);
    const server = this.keep(sockets.accept(listener.fd));
    this.close(listener.fd);
    return { client, server };
  }

  /** A bound UDP socket. */
  datagram(family: 4 | 6 = 4): { fd: number; port: number } {
    const fd = this.keep(sockets.socket(family, SOCK_DGRAM));
    sockets.bind(fd, { family, bytes: LOOPBACK[family], port: 0 });
    return { fd, port: portOf(fd) };
  }
}

export function portOf(fd: number): number {
  const address = sockets.localAddress(fd);
  if (address === undefined || address.family === 'unix') throw new Error(`descriptor ${fd} has no port`);
  return address.port;
}

/**
 * What epoll reports for a descriptor, level-triggered, watched for `interest` only from now on.
 * @param settled the report is awaited until this holds, PATIENCE_MS at most; the last report is returned either way
 */
export function reportedEvents(fd: number, interest: number, settled: (reported: number) => boolean): number {
  const epfd = epollCreate();
  try {
    const error = epollControl(epfd, EPOLL_CTL_ADD, fd, interest, 0);
    if (error < 0) throw new SysError('epoll_ctl', -error);
    const deadline = performance.now() + PATIENCE_MS;
    let reported = 0;
    do {
      reported = events.wait(epfd, 20) > 0 ? events.events(0) : 0;
    } while (!settled(reported) && performance.now() < deadline);
    return reported;
  } finally {
    sockets.close(epfd);
  }
}

/** Waits until a descriptor is ready for any of the interest (or has failed). */
export function awaitReady(fd: number, interest: number): number {
  const reported = reportedEvents(fd, interest, (now) => now !== 0);
  if (reported === 0) throw new Error(`descriptor ${fd} did not become ready in ${PATIENCE_MS} ms`);
  return reported;
}

/** Sends all of it; the receiver must have room. */
export function sendBytes(fd: number, bytes: Uint8Array, flags = 0): void {
  for (let at = 0; at < bytes.length; ) {
    const part = bytes.subarray(at, at + scratch.size);
    scratch.bytes.set(part);
    const sent = sockets.send(fd, scratch, 0, part.length, flags | MSG_NOSIGNAL);
    if (sent === -EAGAIN) awaitReady(fd, EPOLLOUT);
    else if (sent < 0) throw new SysError('send', -sent);
    else at += sent;
  }
}

export function sendText(fd: number, text: string, flags = 0): void {
  sendBytes(fd, new TextEncoder().encode(text), flags);
}

/** One send that may take a part only. @returns bytes, or a negative errno */
export function trySend(fd: number, bytes: Uint8Array): number {
  scratch.bytes.set(bytes);
  return sockets.send(fd, scratch, 0, bytes.length, MSG_NOSIGNAL);
}

/** One recv. @returns the bytes (none at the end of the stream), or a negative errno */
export function tryReceive(fd: number, limit = scratch.size, flags = 0): Uint8Array | number {
  const got = sockets.recv(fd, scratch, 0, limit, flags);
  return got < 0 ? got : scratch.bytes.slice(0, got);
}

/** Waits for and reads exactly `count` bytes, or fewer where the stream ends. */
export function receiveBytes(fd: number, count: number): Uint8Array {
  const into = new Uint8Array(count);
  let at = 0;
  while (at < count) {
    awaitReady(fd, EPOLLIN | EPOLLRDHUP);
    const got = tryReceive(fd, Math.min(count - at, scratch.size));
    if (typeof got === 'number') throw new SysError('recv', -got);
    if (got.length === 0) return into.slice(0, at);
    into.set(got, at);
    at += got.length;
  }
  return into;
}

export function receiveText(fd: number, count: number): string {
  return new TextDecoder().decode(receiveBytes(fd, count));
}
