/**
 * One UDP port of the server, on the one reactor that owns it: so that sessions and their windows are in one place. It opens what clients
 * send and gives it to their associations; what cannot be opened changes nothing and is answered by nothing.
 */

import { ByteTable, hasKey } from '../net/byte-table.js';
import { type DatagramHandler, UdpSocket } from '../net/udp-socket.js';
import { AssociationTable } from '../relay/association-table.js';
import type { RelayContext } from '../relay/context.js';
import { rejectionName, type ServerPacketProtocol, type ServerPacketSession } from '../shadowsocks/packet-protocol.js';
import type { Destinations } from './destinations.js';
import { UdpAssociation } from './udp-association.js';
import type { UdpPortContext } from './udp-port-context.js';

export interface UdpPortOptions {
  readonly udpTimeoutMs: number;
  readonly udpMaxAssociations: number;
}

export class UdpPort implements DatagramHandler {
  readonly #context: UdpPortContext;
  readonly #protocol: ServerPacketProtocol;
  readonly #socket: UdpSocket;
  readonly #byAddress = new ByteTable<UdpAssociation>();
  readonly #bySession = new Map<ServerPacketSession, UdpAssociation>();
  /** Whose packet was the last: so is the next, as a rule. */
  #last: UdpAssociation | undefined = undefined;

  /** @param fd bound, which it takes over */
  constructor(
    relay: RelayContext,
    fd: number,
    protocol: ServerPacketProtocol,
    destinations: Destinations,
    options: UdpPortOptions,
  ) {
    const { reactor } = relay;
    const table = new AssociationTable(reactor, options.udpTimeoutMs, options.udpMaxAssociations, (error) =>
      relay.reportBug(error),
    );
    const forget = (association: UdpAssociation): void => this.#forget(association);
    const { answersFrom } = protocol;
    this.#context = { relay, packets: relay.packets, destinations, table, answersFrom, portFd: fd, forget };
    this.#protocol = protocol;
    this.#socket = new UdpSocket(reactor, fd, relay.packets.receiver, this);
  }

  handleDatagrams(count: number): void {
    const { packets } = this.#context;
    const { batch, receiver } = packets;
    for (batch.begin(count); batch.next(); ) {
      if (batch.count > 1) this.#protocol.expect?.(receiver.region, batch.starts, batch.count);
      for (let i = 0; i < batch.count; i++) this.#take(batch.slots[i], batch.starts[i], batch.lengths[i]);
    }
    packets.flush();
  }

  #take(slot: number, at: number, length: number): void {
    const { packets, relay, table } = this.#context;
    const { region } = packets.receiver;
    const opened = this.#protocol.open(region, at, length, packets.output, packets.outputAt);
    if (opened < 0) {
      relay.packetCounters.drops[rejectionName(opened)]++;
      return;
    }
    const { openedAt, openedSession } = this.#protocol;
    const association =
      this.#protocol.clientsBy === 'session'
        ? this.#ofSession(openedSession, slot)
        : this.#ofAddress(openedSession, slot);
    association.heardIn(slot);
    table.touch(association);
    association.forward(openedAt, openedAt + opened);
  }

  #ofSession(session: ServerPacketSession, slot: number): UdpAssociation {
    let association = this.#last;
    if (association === undefined || association.session !== session) association = this.#bySession.get(session);
    if (association === undefined) {
      association = this.#begin(session, slot);
      this.#bySession.set(session, association);
    }
    this.#last = association;
    return association;
  }

  #ofAddress(session: ServerPacketSession, slot: number): UdpAssociation {
    const { receiver } = this.#context.packets;
    const { bytes } = receiver.region;
    const nameAt = receiver.nameOffset(slot);
    const nameLength = receiver.nameLength(slot);
    let association = this.#last;
    if (association === undefined || !hasKey(association, bytes, nameAt, nameLength)) {
      association = this.#byAddress.find(bytes, nameAt, nameLength);
    }
    if (association === undefined) {
      association = this.#begin(session, slot);
      this.#byAddress.add(association);
    }
    association.session = session;
    this.#last = association;
    return association;
  }

  #begin(session: ServerPacketSession, slot: number): UdpAssociation {
    const association = new UdpAssociation(this.#context, session, slot);
    this.#context.table.add(association);
    return association;
  }

  #forget(association: UdpAssociation): void {
    if (this.#last === association) this.#last = undefined;
    if (this.#protocol.clientsBy === 'session') this.#bySession.delete(association.session);
    else this.#byAddress.remove(association);
  }

  handleUndelivered(): void {
    this.#context.relay.packetCounters.drops.refused++;
  }

  /** A packet met a bug: it is lost, the port goes on. */
  handleFailure(error: unknown): void {
    this.#context.packets.clear();
    this.#context.relay.reportBug(error);
  }

  /** Closes the port and ends its associations: nothing could be answered any more. Idempotent. */
  close(): void {
    this.#context.table.endAll('stopped');
    this.#context.packets.flushOf(this.#socket.fd);
    this.#socket.close();
  }
}
