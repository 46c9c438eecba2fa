/**
 * One client of the server's UDP port: the sockets that its datagrams leave from, one for each family of addresses and the same for all
 * destinations, so that whoever learns of its address can answer (full cone). What comes in there is sealed and goes back to where the client
 * was heard last.
 */

import { copyShort } from '../../native-bindings/bytes.js';
import { AF_INET } from '../../native-bindings/constants.js';
import type { DatagramReceiver } from '../../native-bindings/datagram-receiver.js';
import { SOCKADDR_IN, SOCKADDR_IN6 } from '../../native-bindings/layouts.js';
import { decodeSocketAddress } from '../../native-bindings/sockaddr.js';
import type { ByteTableEntry } from '../net/byte-table.js';
import { peerText } from '../net/peer-text.js';
import { formatTarget } from '../net/target.js';
import { UdpPeerAddress } from '../net/udp-peer.js';
import { type DatagramHandler, tryOpenUdpSocket, UdpSocket } from '../net/udp-socket.js';
import type { Association, AssociationEnd } from '../relay/association-table.js';
import type { ServerPacketSession } from '../shadowsocks/packet-protocol.js';
import type { Destination, WaitingPacket } from './destinations.js';
import type { UdpPortContext } from './udp-port-context.js';

const IPV4_TARGET_LENGTH = 7;
const IPV6_TARGET_LENGTH = 19;

export class UdpAssociation implements Association, ByteTableEntry, DatagramHandler {
  lastActiveMs = 0;
  older: Association | undefined = undefined;
  newer: Association | undefined = undefined;
  nextOfHash: this | undefined = undefined;
  /** Encoded `sockaddr` of the client: where it was heard first. */
  readonly key: Uint8Array;
  session: ServerPacketSession;
  readonly #context: UdpPortContext;
  readonly #startMs: number;
  /** Where it was heard last. */
  readonly #client: UdpPeerAddress;
  #ipv4: UdpSocket | undefined = undefined;
  #ipv6: UdpSocket | undefined = undefined;
  #last: Destination | undefined = undefined;
  #first: Destination | undefined = undefined;
  #packetsUp = 0;
  #packetsDown = 0;
  #bytesUp = 0;
  #bytesDown = 0;
  #over = false;

  /** @param slot whose packet is its first */
  constructor(context: UdpPortContext, session: ServerPacketSession, slot: number) {
    this.#context = context;
    this.session = session;
    this.#client = new UdpPeerAddress(context.packets.receiver, slot);
    this.key = this.#client.name;
    this.#startMs = context.relay.reactor.nowMs;
    const { packetCounters } = context.relay;
    packetCounters.associations++;
    packetCounters.activeAssociations++;
  }

  get over(): boolean {
    return this.#over;
  }

  /** A valid packet of it is in a slot: answers go from now on to where that came from. */
  heardIn(slot: number): void {
    this.#client.note(this.#context.packets.receiver, slot);
  }

  /** Passes on the plaintext `output[at, end)` of the port's workspace: an address, then the payload. */
  forward(at: number, end: number): void {
    const { packets, destinations, relay } = this.#context;
    const { bytes } = packets.output;
    let destination = this.#last;
    if (destination === undefined || !startsWith(bytes, at, end, destination.key)) {
      destination = destinations.find(bytes, at, end);
      if (destination === undefined) {
        relay.packetCounters.drops.address++;
        return;
      }
      this.#last = destination;
      this.#first ??= destination;
    }
    destinations.refresh(destination);
    const payloadAt = at + destination.key.length;
    if (destination.name !== undefined) this.#send(destination, payloadAt, end - payloadAt);
    else if (destination.refusal !== undefined) relay.packetCounters.drops[destination.refusal]++;
    else this.#wait(destination, bytes.slice(payloadAt, end));
  }

  #wait(destination: Destination, payload: Uint8Array): void {
    const packet: WaitingPacket = { payload, proceed: (settled) => this.#proceed(settled, payload) };
    if (!this.#context.destinations.wait(destination, packet)) this.#context.relay.packetCounters.drops.waiting++;
  }

  /** A packet has waited; the workspace is nobody's at this time. */
  #proceed(destination: Destination, payload: Uint8Array): void {
    const { packets, relay } = this.#context;
    if (this.#over) return;
    if (destination.name === undefined) {
      relay.packetCounters.drops[destination.refusal ?? 'resolve']++;
      return;
    }
    const at = packets.outputAt;
    packets.output.bytes.set(payload, at);
    this.#send(destination, at, payload.length);
    packets.flush();
  }

  #send(destination: Destination, at: number, length: number): void {
    const { packets, relay } = this.#context;
    const socket = this.#socket(destination.family);
    if (socket === undefined) {
      relay.packetCounters.drops.limit++;
      return;
    }
    const { packetCounters } = relay;
    this.#packetsUp++;
    this.#bytesUp += length;
    packetCounters.packetsUp++;
    packetCounters.bytesUp += length;
    packets.send(socket.fd, at, length, destination.name);
  }

  #socket(family: 4 | 6): UdpSocket | undefined {
    const open = family === 4 ? this.#ipv4 : this.#ipv6;
    if (open !== undefined) return open;
    const fd = tryOpenUdpSocket(family);
    if (fd < 0) return undefined;
    const { relay, packets } = this.#context;
    const socket = UdpSocket.orClose(relay.reactor, fd, packets.receiver, this);
    if (family === 4) this.#ipv4 = socket;
    else this.#ipv6 = socket;
    return socket;
  }

  /** Answers. */
  handleDatagrams(count: number): void {
    const { packets, table } = this.#context;
    const { receiver } = packets;
    for (let slot = 0; slot < count; slot++) this.#answer(receiver, slot);
    packets.flush();
    if (!this.#over) table.touch(this);
  }

  #answer(receiver: DatagramReceiver, slot: number): void {
    const { region } = receiver;
    const segment = receiver.segmentLength(slot);
    const first = receiver.payloadOffset(slot);
    const end = first + receiver.length(slot);
    const nameAt = receiver.nameOffset(slot);
    if (!this.#mayAnswer(region.bytes, nameAt, receiver.nameLength(slot))) {
      this.#context.relay.packetCounters.drops.source++;
      return;
    }
    let at = first;
    do {
      const length = Math.min(segment, end - at);
      // In front of the payload: what stood there has been sealed already.
      const from = writeSource(region.bytes, at, nameAt);
      this.#seal(from, at + length - from, length);
      at += segment;
    } while (at < end);
  }

  #mayAnswer(bytes: Uint8Array, nameAt: number, nameLength: number): boolean {
    if (this.#context.answersFrom === 'anyone') return true;
    const name = this.#last?.name;
    return name?.length === nameLength && startsWith(bytes, nameAt, nameAt + nameLength, name);
  }

  #seal(from: number, length: number, payloadLength: number): void {
    const { packets, relay, portFd } = this.#context;
    const to = packets.outputAt;
    const sealed = this.session.seal(packets.receiver.region, from, length, packets.output, to);
    packets.send(portFd, to, sealed, this.#client.name, this.#client.local);
    const { packetCounters } = relay;
    this.#packetsDown++;
    this.#bytesDown += payloadLength;
    packetCounters.packetsDown++;
    packetCounters.bytesDown += payloadLength;
  }

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
    const { relay, table, packets, forget } = this.#context;
    for (const socket of [this.#ipv4, this.#ipv6]) {
      if (socket === undefined) continue;
      packets.flushOf(socket.fd);
      socket.close();
    }
    table.remove(this);
    forget(this);
    this.session.release();
    relay.packetCounters.activeAssociations--;
    this.#countUser();
    if (relay.log.enabled('info')) this.#log(reason);
  }

  #countUser(): void {
    const { user } = this.session;
    if (user === '') return;
    const own = this.#context.relay.counters.ofUser(user);
    own.bytesUp += this.#bytesUp;
    own.bytesDown += this.#bytesDown;
  }

  #log(reason: AssociationEnd): void {
    const { relay } = this.#context;
    const { name } = this.#client;
    relay.log.write('info', 'association', {
      client: peerText(decodeSocketAddress(name, 0, name.length)),
      ...(this.session.user === '' ? {} : { user: this.session.user }),
      target: this.#first === undefined ? '' : formatTarget(this.#first.target),
      reason,
      packetsUp: this.#packetsUp,
      packetsDown: this.#packetsDown,
      up: this.#bytesUp,
      down: this.#bytesDown,
      ms: Math.round(relay.reactor.nowMs - this.#startMs),
    });
  }
}

function startsWith(bytes: Uint8Array, at: number, end: number, key: Uint8Array): boolean {
  if (end - at < key.length) return false;
  for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) return false;
  return true;
}

/** Writes the address of the `sockaddr` at `bytes[nameAt]` in front of `bytes[at]`. @returns where it begins */
function writeSource(bytes: Uint8Array, at: number, nameAt: number): number {
  const isIpv4 = bytes[nameAt] === AF_INET;
  const layout = isIpv4 ? SOCKADDR_IN : SOCKADDR_IN6;
  const from = at - (isIpv4 ? IPV4_TARGET_LENGTH : IPV6_TARGET_LENGTH);
  const addressLength = isIpv4 ? 4 : 16;
  bytes[from] = isIpv4 ? 1 : 4;
  copyShort(bytes, nameAt + layout.addressOffset, addressLength, bytes, from + 1);
  bytes[at - 2] = bytes[nameAt + layout.portOffset];
  bytes[at - 1] = bytes[nameAt + layout.portOffset + 1];
  return from;
}
