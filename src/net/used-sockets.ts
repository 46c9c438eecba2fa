/**
 * Sockets whose connections have ended on both sides, kept for the next connections to the same address and port. While many are dialed, making a
 * socket, watching it and closing it is a good part of what a short connection costs; connect(2) to AF_UNSPEC lets an old one connect anew.
 *
 * To the same address and port only: the kernel begins the next connection's sequence numbers a little behind the last one's, which is no secret
 * from whoever had the last one, and must be one from anybody else. An observer can see by them that the two connections belong together:
 * so none is used again on the way to a Shadowsocks server elsewhere. One that carried much is closed, because its buffers
 * keep the size that they grew to. While few are dialed none is kept, so that what is open then is what is in use.
 */

import { disconnect, isConnected } from '../../native-bindings/socket.js';
import type { EventHandler, Reactor } from '../reactor/reactor.js';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';
import type { EgressPolicy } from './egress-policy.js';
import { type IpAddress, sameIpAddress } from './ip-address.js';

/** A socket, and what it is or was connected to. While it is kept its events come to itself, who has no use for them. */
export interface DialedSocket extends EventHandler {
  readonly fd: number;
  readonly address: IpAddress;
  readonly port: number;
}

/** Kept by one dialer at most. */
export const MAX_USED_SOCKETS = 32;
/** Of a connection, both ways: with so little the kernel has not let its buffers grow. */
export const MAX_USED_SOCKET_BYTES = 64 * 1024;
/** Dials are counted for so long; then the count says whether many are dialed. */
export const DIALS_COUNTED_MS = 100;
/** In that time: 200 a second. */
export const MANY_DIALS = 20;
/** All of them are closed this long after the first one was kept. */
export const USED_SOCKETS_KEPT_MS = 500;

export class UsedSockets<Socket extends DialedSocket> implements TimeoutHandler {
  readonly #reactor: Reactor;
  /** The addresses that it allows are those on whose way somebody may watch. */
  readonly #watched: EgressPolicy | undefined;
  readonly #kept: Socket[] = [];
  readonly #expiry: Timer = new Timer(this);
  #countedSinceMs = Number.NEGATIVE_INFINITY;
  #dials = 0;
  #dialsBefore = 0;

  /** @param watched no socket is used again for an address that it allows; undefined: for any */
  constructor(reactor: Reactor, watched: EgressPolicy | undefined) {
    this.#reactor = reactor;
    this.#watched = watched;
  }

  get size(): number {
    return this.#kept.length;
  }

  /** To be asked by every dial. @returns one that is registered and not connected */
  take(address: IpAddress, port: number): Socket | undefined {
    this.#count();
    for (let i = this.#kept.length - 1; i >= 0; i--) {
      const socket = this.#kept[i];
      if (socket.port !== port || (socket.address !== address && !sameIpAddress(socket.address, address))) continue;
      this.#remove(i);
      if (disconnect(socket.fd)) return socket;
      this.#reactor.closeDescriptor(socket.fd);
    }
    return undefined;
  }

  #count(): void {
    const { nowMs } = this.#reactor;
    const elapsedMs = nowMs - this.#countedSinceMs;
    if (elapsedMs >= DIALS_COUNTED_MS) {
      this.#dialsBefore = elapsedMs < 2 * DIALS_COUNTED_MS ? this.#dials : 0;
      this.#dials = 0;
      this.#countedSinceMs = nowMs;
    }
    this.#dials++;
  }

  /** There were many dials in the time that was counted last, and that was just now. */
  get #busy(): boolean {
    return this.#dialsBefore >= MANY_DIALS && this.#reactor.nowMs - this.#countedSinceMs < 2 * DIALS_COUNTED_MS;
  }

  #remove(index: number): void {
    const kept = this.#kept;
    kept[index] = kept[kept.length - 1];
    kept.pop();
    if (kept.length === 0) this.#reactor.cancel(this.#expiry);
  }

  /**
   * Offers one that is registered and has seen both FINs.
   * @param movedBytes received and sent
   * @returns whether it is kept; otherwise it is the caller's to close
   */
  keep(socket: Socket, movedBytes: number): boolean {
    if (!this.#busy || this.#kept.length === MAX_USED_SOCKETS) return false;
    if (movedBytes > MAX_USED_SOCKET_BYTES || this.#watched?.allows(socket.address)) return false;
    // Our FIN may be on its way still. To take such a socket would be to drop it.
    if (isConnected(socket.fd)) return false;
    this.#reactor.handOver(socket.fd, socket);
    this.#kept.push(socket);
    if (this.#kept.length === 1) this.#reactor.arm(this.#expiry, USED_SOCKETS_KEPT_MS);
    return true;
  }

  handleTimeout(): void {
    this.close();
  }

  handleFailure(): void {}

  /** Closes those that are kept. */
  close(): void {
    this.#reactor.cancel(this.#expiry);
    for (const { fd } of this.#kept) this.#reactor.closeDescriptor(fd);
    this.#kept.length = 0;
  }
}
