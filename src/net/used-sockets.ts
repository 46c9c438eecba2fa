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

export class UsedSockets implements EventHandler, TimeoutHandler {
  readonly #reactor: Reactor;
  /** The addresses that it allows are those on whose way somebody may watch. */
  readonly #watched: EgressPolicy | undefined;
  readonly #descriptors: number[] = [];
  readonly #addresses: IpAddress[] = [];
  readonly #ports: number[] = [];
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
    return this.#descriptors.length;
  }

  /** To be asked by every dial. @returns a descriptor that is registered and not connected, or −1 */
  take(address: IpAddress, port: number): number {
    this.#count();
    const addresses = this.#addresses;
    for (let i = addresses.length - 1; i >= 0; i--) {
      if (this.#ports[i] !== port || (addresses[i] !== address && !sameIpAddress(addresses[i], address))) continue;
      const fd = this.#remove(i);
      if (disconnect(fd)) return fd;
      this.#reactor.closeDescriptor(fd);
    }
    return -1;
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

  #remove(index: number): number {
    const fd = this.#descriptors[index];
    const last = this.#descriptors.length - 1;
    this.#descriptors[index] = this.#descriptors[last];
    this.#addresses[index] = this.#addresses[last];
    this.#ports[index] = this.#ports[last];
    this.#descriptors.pop();
    this.#addresses.pop();
    this.#ports.pop();
    if (last === 0) this.#reactor.cancel(this.#expiry);
    return fd;
  }

  /**
   * Offers a registered descriptor on which both FINs have been seen.
   * @param address that it was connected to, as was `port`
   * @param movedBytes received and sent
   * @returns whether it is kept; otherwise it is the caller's to close
   */
  keep(fd: number, address: IpAddress, port: number, movedBytes: number): boolean {
    if (!this.#busy || this.#descriptors.length === MAX_USED_SOCKETS) return false;
    if (movedBytes > MAX_USED_SOCKET_BYTES || this.#watched?.allows(address)) return false;
    // Our FIN may be on its way still. To take such a socket would be to drop it.
    if (isConnected(fd)) return false;
    this.#reactor.handOver(fd, this);
    this.#descriptors.push(fd);
    this.#addresses.push(address);
    this.#ports.push(port);
    if (this.#descriptors.length === 1) this.#reactor.arm(this.#expiry, USED_SOCKETS_KEPT_MS);
    return true;
  }

  /** Of a connection that is over. */
  handleEvents(): void {}

  handleTimeout(): void {
    this.close();
  }

  handleFailure(): void {}

  /** Closes those that are kept. */
  close(): void {
    this.#reactor.cancel(this.#expiry);
    for (const fd of this.#descriptors) this.#reactor.closeDescriptor(fd);
    this.#descriptors.length = 0;
    this.#addresses.length = 0;
    this.#ports.length = 0;
  }
}
