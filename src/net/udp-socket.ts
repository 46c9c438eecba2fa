/**
 * A UDP socket on the reactor. It is level-triggered: one call takes all that has come, as a rule, and what it leaves is reported again when
 * the others have had their turn.
 */

import {
  EPOLLIN,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_RCVBUF,
  SO_SNDBUF,
  SOCK_DGRAM,
  SOL_SOCKET,
} from '../../native-bindings/constants.js';
import { type DatagramReceiver, receiveLocalAddresses, receiveRuns } from '../../native-bindings/datagram-receiver.js';
import { EAGAIN, SysError } from '../../native-bindings/errno.js';
import type { InetSocketAddress } from '../../native-bindings/sockaddr.js';
import { bind, close, setOption, socket, trySetOption, trySocket } from '../../native-bindings/socket.js';
import type { EventHandler, Reactor } from '../reactor/reactor.js';

/**
 * What the kernel may keep until it is received. By default it is some 200 short datagrams, fewer than one window of a fast sender. More than
 * net.core.rmem_max is not given.
 */
export const PORT_BUFFER_BYTES = 4 * 1024 * 1024;
/** Of one association; there may be thousands. */
export const ASSOCIATION_BUFFER_BYTES = 512 * 1024;

/** ICMP errors that are taken off a socket before the others have their turn. */
const RECEIVES_A_TURN = 8;

/**
 * Opens a socket that others send to.
 * @param bufferBytes `PORT_BUFFER_BYTES` or `ASSOCIATION_BUFFER_BYTES`
 * @returns its descriptor
 * @throws SysError EADDRINUSE, EACCES, EADDRNOTAVAIL, …
 */
export function openUdpPort(address: InetSocketAddress, bufferBytes: number): number {
  const fd = socket(address.family, SOCK_DGRAM);
  try {
    // [::] means both families, as with TCP, whatever net.ipv6.bindv6only says.
    if (address.family === 6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    setBuffers(fd, bufferBytes);
    // Answers have to come from where the question went to, and of several addresses the kernel would choose one.
    if (address.bytes.every((byte) => byte === 0)) receiveLocalAddresses(fd, address.family);
    bind(fd, address);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Opens a socket to send from, whose port the kernel chooses. @returns its descriptor, or a negative errno */
export function tryOpenUdpSocket(family: 4 | 6): number {
  const fd = trySocket(family, SOCK_DGRAM);
  if (fd < 0) return fd;
  if (family === 6) trySetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  setBuffers(fd, ASSOCIATION_BUFFER_BYTES);
  return fd;
}

function setBuffers(fd: number, bytes: number): void {
  trySetOption(fd, SOL_SOCKET, SO_RCVBUF, bytes);
  trySetOption(fd, SOL_SOCKET, SO_SNDBUF, bytes);
}

export interface DatagramHandler {
  /** The first `count` slots of the receiver have something, until this returns. */
  handleDatagrams(count: number): void;
  /** An earlier datagram could not be delivered; only a connected socket is told. */
  handleUndelivered(errno: number): void;
  /** A bug; end what belongs to this socket. */
  handleFailure(error: unknown): void;
}

export class UdpSocket implements EventHandler {
  readonly fd: number;
  readonly #reactor: Reactor;
  readonly #receiver: DatagramReceiver;
  readonly #handler: DatagramHandler;
  #open = true;

  /** @param fd which it takes over, unless this throws (SysError) */
  constructor(reactor: Reactor, fd: number, receiver: DatagramReceiver, handler: DatagramHandler) {
    this.#reactor = reactor;
    this.fd = fd;
    this.#receiver = receiver;
    this.#handler = handler;
    receiveRuns(fd);
    reactor.register(fd, EPOLLIN, this);
  }

  /** As the constructor, for a socket of our own making. @returns undefined where the kernel refuses to watch it; it is closed then */
  static orClose(
    reactor: Reactor,
    fd: number,
    receiver: DatagramReceiver,
    handler: DatagramHandler,
  ): UdpSocket | undefined {
    try {
      return new UdpSocket(reactor, fd, receiver, handler);
    } catch (error) {
      close(fd);
      if (error instanceof SysError) return undefined;
      throw error;
    }
  }

  handleEvents(_events: number): void {
    for (let i = 0; i < RECEIVES_A_TURN && this.#open; i++) {
      const count = this.#receiver.receive(this.fd);
      if (count > 0) {
        this.#handler.handleDatagrams(count);
        return;
      }
      if (count === -EAGAIN) return;
      this.#handler.handleUndelivered(-count);
    }
  }

  handleFailure(error: unknown): void {
    this.#handler.handleFailure(error);
  }

  /** Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#reactor.closeDescriptor(this.fd);
  }
}
