/**
 * A tunnel's UDP port: whatever any local program sends to it goes to one destination behind the server, and what comes back to that program.
 * It is owned by one reactor, so that each program has one session.
 */

import { copyShort } from '../../native-bindings/bytes.js';
import { decodeSocketAddress } from '../../native-bindings/sockaddr.js';
import { ByteTable, type ByteTableEntry, hasKey } from '../net/byte-table.js';
import { peerText } from '../net/peer-text.js';
import { encodeTarget, expectedTargetLength, formatTarget, type Target, targetLength } from '../net/target.js';
import { UdpPeerAddress } from '../net/udp-peer.js';
import { type DatagramHandler, UdpSocket } from '../net/udp-socket.js';
import type { Association, AssociationEnd, AssociationTable } from '../relay/association-table.js';
import { PacketLink, type PacketLinkContext, type PacketLinkOwner } from './packet-link.js';

export class UdpTunnel implements DatagramHandler {
  readonly context: PacketLinkContext;
  readonly table: AssociationTable;
  readonly forward: Target;
  readonly #socket: UdpSocket;
  readonly #header: Uint8Array;
  readonly #programs = new ByteTable<TunnelAssociation>();
  #last: TunnelAssociation | undefined = undefined;

  /** @param fd bound, which it takes over */
  constructor(context: PacketLinkContext, fd: number, forward: Target, table: AssociationTable) {
    const { relay, packets } = context;
    this.context = context;
    this.forward = forward;
    this.#header = new Uint8Array(targetLength(forward));
    encodeTarget(forward, this.#header, 0);
    this.table = table;
    this.#socket = new UdpSocket(relay.reactor, fd, packets.receiver, this);
  }

  get fd(): number {
    return this.#socket.fd;
  }

  handleDatagrams(count: number): void {
    const { receiver } = this.context.packets;
    for (let slot = 0; slot < count; slot++) {
      const association = this.#ofSlot(slot);
      association.heardIn(slot);
      this.table.touch(association);
      const segment = receiver.segmentLength(slot);
      let at = receiver.payloadOffset(slot);
      const end = at + receiver.length(slot);
      do {
        this.#take(association, at, Math.min(segment, end - at));
        at += segment;
      } while (at < end);
    }
    this.context.packets.flush();
  }

  #ofSlot(slot: number): TunnelAssociation {
    const { receiver } = this.context.packets;
    const { bytes } = receiver.region;
    const nameAt = receiver.nameOffset(slot);
    const nameLength = receiver.nameLength(slot);
    let association = this.#last;
    if (association === undefined || !hasKey(association, bytes, nameAt, nameLength)) {
      association = this.#programs.find(bytes, nameAt, nameLength);
    }
    if (association === undefined) {
      association = new TunnelAssociation(this, slot);
      this.table.add(association);
      this.#programs.add(association);
    }
    this.#last = association;
    return association;
  }

  #take(association: TunnelAssociation, at: number, length: number): void {
    const { receiver } = this.context.packets;
    const header = this.#header;
    // In front of the payload: what stood there has been sealed already.
    copyShort(header, 0, header.length, receiver.region.bytes, at - header.length);
    association.send(at - header.length, length + header.length, length);
  }

  forget(association: TunnelAssociation): void {
    if (this.#last === association) this.#last = undefined;
    this.#programs.remove(association);
  }

  handleUndelivered(): void {
    this.context.relay.packetCounters.drops.refused++;
  }

  handleFailure(error: unknown): void {
    this.context.packets.clear();
    this.context.relay.reportBug(error);
  }

  /** Closes the port and ends its associations. Idempotent. */
  close(): void {
    this.table.endAll('stopped');
    this.context.packets.flushOf(this.#socket.fd);
    this.#socket.close();
  }
}

/** One program that uses the tunnel. */
class TunnelAssociation implements Association, ByteTableEntry, PacketLinkOwner {
  lastActiveMs = 0;
  older: Association | undefined = undefined;
  newer: Association | undefined = undefined;
  nextOfHash: this | undefined = undefined;
  /** Encoded `sockaddr` of the program. */
  readonly key: Uint8Array;
  readonly #tunnel: UdpTunnel;
  readonly #program: UdpPeerAddress;
  readonly #link: PacketLink;
  readonly #startMs: number;
  #bytesUp = 0;
  #bytesDown = 0;
  #over = false;

  constructor(tunnel: UdpTunnel, slot: number) {
    this.#tunnel = tunnel;
    this.#program = new UdpPeerAddress(tunnel.context.packets.receiver, slot);
    this.key = this.#program.name;
    const { relay } = tunnel.context;
    this.#startMs = relay.reactor.nowMs;
    this.#link = new PacketLink(tunnel.context, this);
    relay.packetCounters.associations++;
    relay.packetCounters.activeAssociations++;
  }

  heardIn(slot: number): void {
    this.#program.note(this.#tunnel.context.packets.receiver, slot);
  }

  send(at: number, length: number, payloadLength: number): void {
    const { packets, relay } = this.#tunnel.context;
    this.#bytesUp += payloadLength;
    relay.packetCounters.bytesUp += payloadLength;
    this.#link.send(packets.receiver, at, length);
  }

  handleAnswer(at: number, length: number): void {
    const { packets, relay } = this.#tunnel.context;
    const headerLength = expectedTargetLength(packets.output.bytes, at, at + length);
    if (headerLength > length) {
      relay.packetCounters.drops.address++;
      return;
    }
    this.#bytesDown += length - headerLength;
    relay.packetCounters.bytesDown += length - headerLength;
    packets.send(this.#tunnel.fd, at + headerLength, length - headerLength, this.#program.name, this.#program.local);
  }

  handleAnswersEnd(): void {
    this.#tunnel.context.packets.flush();
    if (!this.#over) this.#tunnel.table.touch(this);
  }

  handleFailure(error: unknown): void {
    this.#tunnel.context.relay.reportBug(error);
    this.end('failed');
  }

  end(reason: AssociationEnd): void {
    if (this.#over) return;
    this.#over = true;
    const { relay } = this.#tunnel.context;
    this.#link.close();
    this.#tunnel.table.remove(this);
    this.#tunnel.forget(this);
    relay.packetCounters.activeAssociations--;
    if (!relay.log.enabled('info')) return;
    relay.log.write('info', 'association', {
      client: peerText(decodeSocketAddress(this.key, 0, this.key.length)),
      target: formatTarget(this.#tunnel.forward),
      reason,
      packetsUp: this.#link.packetsUp,
      packetsDown: this.#link.packetsDown,
      up: this.#bytesUp,
      down: this.#bytesDown,
      ms: Math.round(relay.reactor.nowMs - this.#startMs),
    });
  }
}
