/**
 * recvmmsg(2): many datagrams a system call. The message headers are laid out once; a call only resets what the kernel overwrote. What one
 * sender sent at once may come as one run of datagrams of equal length (UDP_GRO, udp(7)), of which the last may be shorter.
 */

import {
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_PKTINFO,
  IPV6_RECVPKTINFO,
  MSG_DONTWAIT,
  UDP_GRO,
} from './constants.js';
import { orErrno } from './errno.js';
import { CMSGHDR, IN_PKTINFO, IN6_PKTINFO, IOVEC, MMSGHDR, MSGHDR, SOCKADDR_STORAGE_SIZE } from './layouts.js';
import { Region, writeWord64 } from './memory.js';
import { ADDRESS, bind } from './platform.js';
import { decodeSocketAddress, type SocketAddress } from './sockaddr.js';
import { trySetOption } from './socket.js';

const recvmmsg = bind('recvmmsg', 'int', ['int', ADDRESS, 'uint32_t', 'int', ADDRESS]);

/** The largest payload of a datagram, and of a run, has 65,507 bytes over IPv4 and 65,527 over IPv6. */
export const LONGEST_DATAGRAM = 65_536;
/** CMSG_SPACE of the length of a run's datagrams, an int, and of a local address. */
const RUN_SPACE = CMSGHDR.size + 8;
const CONTROL_LENGTH = RUN_SPACE + CMSGHDR.size + 24;
/**
 * Slots that were a power of two apart would all meet in the same few lines of the processor's caches, so they are a bit further: 17 lines.
 */
const STAGGER = 17 * 64;

/** Has runs of datagrams handed out as runs, where the kernel can (Linux 5.0). */
export function receiveRuns(fd: number): void {
  trySetOption(fd, IPPROTO_UDP, UDP_GRO, 1);
}

/** Has told which of this machine's addresses a datagram was sent to. */
export function receiveLocalAddresses(fd: number, family: 4 | 6): void {
  if (family === 4) trySetOption(fd, IPPROTO_IP, IP_PKTINFO, 1);
  else trySetOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

/** Slots for what one call receives: a payload, or a run of them, and its sender. Their contents last until the next call. */
export class DatagramReceiver {
  readonly slots: number;
  /** Payloads and senders are here. */
  readonly region: Region;
  readonly #headersAt: number;
  readonly #controlsAt: number;
  readonly #namesAt: number;
  readonly #payloadsAt: number;
  readonly #slotSize: number;
  readonly #headers: number;
  /** Slots that the kernel has written to since they were reset. */
  #used: number;

  /**
   * @param slots datagrams a call
   * @param headroom bytes in front of each payload that are the caller's
   */
  constructor(slots: number, headroom: number) {
    this.slots = slots;
    this.#slotSize = LONGEST_DATAGRAM + STAGGER;
    while (this.#slotSize < LONGEST_DATAGRAM + headroom) this.#slotSize += 2 * STAGGER;
    const perSlot = MMSGHDR.size + IOVEC.size + CONTROL_LENGTH + SOCKADDR_STORAGE_SIZE + this.#slotSize;
    this.region = new Region(slots * perSlot + 256);
    this.#headersAt = this.region.reserve(slots * MMSGHDR.size);
    const vectorsAt = this.region.reserve(slots * IOVEC.size);
    this.#controlsAt = this.region.reserve(slots * CONTROL_LENGTH);
    this.#namesAt = this.region.reserve(slots * SOCKADDR_STORAGE_SIZE);
    this.#payloadsAt = this.region.reserve(slots * this.#slotSize, 64) + this.#slotSize - LONGEST_DATAGRAM;
    this.#headers = this.region.at(this.#headersAt, slots * MMSGHDR.size);
    const { words, base } = this.region;
    for (let i = 0; i < slots; i++) {
      const header = this.#headersAt + i * MMSGHDR.size;
      const vector = vectorsAt + i * IOVEC.size;
      writeWord64(words, header + MSGHDR.nameOffset, base + this.nameOffset(i));
      writeWord64(words, header + MSGHDR.iovOffset, base + vector);
      writeWord64(words, header + MSGHDR.iovLengthOffset, 1);
      writeWord64(words, header + MSGHDR.controlOffset, base + this.#controlsAt + i * CONTROL_LENGTH);
      writeWord64(words, vector + IOVEC.baseOffset, base + this.payloadOffset(i));
      writeWord64(words, vector + IOVEC.lengthOffset, LONGEST_DATAGRAM);
    }
    this.#used = slots;
  }

  payloadOffset(slot: number): number {
    return this.#payloadsAt + slot * this.#slotSize;
  }

  /** Where the sender's `sockaddr` is. */
  nameOffset(slot: number): number {
    return this.#namesAt + slot * SOCKADDR_STORAGE_SIZE;
  }

  nameLength(slot: number): number {
    return this.region.words[(this.#headersAt + slot * MMSGHDR.size + MSGHDR.nameLengthOffset) >> 2];
  }

  /** Bytes of a slot's datagram, or of all datagrams of its run. */
  length(slot: number): number {
    return this.region.words[(this.#headersAt + slot * MMSGHDR.size + MMSGHDR.lengthOffset) >> 2];
  }

  /** Bytes of each datagram of a slot but the last, which may have fewer; those of the only one where there is no run. */
  segmentLength(slot: number): number {
    const { words } = this.region;
    const controlLength = words[(this.#headersAt + slot * MMSGHDR.size + MSGHDR.controlLengthOffset) >> 2];
    if (controlLength < CMSGHDR.dataOffset + 4) return this.length(slot);
    const control = (this.#controlsAt + slot * CONTROL_LENGTH) >> 2;
    const isRun =
      words[control + (CMSGHDR.levelOffset >> 2)] === IPPROTO_UDP &&
      words[control + (CMSGHDR.typeOffset >> 2)] === UDP_GRO;
    return isRun ? words[control + (CMSGHDR.dataOffset >> 2)] : this.length(slot);
  }

  /** Where the local address is that a slot's datagrams were sent to; −1 where it is not told. */
  localOffset(slot: number): number {
    const { words } = this.region;
    const controlLength = words[(this.#headersAt + slot * MMSGHDR.size + MSGHDR.controlLengthOffset) >> 2];
    let at = this.#controlsAt + slot * CONTROL_LENGTH;
    if (controlLength < RUN_SPACE) return -1;
    // What tells of a run comes first.
    if (words[(at + CMSGHDR.levelOffset) >> 2] === IPPROTO_UDP) at += RUN_SPACE;
    if (at + CMSGHDR.size > this.#controlsAt + slot * CONTROL_LENGTH + controlLength) return -1;
    const level = words[(at + CMSGHDR.levelOffset) >> 2];
    const type = words[(at + CMSGHDR.typeOffset) >> 2];
    if (level === IPPROTO_IP && type === IP_PKTINFO) return at + CMSGHDR.dataOffset + IN_PKTINFO.addressOffset;
    if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) return at + CMSGHDR.dataOffset + IN6_PKTINFO.addressOffset;
    return -1;
  }

  /** Who sent a slot's datagrams; an object, so not for the path of a packet. */
  peer(slot: number): SocketAddress | undefined {
    return decodeSocketAddress(this.region.bytes, this.nameOffset(slot), this.nameLength(slot));
  }

  /** @returns how many slots have something now, from the first on, or a negative errno */
  receive(fd: number): number {
    const { words } = this.region;
    for (let i = 0; i < this.#used; i++) {
      const header = (this.#headersAt + i * MMSGHDR.size) >> 2;
      words[header + (MSGHDR.nameLengthOffset >> 2)] = SOCKADDR_STORAGE_SIZE;
      words[header + (MSGHDR.controlLengthOffset >> 2)] = CONTROL_LENGTH;
    }
    const count = orErrno(recvmmsg(fd, this.#headers, this.slots, MSG_DONTWAIT, 0));
    this.#used = Math.max(0, count);
    return count;
  }

  release(): void {
    this.region.release();
  }
}
