/**
 * A SOCKS5 program's UDP association (RFC 1928 §7): a socket for that program alone, on the address at which it reached the client, and a link
 * to the server. Datagrams are those of the program's machine and, from the first one on, of one of its ports; all else is dropped without
 * a word, as are fragments. It lives as long as the connection that asked for it.
 *
 *   program ── RSV RSV FRAG | address | payload ──► here ── sealed ──► server
 */

import type { DatagramReceiver } from '../../native-bindings/datagram-receiver.js';
import { EMFILE, ENOTCONN, SysError } from '../../native-bindings/errno.js';
import { SOCKADDR_IN6 } from '../../native-bindings/layouts.js';
import {
  decodeSocketAddress,
  encodeInet,
  type InetSocketAddress,
  type SocketAddress,
} from '../../native-bindings/sockaddr.js';
import { connectInet, localAddress, peerAddress } from '../../native-bindings/socket.js';
import { type IpAddress, sameIpAddress, unmapIpv4 } from '../net/ip-address.js';
import { peerText } from '../net/peer-text.js';
import { expectedTargetLength, type Target } from '../net/target.js';
import { ASSOCIATION_BUFFER_BYTES, type DatagramHandler, openUdpPort, UdpSocket } from '../net/udp-socket.js';
import type { Association, AssociationEnd, AssociationTable } from '../relay/association-table.js';
import type { DropReason } from '../relay/packet-counters.js';
import type { BoundEndpoint } from '../socks/reply.js';
import { BAD_UDP_HEADER, readUdpHeader, UDP_HEADER_LENGTH, writeUdpHeader } from '../socks/udp-header.js';
import type { UdpInlet } from './local-context.js';
import { PacketLink, type PacketLinkContext, type PacketLinkOwner } from './packet-link.js';

export interface UdpAssociationOwner {
  /** It has ended by itself. */
  associationEnded(reason: AssociationEnd): void;
}

/**
 * Begins the association that the program at the other end of a control connection asks for.
 * @param target DST: the address from which it will send, all zeros where it does not know. Some programs name the host that they want to reach
 * instead, so it counts only where it can be meant.
 * @throws SysError where there is no socket to be had
 */
export function beginAssociation(
  { link, table }: UdpInlet,
  owner: UdpAssociationOwner,
  controlFd: number,
  target: Target,
): UdpAssociation {
  const local = localAddress(controlFd);
  const peer = peerAddress(controlFd);
  // A connection that has been reset has no peer any more.
  if (!isInet(local) || !isInet(peer)) throw new SysError('getpeername', ENOTCONN);
  const { family, bytes } = unmapIpv4(peer);
  const isOwn = target.kind === 'ip' && isOwnAddress(unmapIpv4(target.address), { family, bytes });
  const program = { family, bytes, port: isOwn ? target.port : 0 };
  return new UdpAssociation(link, table, owner, unmapIpv4(local), program);
}

function isInet(address: SocketAddress | undefined): address is InetSocketAddress {
  return address !== undefined && address.family !== 'unix';
}

function isOwnAddress(named: IpAddress, peer: IpAddress): boolean {
  return sameIpAddress(named, peer) || named.bytes.every((byte) => byte === 0);
}

export class UdpAssociation implements Association, DatagramHandler, PacketLinkOwner {
  lastActiveMs = 0;
  older: Association | undefined = undefined;
  newer: Association | undefined = undefined;
  bytesUp = 0;
  bytesDown = 0;
  /** Where the program is to send to. */
  readonly bound: BoundEndpoint;
  readonly #context: PacketLinkContext;
  readonly #table: AssociationTable;
  readonly #owner: UdpAssociationOwner;
  readonly #link: PacketLink;
  readonly #socket: UdpSocket;
  readonly #address: Uint8Array;
  /** Encoded `sockaddr` of the program; its port is 0 until it is known. */
  readonly #program: Uint8Array;
  readonly #portAt = SOCKADDR_IN6.portOffset;
  readonly #startMs: number;
  #pinned = false;
  #over = false;

  /**
   * @param local where the control connection ends on this machine
   * @param program the program's address; its port 0 where it did not say from which it will send
   * @throws SysError where there is no socket to be had
   */
  constructor(
    context: PacketLinkContext,
    table: AssociationTable,
    owner: UdpAssociationOwner,
    local: IpAddress,
    program: InetSocketAddress,
  ) {
    this.#context = context;
    this.#table = table;
    this.#owner = owner;
    const { relay, packets } = context;
    this.#startMs = relay.reactor.nowMs;
    const fd = openUdpPort({ family: local.family, bytes: local.bytes, port: 0 }, ASSOCIATION_BUFFER_BYTES);
    const socket = UdpSocket.orClose(relay.reactor, fd, packets.receiver, this);
    if (socket === undefined) throw new SysError('epoll_ctl', EMFILE);
    this.#socket = socket;
    const own = localAddress(fd);
    this.bound = { address: local, port: own === undefined || own.family === 'unix' ? 0 : own.port };
    const name = new Uint8Array(SOCKADDR_IN6.size);
    this.#address = program.bytes;
    this.#program = name.subarray(0, encodeInet(name, 0, program.bytes, program.port));
    this.#link = new PacketLink(context, this);
    if (program.port !== 0) this.#pin();
    const { packetCounters } = relay;
    packetCounters.associations++;
    packetCounters.activeAssociations++;
    table.add(this);
  }

  /** From now on the kernel drops what others send, and answers need no address. */
  #pin(): void {
    const name = this.#program;
    const port = (name[this.#portAt] << 8) | name[this.#portAt + 1];
    // Should the kernel refuse, the next datagram tries again.
    this.#pinned = connectInet(this.#socket.fd, this.#address, port) === 0;
  }

  handleDatagrams(count: number): void {
    const { packets, relay } = this.#context;
    const { receiver } = packets;
    for (let slot = 0; slot < count; slot++) {
      if (this.#isProgram(receiver, slot)) this.#takeSlot(receiver, slot);
      else relay.packetCounters.drops.source++;
    }
    packets.flush();
    if (!this.#over) this.#table.touch(this);
  }

  /** Its address must be the program's, its port as well once there was a datagram. */
  #isProgram(receiver: DatagramReceiver, slot: number): boolean {
    const name = this.#program;
    const { bytes } = receiver.region;
    const at = receiver.nameOffset(slot);
    const portAt = this.#portAt;
    if (receiver.nameLength(slot) !== name.length) return false;
    for (let i = 0; i < name.length; i++) {
      const isPort = i === portAt || i === portAt + 1;
      if (name[i] !== bytes[at + i] && !(isPort && !this.#pinned)) return false;
    }
    if (this.#pinned) return true;
    name[portAt] = bytes[at + portAt];
    name[portAt + 1] = bytes[at + portAt + 1];
    this.#pin();
    return true;
  }

  #takeSlot(receiver: DatagramReceiver, slot: number): void {
    const segment = receiver.segmentLength(slot);
    let at = receiver.payloadOffset(slot);
    const end = at + receiver.length(slot);
    do {
      this.#take(receiver, at, Math.min(segment, end - at));
      at += segment;
    } while (at < end);
  }

  #take(receiver: DatagramReceiver, at: number, length: number): void {
    const { packetCounters } = this.#context.relay;
    const end = at + length;
    const targetLength = readUdpHeader(receiver.region.bytes, at, end);
    if (targetLength < 0) {
      packetCounters.drops[dropReasonOf(targetLength)]++;
      return;
    }
    const targetAt = at + UDP_HEADER_LENGTH;
    const payloadLength = end - targetAt - targetLength;
    this.bytesUp += payloadLength;
    packetCounters.bytesUp += payloadLength;
    this.#link.send(receiver, targetAt, end - targetAt);
  }

  handleAnswer(at: number, length: number): void {
    const { packets, relay } = this.#context;
    const { bytes } = packets.output;
    const from = writeUdpHeader(bytes, at);
    const payloadLength = Math.max(0, length - expectedTargetLength(bytes, at, at + length));
    this.bytesDown += payloadLength;
    relay.packetCounters.bytesDown += payloadLength;
    packets.send(this.#socket.fd, from, at + length - from, this.#pinned ? undefined : this.#program);
  }

  handleAnswersEnd(): void {
    this.#context.packets.flush();
    if (!this.#over) this.#table.touch(this);
  }

  /** The program has closed its socket, or had it closed when an answer came. */
  handleUndelivered(): void {
    this.#context.relay.packetCounters.drops.refused++;
  }

  handleFailure(error: unknown): void {
    this.#context.packets.clear();
    this.#context.relay.reportBug(error);
    this.end('failed');
  }

  end(reason: AssociationEnd): void {
    if (this.#over) return;
    this.#over = true;
    const { relay, packets } = this.#context;
    this.#table.remove(this);
    packets.flushOf(this.#socket.fd);
    this.#socket.close();
    this.#link.close();
    relay.packetCounters.activeAssociations--;
    if (relay.log.enabled('info')) this.#log(reason);
    this.#owner.associationEnded(reason);
  }

  #log(reason: AssociationEnd): void {
    const { relay } = this.#context;
    relay.log.write('info', 'association', {
      client: peerText(decodeSocketAddress(this.#program, 0, this.#program.length)),
      reason,
      packetsUp: this.#link.packetsUp,
      packetsDown: this.#link.packetsDown,
      up: this.bytesUp,
      down: this.bytesDown,
      ms: Math.round(relay.reactor.nowMs - this.#startMs),
    });
  }
}

function dropReasonOf(badHeader: number): DropReason {
  if (badHeader === BAD_UDP_HEADER.fragment) return 'fragment';
  return badHeader === BAD_UDP_HEADER.address ? 'address' : 'malformed';
}
