/**
 * The memory that all datagrams of a reactor pass through: received in one place, sealed or opened into another, sent from there. Packets for
 * one socket gather until another socket's come, or the batch that was received has been worked through; then they go in one call.
 */

import { DatagramReceiver, LONGEST_DATAGRAM } from '../../native-bindings/datagram-receiver.js';
import { DatagramSender, type SendWatcher } from '../../native-bindings/datagram-sender.js';
import { MAX_TARGET_LENGTH } from '../net/target.js';
import { PACKET_HEADER_ROOM, PACKET_OVERHEAD } from '../shadowsocks/packet-protocol.js';
import { UDP_HEADER_LENGTH } from '../socks/udp-header.js';
import { PacketBatch } from './packet-batch.js';
import { dropReason, type PacketCounters } from './packet-counters.js';

/** Datagrams of one receive, and of one send at most. */
export const PACKETS_A_CALL = 64;

/** In front of what is received: an address, and what sealing puts in front of that. */
const HEADROOM = PACKET_HEADER_ROOM + MAX_TARGET_LENGTH + 5;
const LONGEST_WRITTEN = LONGEST_DATAGRAM + HEADROOM + PACKET_OVERHEAD;

export class PacketWorkspace implements SendWatcher {
  readonly receiver = new DatagramReceiver(PACKETS_A_CALL, HEADROOM);
  /** Of what the receiver has. */
  readonly batch = new PacketBatch(this.receiver);
  readonly #sender = new DatagramSender(PACKETS_A_CALL, LONGEST_WRITTEN);
  readonly #counters: PacketCounters;
  /** Whose packets wait. */
  #fd = -1;

  constructor(counters: PacketCounters) {
    this.#counters = counters;
  }

  /** Where what is sent is written, from `outputAt` on. */
  get output() {
    return this.#sender.region;
  }

  /** A few bytes behind where the next packet may begin, so that there is room for a header in front of what is opened. */
  get outputAt(): number {
    return this.#sender.nextAt + UDP_HEADER_LENGTH;
  }

  /**
   * Sends `output[at, at + length)`, which was just written, from a socket: now or when others have come.
   * @param name encoded `sockaddr` of the destination, absent on a connected socket; the same array for the same destination
   * @param local address to send from, absent where the kernel may choose
   */
  send(fd: number, at: number, length: number, name: Uint8Array | undefined, local?: Uint8Array): void {
    if (fd !== this.#fd) {
      if (this.#sender.count > 0) this.flush();
      this.#fd = fd;
    }
    this.#sender.add(at, length, name, local);
    if (this.#sender.full) this.flush();
  }

  /** Hands what waits to the kernel. */
  flush(): void {
    if (this.#sender.count > 0) this.#sender.send(this.#fd, this);
  }

  /** To be called before a socket is closed: another one may get its number. */
  flushOf(fd: number): void {
    if (fd === this.#fd) {
      this.flush();
      this.#fd = -1;
    }
  }

  handleUnsent(packets: number, errno: number): void {
    this.#counters.drops[dropReason(errno)] += packets;
  }

  /** After a bug: nothing that is half done goes out. */
  clear(): void {
    this.#sender.clear();
  }

  release(): void {
    this.receiver.release();
    this.#sender.release();
  }
}
