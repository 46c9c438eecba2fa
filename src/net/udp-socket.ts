/**
 * A UDP socket that is connected to one peer: the kernel then drops datagrams from anyone else, gives it a random source port, and reports
 * ICMP errors as errno of the next call.
 */

import { EPOLLIN, MSG_NOSIGNAL, SOCK_DGRAM } from '../../native-bindings/constants.js';
import type { Region } from '../../native-bindings/memory.js';
import type { InetSocketAddress } from '../../native-bindings/sockaddr.js';
import { close, connectInet, recv, send, trySocket } from '../../native-bindings/socket.js';
import type { EventHandler, Reactor } from '../reactor/reactor.js';

export class UdpSocket {
  readonly #reactor: Reactor;
  readonly #fd: number;
  #open = true;

  private constructor(reactor: Reactor, fd: number) {
    this.#reactor = reactor;
    this.#fd = fd;
  }

  /**
   * @param handler called (level-triggered) while a datagram or an error waits
   * @returns the socket, or a negative errno (no descriptor, no route)
   */
  static connect(reactor: Reactor, peer: InetSocketAddress, handler: EventHandler): UdpSocket | number {
    const fd = trySocket(peer.family, SOCK_DGRAM);
    if (fd < 0) return fd;
    const result = connectInet(fd, peer.bytes, peer.port);
    if (result < 0) {
      close(fd);
      return result;
    }
    reactor.register(fd, EPOLLIN, handler);
    return new UdpSocket(reactor, fd);
  }

  /** @returns bytes of the datagram, cut to `length`, or a negative errno (−EAGAIN, −ECONNREFUSED, …) */
  receive(region: Region, offset: number, length: number): number {
    return recv(this.#fd, region, offset, length, 0);
  }

  /** @returns bytes sent, or a negative errno */
  send(region: Region, offset: number, length: number): number {
    return send(this.#fd, region, offset, length, MSG_NOSIGNAL);
  }

  /** Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#reactor.closeDescriptor(this.#fd);
  }
}
