/**
 * recvmmsg(2) and sendmmsg(2): many datagrams a system call. The message headers are laid out once; a call only fills in lengths.
 */

import { lastErrno } from './errno.js';
import { IOVEC, MMSGHDR, MSGHDR, SOCKADDR_STORAGE_SIZE } from './layouts.js';
import { Region } from './memory.js';
import { ADDRESS, bind } from './platform.js';
import { decodeSocketAddress, encodeInet, type SocketAddress } from './sockaddr.js';

const c = {
  recvmmsg: bind('recvmmsg', 'int', ['int', ADDRESS, 'uint32_t', 'int', ADDRESS]),
  sendmmsg: bind('sendmmsg', 'int', ['int', ADDRESS, 'uint32_t', 'int']),
} as const;

/** An unsigned 64-bit field, as two words; addresses and lengths stay below 2^53. */
function writeWord64(words: Int32Array, byteOffset: number, value: number): void {
  words[byteOffset / 4] = value | 0;
  words[byteOffset / 4 + 1] = Math.floor(value / 2 ** 32);
}

/** A batch of datagram slots with a payload and a peer each. */
export class DatagramBatch {
  readonly slots: number;
  readonly slotSize: number;
  /** Payloads and peers live here; `payloadOffset(i)` says where. */
  readonly region: Region;
  readonly #headersAt: number;
  readonly #vectorsAt: number;
  readonly #namesAt: number;
  readonly #payloadsAt: number;

  /**
   * @param slots datagrams a call
   * @param slotSize bytes of payload a datagram; a longer one is cut by the kernel
   */
  constructor(slots: number, slotSize: number) {
    this.slots = slots;
    this.slotSize = Math.ceil(slotSize / 16) * 16;
    const perSlot = MMSGHDR.size + IOVEC.size + SOCKADDR_STORAGE_SIZE + this.slotSize;
    this.region = new Region(slots * perSlot + 64);
    this.#headersAt = this.region.reserve(slots * MMSGHDR.size);
    this.#vectorsAt = this.region.reserve(slots * IOVEC.size);
    this.#namesAt = this.region.reserve(slots * SOCKADDR_STORAGE_SIZE);
    this.#payloadsAt = this.region.reserve(slots * this.slotSize);
    const { words, base } = this.region;
    for (let i = 0; i < slots; i++) {
      const header = this.#headersAt + i * MMSGHDR.size;
      const vector = this.#vectorsAt + i * IOVEC.size;
      writeWord64(words, header + MSGHDR.nameOffset, base + this.#namesAt + i * SOCKADDR_STORAGE_SIZE);
      writeWord64(words, header + MSGHDR.iovOffset, base + vector);
      writeWord64(words, header + MSGHDR.iovLengthOffset, 1);
      writeWord64(words, vector + IOVEC.baseOffset, base + this.payloadOffset(i));
    }
  }

  payloadOffset(slot: number): number {
    return this.#payloadsAt + slot * this.slotSize;
  }

  /** Bytes that the kernel moved for a slot in the last call. */
  length(slot: number): number {
    return this.region.words[(this.#headersAt + slot * MMSGHDR.size + MMSGHDR.lengthOffset) / 4];
  }

  /** Who sent the datagram of a slot. */
  peer(slot: number): SocketAddress | undefined {
    const length = this.region.words[(this.#headersAt + slot * MMSGHDR.size + MSGHDR.nameLengthOffset) / 4];
    return decodeSocketAddress(this.region.bytes, this.#namesAt + slot * SOCKADDR_STORAGE_SIZE, length);
  }

  /**
   * Prepares a slot for `send`; the payload is already at `payloadOffset(slot)`.
   * @param bytes 4 or 16 bytes of the destination's address; `undefined` on a connected socket
   */
  prepare(slot: number, payloadLength: number, bytes: Uint8Array | undefined, port: number): void {
    if (payloadLength > this.slotSize)
      throw new RangeError(`${payloadLength} bytes do not fit a slot of ${this.slotSize}`);
    const { words } = this.region;
    const name = this.#namesAt + slot * SOCKADDR_STORAGE_SIZE;
    const nameLength = bytes === undefined ? 0 : encodeInet(this.region.bytes, name, bytes, port);
    const header = this.#headersAt + slot * MMSGHDR.size;
    words[(header + MSGHDR.nameLengthOffset) / 4] = nameLength;
    writeWord64(words, this.#vectorsAt + slot * IOVEC.size + IOVEC.lengthOffset, payloadLength);
  }

  /** @returns how many datagrams came (up to `slots`), or a negative errno */
  receive(fd: number, flags: number): number {
    const { words } = this.region;
    for (let i = 0; i < this.slots; i++) {
      words[(this.#headersAt + i * MMSGHDR.size + MSGHDR.nameLengthOffset) / 4] = SOCKADDR_STORAGE_SIZE;
      writeWord64(words, this.#vectorsAt + i * IOVEC.size + IOVEC.lengthOffset, this.slotSize);
    }
    const headers = this.region.at(this.#headersAt, this.slots * MMSGHDR.size);
    const count = c.recvmmsg(fd, headers, this.slots, flags, 0);
    return count < 0 ? -lastErrno() : count;
  }

  /**
   * @param first the first prepared slot
   * @param count how many slots from there
   * @returns how many the kernel took, or a negative errno that concerns the first one
   */
  send(fd: number, first: number, count: number, flags: number): number {
    if (first + count > this.slots)
      throw new RangeError(`a batch of ${this.slots} slots has none at ${first + count - 1}`);
    const headers = this.region.at(this.#headersAt + first * MMSGHDR.size, count * MMSGHDR.size);
    const sent = c.sendmmsg(fd, headers, count, flags);
    return sent < 0 ? -lastErrno() : sent;
  }

  release(): void {
    this.region.release();
  }
}
