/** Options of TCP connections. A listener's are inherited by the connections that it accepts, so that they cost nothing a connection. */

import {
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOL_SOCKET,
  TCP_DEFER_ACCEPT,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
  TCP_QUICKACK,
} from '../../native-bindings/constants.js';
import { trySetOption } from '../../native-bindings/socket.js';

export interface TcpOptions {
  readonly noDelay: boolean;
  /** Idle time before the first keep-alive probe; 0: none. */
  readonly keepAliveMs: number;
}

/** Probes follow at the interval of the first; this many unanswered ones end the connection. */
export const KEEP_ALIVE_PROBES = 3;

/** Turns Nagle's algorithm off: a relay passes on what it has at once. */
export function setNoDelay(fd: number): void {
  trySetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

/**
 * Lets acknowledgements wait for data to go with them, which the kernel by itself does only after some exchanges. After listen(2) it is
 * inherited by the connections that are accepted.
 */
export function delayAcks(fd: number): void {
  trySetOption(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
}

/**
 * Before connect(2): holds the acknowledgement back that ends the handshake, so that the server is woken by the first bytes, not once before
 * them. For connections on which we are the first to send, and soon. That is what TCP_DEFER_ACCEPT is on the side that connects, and unlike
 * TCP_QUICKACK, which does it as well, it stays for the socket's next connection.
 */
export function holdHandshake(fd: number, hold: boolean): void {
  trySetOption(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, hold ? 1 : 0);
}

/** @param idleMs before the first probe, and between probes; rounded to whole seconds, at least one */
export function setKeepAlive(fd: number, idleMs: number): void {
  const seconds = Math.max(1, Math.round(idleMs / 1000));
  trySetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  trySetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  trySetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
  trySetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_ALIVE_PROBES);
}
