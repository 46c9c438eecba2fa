/**
 * sendmmsg(2): many datagrams a system call, and one message for a run of datagrams of equal length to one destination (UDP_SEGMENT, udp(7)),
 * which the kernel carries through its layers as one and cuts at the end. Packets are written one behind the other into this memory, and sent
 * from where they are.
 */

import { copyShort, fillShort } from './bytes.js';
import {
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_PKTINFO,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  UDP_SEGMENT,
} from './constants.js';
import { EAGAIN, EINVAL, EIO, EMSGSIZE, ENOBUFS, lastErrno } from './errno.js';
import { CMSGHDR, IN_PKTINFO, IN6_PKTINFO, IOVEC, MMSGHDR, MSGHDR, SOCKADDR_STORAGE_SIZE } from './layouts.js';
import { Region, readWord64, writeWord64 } from './memory.js';
import { ADDRESS, bind } from './platform.js';

const sendmmsg = bind('sendmmsg', 'int', ['int', ADDRESS, 'uint32_t', 'int']);

/** UDP_MAX_SEGMENTS of Linux before 6.9. */
const MAX_RUN_PACKETS = 64;
/** A run is one datagram to the kernel until it is cut. */
const MAX_RUN_BYTES = 65_000;
/**
 * A run's packets must each fit the path's MTU; longer ones are sent one by one, and the kernel fragments them. That of an Ethernet to begin
 * with, less the headers of IPv6 and UDP.
 */
const LONGEST_IN_RUN = 1452;
/** CMSG_SPACE of the length of a run's packets, and behind it of a local address. */
const RUN_SPACE = CMSGHDR.size + 8;
const LOCAL_SPACE = CMSGHDR.size + 24;
const CONTROL_LENGTH = RUN_SPACE + LOCAL_SPACE;
const SEGMENT_CONTROL_LENGTH = CMSGHDR.dataOffset + 2;

/** Who learns of packets that the kernel refused. */
export interface SendWatcher {
  handleUnsent(packets: number, errno: number): void;
}

export class DatagramSender {
  readonly region: Region;
  /** Packets are written from here on, in `region`. There is room for one of the longest. */
  nextAt: number;
  /** Packets that wait for `send`. */
  count = 0;
  readonly #maxPackets: number;
  readonly #longest: number;
  readonly #headersAt: number;
  readonly #vectorsAt: number;
  readonly #controlsAt: number;
  readonly #namesAt: number;
  readonly #packetsAt: number;
  readonly #headers: number;
  #messages = 0;
  /** Packets of the last message. */
  #runLength = 0;
  #runBytes = 0;
  /** Length of each of them; 0: the run has ended. */
  #runPacketLength = 0;
  #runName: Uint8Array | undefined = undefined;
  #longestInRun = LONGEST_IN_RUN;

  /**
   * @param maxPackets that may wait
   * @param longest bytes that one packet may take while it is written
   */
  constructor(maxPackets: number, longest: number) {
    this.#maxPackets = maxPackets;
    this.#longest = longest;
    const perPacket = MMSGHDR.size + IOVEC.size + CONTROL_LENGTH + SOCKADDR_STORAGE_SIZE;
    this.region = new Region(maxPackets * (perPacket + 2048) + 2 * longest + 256);
    this.#headersAt = this.region.reserve(maxPackets * MMSGHDR.size);
    this.#vectorsAt = this.region.reserve(maxPackets * IOVEC.size);
    this.#controlsAt = this.region.reserve(maxPackets * CONTROL_LENGTH);
    this.#namesAt = this.region.reserve(maxPackets * SOCKADDR_STORAGE_SIZE);
    this.#packetsAt = this.region.reserve(longest, 64);
    this.nextAt = this.#packetsAt;
    this.#headers = this.region.at(this.#headersAt, maxPackets * MMSGHDR.size);
    const { words } = this.region;
    for (let i = 0; i < maxPackets; i++) {
      const control = this.#controlsAt + i * CONTROL_LENGTH;
      writeWord64(words, control + CMSGHDR.lengthOffset, SEGMENT_CONTROL_LENGTH);
      words[(control + CMSGHDR.levelOffset) >> 2] = IPPROTO_UDP;
      words[(control + CMSGHDR.typeOffset) >> 2] = UDP_SEGMENT;
    }
  }

  /** Nothing more may be added before `send` or `clear`. */
  get full(): boolean {
    return this.count === this.#maxPackets || this.nextAt + this.#longest > this.region.size;
  }

  /**
   * Adds the packet `region[at, at + length)`, which was written at `nextAt` or a little behind it.
   * @param name encoded `sockaddr` of the destination; absent on a connected socket. Packets with the same array go to the same place.
   * @param local 4 or 16 bytes of the address to send from, the same for the same `name`; absent where the kernel may choose
   */
  add(at: number, length: number, name: Uint8Array | undefined, local?: Uint8Array): void {
    if (this.full) throw new RangeError('more packets than a sender has room for');
    const { words, base } = this.region;
    const vector = this.#vectorsAt + this.count * IOVEC.size;
    writeWord64(words, vector + IOVEC.baseOffset, base + at);
    words[(vector + IOVEC.lengthOffset) >> 2] = length;
    if (this.#continues(length, name)) {
      this.#runLength++;
      this.#runBytes += length;
      words[(this.#headerOf(this.#messages - 1) + MSGHDR.iovLengthOffset) >> 2] = this.#runLength;
      // A shorter one ends the run.
      if (length < this.#runPacketLength) this.#runPacketLength = 0;
    } else {
      this.#beginMessage(vector, length, name, local);
    }
    this.count++;
    this.nextAt = at + length;
  }

  #continues(length: number, name: Uint8Array | undefined): boolean {
    return (
      this.#messages > 0 &&
      this.#runName === name &&
      length <= this.#runPacketLength &&
      length > 0 &&
      this.#runLength < MAX_RUN_PACKETS &&
      this.#runBytes + length <= MAX_RUN_BYTES
    );
  }

  #beginMessage(vector: number, length: number, name: Uint8Array | undefined, local: Uint8Array | undefined): void {
    const { words, bytes, base } = this.region;
    this.#endRun();
    const header = this.#headerOf(this.#messages);
    let nameAt = 0;
    if (name !== undefined) {
      const at = this.#namesAt + this.#messages * SOCKADDR_STORAGE_SIZE;
      copyShort(name, 0, name.length, bytes, at);
      nameAt = base + at;
    }
    writeWord64(words, header + MSGHDR.nameOffset, nameAt);
    words[(header + MSGHDR.nameLengthOffset) >> 2] = name === undefined ? 0 : name.length;
    writeWord64(words, header + MSGHDR.iovOffset, base + vector);
    words[(header + MSGHDR.iovLengthOffset) >> 2] = 1;
    const control = this.#controlsAt + this.#messages * CONTROL_LENGTH;
    writeWord64(words, header + MSGHDR.controlOffset, base + control + RUN_SPACE);
    const localSpace = local === undefined ? 0 : this.#writeLocal(control + RUN_SPACE, local);
    words[(header + MSGHDR.controlLengthOffset) >> 2] = localSpace;
    words[(control + CMSGHDR.dataOffset) >> 2] = length;
    this.#messages++;
    this.#runName = name;
    this.#runLength = 1;
    this.#runBytes = length;
    this.#runPacketLength = length <= this.#longestInRun ? length : 0;
  }

  /** Writes which address to send from. @returns how much of a control buffer that takes */
  #writeLocal(at: number, local: Uint8Array): number {
    const { words, bytes } = this.region;
    const isIpv4 = local.length === 4;
    const layout = isIpv4 ? IN_PKTINFO : IN6_PKTINFO;
    fillShort(words, 0, at >> 2, (at + LOCAL_SPACE) >> 2);
    words[(at + CMSGHDR.lengthOffset) >> 2] = CMSGHDR.dataOffset + layout.size;
    words[(at + CMSGHDR.levelOffset) >> 2] = isIpv4 ? IPPROTO_IP : IPPROTO_IPV6;
    words[(at + CMSGHDR.typeOffset) >> 2] = isIpv4 ? IP_PKTINFO : IPV6_PKTINFO;
    copyShort(local, 0, local.length, bytes, at + CMSGHDR.dataOffset + layout.addressOffset);
    return CMSGHDR.size + Math.ceil(layout.size / 8) * 8;
  }

  /** Tells the kernel about a run, once it is known to be one. */
  #endRun(): void {
    if (this.#runLength >= 2) this.#shiftControl(this.#messages - 1, RUN_SPACE);
  }

  /** Puts what tells of a run into a message's control buffer, or takes it out. @param space `RUN_SPACE`, or that less than none */
  #shiftControl(message: number, space: number): void {
    const { words } = this.region;
    const header = this.#headerOf(message);
    const control = readWord64(words, header + MSGHDR.controlOffset);
    writeWord64(words, header + MSGHDR.controlOffset, control - space);
    words[(header + MSGHDR.controlLengthOffset) >> 2] += space;
  }

  #headerOf(message: number): number {
    return this.#headersAt + message * MMSGHDR.size;
  }

  /** Sends all that waits; what the kernel refuses is told and dropped. @returns how many packets it took */
  send(fd: number, watcher: SendWatcher): number {
    this.#endRun();
    const messages = this.#messages;
    let taken = 0;
    for (let first = 0; first < messages; ) {
      const from = this.#headers + first * MMSGHDR.size;
      const sent = sendmmsg(fd, from, messages - first, MSG_DONTWAIT | MSG_NOSIGNAL);
      for (let i = 0; i < sent; i++) taken += this.#packetsOf(first + i);
      first += Math.max(0, sent);
      if (sent > 0) continue;
      const errno = lastErrno();
      if (errno === EAGAIN || errno === ENOBUFS) {
        // There is no room, nor will there be for the others.
        watcher.handleUnsent(this.#packetsFrom(first), errno);
        break;
      }
      taken += this.#sendRefused(fd, first++, errno, watcher);
    }
    this.clear();
    return taken;
  }

  #packetsOf(message: number): number {
    return this.region.words[(this.#headerOf(message) + MSGHDR.iovLengthOffset) >> 2];
  }

  #packetsFrom(message: number): number {
    let packets = 0;
    for (let i = message; i < this.#messages; i++) packets += this.#packetsOf(i);
    return packets;
  }

  /** A message that was refused: a run may go in pieces. @returns how many of its packets were taken */
  #sendRefused(fd: number, message: number, errno: number, watcher: SendWatcher): number {
    const packets = this.#packetsOf(message);
    if (packets === 1 || !(errno === EINVAL || errno === EIO || errno === EMSGSIZE)) {
      watcher.handleUnsent(packets, errno);
      return 0;
    }
    const { words } = this.region;
    const header = this.#headerOf(message);
    const vector = readWord64(words, header + MSGHDR.iovOffset);
    const segment = words[(this.#controlsAt + message * CONTROL_LENGTH + CMSGHDR.dataOffset) >> 2];
    // EINVAL: longer than the path's MTU. EIO: the device cannot do it at all.
    this.#longestInRun = errno === EIO ? 0 : Math.min(this.#longestInRun, segment - 1);
    this.#shiftControl(message, -RUN_SPACE);
    words[(header + MSGHDR.iovLengthOffset) >> 2] = 1;
    let taken = 0;
    for (let i = 0; i < packets; i++) {
      writeWord64(words, header + MSGHDR.iovOffset, vector + i * IOVEC.size);
      if (sendmmsg(fd, this.#headers + message * MMSGHDR.size, 1, MSG_DONTWAIT | MSG_NOSIGNAL) === 1) taken++;
      else watcher.handleUnsent(1, lastErrno());
    }
    return taken;
  }

  /** Forgets what waits. */
  clear(): void {
    this.count = 0;
    this.nextAt = this.#packetsAt;
    this.#messages = 0;
    this.#runLength = 0;
    this.#runPacketLength = 0;
    this.#runName = undefined;
  }

  release(): void {
    this.region.release();
  }
}
