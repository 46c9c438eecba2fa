/**
 * One local address's way to the server over UDP: a connected socket of its own, so that the kernel lets in what comes from the server alone
 * and tells of its refusals, and a session of the protocol. The first packets wait while the server's name is looked up.
 */

import type { DatagramReceiver } from '../../native-bindings/datagram-receiver.js';
import { close, connectInet } from '../../native-bindings/socket.js';
import type { IpAddress } from '../net/ip-address.js';
import type { Lookup, NameResolver, ResolvedName } from '../net/name-resolver.js';
import type { Target } from '../net/target.js';
import { type DatagramHandler, tryOpenUdpSocket, UdpSocket } from '../net/udp-socket.js';
import type { RelayContext } from '../relay/context.js';
import { dropReason } from '../relay/packet-counters.js';
import type { PacketWorkspace } from '../relay/packet-workspace.js';
import { type ClientPacketProtocol, type ClientPacketSession, rejectionName } from '../shadowsocks/packet-protocol.js';

/** A server that carries UDP. */
export interface PacketUpstream {
  readonly target: Target;
  readonly protocol: ClientPacketProtocol;
}

/** What all links of a reactor share. */
export interface PacketLinkContext {
  readonly relay: RelayContext;
  readonly packets: PacketWorkspace;
  readonly resolver: NameResolver;
  readonly upstream: PacketUpstream;
  readonly ipv6First: boolean;
}

export interface PacketLinkOwner {
  /** A packet came from the server: an address and a payload at `output[at, at + length)` of the workspace. */
  handleAnswer(at: number, length: number): void;
  /** What `handleAnswer` was called for is to be sent now. */
  handleAnswersEnd(): void;
  /** A bug; end what this link belongs to. */
  handleFailure(error: unknown): void;
}

/** Packets that wait for the server's address. */
export const MAX_WAITING_PACKETS = 8;
/** After a look-up, or a socket, that failed. */
export const LINK_RETRY_MS = 1_000;

export class PacketLink implements DatagramHandler {
  packetsUp = 0;
  packetsDown = 0;
  readonly #context: PacketLinkContext;
  readonly #owner: PacketLinkOwner;
  readonly #session: ClientPacketSession;
  #socket: UdpSocket | undefined = undefined;
  #lookup: Lookup | undefined = undefined;
  #waiting: Uint8Array[] = [];
  /** No attempt before. */
  #retryMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(context: PacketLinkContext, owner: PacketLinkOwner) {
    this.#context = context;
    this.#owner = owner;
    this.#session = context.upstream.protocol.newSession();
  }

  /** Sends the plaintext `input[at, at + length)` of the receiver, whose headroom is free. */
  send(receiver: DatagramReceiver, at: number, length: number): void {
    this.#connect();
    if (this.#socket !== undefined) this.#seal(this.#socket.fd, receiver, at, length);
    else this.#wait(receiver.region.bytes.slice(at, at + length));
  }

  #seal(fd: number, receiver: DatagramReceiver, at: number, length: number): void {
    const { packets, relay } = this.#context;
    const to = packets.outputAt;
    const sealed = this.#session.seal(receiver.region, at, length, packets.output, to);
    packets.send(fd, to, sealed, undefined);
    this.packetsUp++;
    relay.packetCounters.packetsUp++;
  }

  /** Begins to connect where nothing is connected or under way. */
  #connect(): void {
    const { relay, resolver, upstream } = this.#context;
    if (this.#socket !== undefined || this.#lookup !== undefined || relay.reactor.nowMs < this.#retryMs) return;
    const { target } = upstream;
    if (target.kind === 'ip') {
      this.#open([target.address]);
      return;
    }
    let answered = false;
    const lookup = resolver.resolve(target.name, (answer) => {
      answered = true;
      this.#take(answer);
    });
    if (!answered) this.#lookup = lookup;
  }

  #take(answer: ResolvedName): void {
    const waited = this.#lookup !== undefined;
    this.#lookup = undefined;
    if (this.#closed) return;
    if (answer.status === 'ok') this.#open(answer.addresses);
    else this.#giveUp(answer.code);
    // Not now: the answer may come while somebody else's packet is being worked on.
    if (waited && this.#waiting.length > 0) this.#context.relay.reactor.defer(new WaitingPackets(this, this.#owner));
  }

  #open(addresses: readonly IpAddress[]): void {
    const { relay, packets, upstream, ipv6First } = this.#context;
    const wanted = ipv6First ? 6 : 4;
    const address = addresses.find(({ family }) => family === wanted) ?? addresses[0];
    const fd = tryOpenUdpSocket(address.family);
    const connected = fd < 0 ? fd : connectInet(fd, address.bytes, upstream.target.port);
    if (connected < 0) {
      if (fd >= 0) close(fd);
      this.#giveUp(dropReason(-connected));
      return;
    }
    this.#socket = UdpSocket.orClose(relay.reactor, fd, packets.receiver, this);
    if (this.#socket === undefined) this.#giveUp('limit');
  }

  #giveUp(reason: string): void {
    const { relay, upstream } = this.#context;
    this.#retryMs = relay.reactor.nowMs + LINK_RETRY_MS;
    const { target } = upstream;
    const server = target.kind === 'name' ? `${target.name}:${target.port}` : `port ${target.port}`;
    relay.log.write('warn', 'the server cannot be reached over UDP', { server, reason });
  }

  #wait(plaintext: Uint8Array): void {
    const { drops } = this.#context.relay.packetCounters;
    if (this.#lookup === undefined) drops.unreachable++;
    else if (this.#waiting.length >= MAX_WAITING_PACKETS) drops.waiting++;
    else this.#waiting.push(plaintext);
  }

  /** The server's address is known, or that there is none; called when the workspace is nobody's. */
  sendWaiting(): void {
    const { packets, relay } = this.#context;
    const waiting = this.#waiting.splice(0);
    if (this.#closed) return;
    const { receiver } = packets;
    for (const plaintext of waiting) {
      if (this.#socket === undefined) {
        relay.packetCounters.drops.resolve++;
        continue;
      }
      const at = receiver.payloadOffset(0);
      receiver.region.bytes.set(plaintext, at);
      this.#seal(this.#socket.fd, receiver, at, plaintext.length);
    }
    packets.flush();
  }

  handleDatagrams(count: number): void {
    const { batch, receiver } = this.#context.packets;
    for (batch.begin(count); batch.next(); ) {
      if (batch.count > 1) this.#session.expect?.(receiver.region, batch.starts, batch.count);
      for (let i = 0; i < batch.count; i++) this.#openOne(receiver, batch.starts[i], batch.lengths[i]);
    }
    this.#owner.handleAnswersEnd();
  }

  #openOne(receiver: DatagramReceiver, at: number, length: number): void {
    const { packets, relay } = this.#context;
    const session = this.#session;
    const opened = session.open(receiver.region, at, length, packets.output, packets.outputAt);
    if (opened < 0) {
      relay.packetCounters.drops[rejectionName(opened)]++;
      return;
    }
    this.packetsDown++;
    relay.packetCounters.packetsDown++;
    this.#owner.handleAnswer(session.openedAt, opened);
  }

  /** The server's machine refuses, for now. */
  handleUndelivered(errno: number): void {
    this.#context.relay.packetCounters.drops[dropReason(errno)]++;
  }

  handleFailure(error: unknown): void {
    this.#context.packets.clear();
    this.#owner.handleFailure(error);
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lookup?.cancel();
    if (this.#socket !== undefined) {
      this.#context.packets.flushOf(this.#socket.fd);
      this.#socket.close();
    }
    this.#session.release();
  }
}

/** Packets that have waited go at the end of the turn. */
class WaitingPackets {
  readonly #link: PacketLink;
  readonly #owner: PacketLinkOwner;

  constructor(link: PacketLink, owner: PacketLinkOwner) {
    this.#link = link;
    this.#owner = owner;
  }

  handleEvents(): void {
    this.#link.sendWaiting();
  }

  handleFailure(error: unknown): void {
    this.#owner.handleFailure(error);
  }
}
