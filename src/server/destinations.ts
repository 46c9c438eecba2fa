/**
 * Where a server's datagrams go: from the address in a packet, as its bytes are, to the `sockaddr` that the kernel wants, or to the reason why
 * nothing goes there. The egress policy is asked about each address before it becomes one that a packet can be sent to. Names are looked up
 * without anybody waiting but the first packets to them.
 */

import { encodeInet } from '../../native-bindings/sockaddr.js';
import { ByteTable, type ByteTableEntry } from '../net/byte-table.js';
import type { EgressPolicy } from '../net/egress-policy.js';
import { type IpAddress, sameIpAddress, unmapIpv4 } from '../net/ip-address.js';
import type { Lookup, NameResolver, ResolvedName } from '../net/name-resolver.js';
import { decodeTarget, expectedTargetLength, type Target } from '../net/target.js';
import type { EventHandler, Reactor } from '../reactor/reactor.js';
import type { DropReason } from '../relay/packet-counters.js';

/** Destinations kept; some 300 bytes each. The oldest are made anew when they are needed again. */
export const MAX_DESTINATIONS = 4096;
/** A name's address is good for so long; then the resolver is asked again, which knows for how long it really is. */
export const NAME_REFRESH_MS = 5_000;
/** After a look-up that failed. */
export const NAME_RETRY_MS = 1_000;
/** Packets that wait for one name, the first of a flow; a program that hears nothing sends them again anyway. */
export const MAX_WAITING_PACKETS = 8;
/** And those that wait for any name of a port, together. */
export const MAX_WAITING_BYTES = 1024 * 1024;

/** A packet that waits for its destination's address. */
export interface WaitingPacket {
  /** What it carries is the waiting one's own copy. */
  readonly payload: Uint8Array;
  /** The address is known now, or the reason why there is none. */
  proceed(destination: Destination): void;
}

export class Destination implements ByteTableEntry {
  /** ATYP, address, port. */
  readonly key: Uint8Array;
  readonly target: Target;
  nextOfHash: this | undefined = undefined;
  family: 4 | 6 = 4;
  /** Encoded `sockaddr`, where packets may be sent to; the same array as long as the address is the same. */
  name: Uint8Array | undefined = undefined;
  /** Where there is no `name`: why, or `undefined` while the look-up is under way. */
  refusal: DropReason | undefined = undefined;
  address: IpAddress | undefined = undefined;
  /** Of a name: when to ask again. */
  freshUntilMs = Number.POSITIVE_INFINITY;
  lookup: Lookup | undefined = undefined;
  readonly waiting: WaitingPacket[] = [];

  constructor(key: Uint8Array, target: Target) {
    this.key = key;
    this.target = target;
  }
}

export class Destinations implements EventHandler {
  readonly #reactor: Reactor;
  readonly #resolver: NameResolver;
  readonly #policy: EgressPolicy;
  readonly #ipv6First: boolean;
  readonly #table = new ByteTable<Destination>();
  /** In the order in which they were made. */
  readonly #order = new Set<Destination>();
  readonly #reportBug: (error: unknown) => void;
  /** Whose waiting packets are to go at the end of this turn. */
  readonly #settled: Destination[] = [];
  #waitingBytes = 0;

  constructor(
    reactor: Reactor,
    resolver: NameResolver,
    policy: EgressPolicy,
    ipv6First: boolean,
    reportBug: (error: unknown) => void,
  ) {
    this.#reportBug = reportBug;
    this.#reactor = reactor;
    this.#resolver = resolver;
    this.#policy = policy;
    this.#ipv6First = ipv6First;
  }

  /**
   * The destination whose address begins at `bytes[at]`; `key.length` of it says where the payload does.
   * @returns undefined where there is no address before `end`
   */
  find(bytes: Uint8Array, at: number, end: number): Destination | undefined {
    const length = expectedTargetLength(bytes, at, end);
    if (at + length > end) return undefined;
    const known = this.#table.find(bytes, at, length);
    if (known !== undefined) return known;
    const decoded = decodeTarget(bytes, at, end);
    return decoded.status === 'ok' ? this.#make(bytes.slice(at, at + length), decoded.target) : undefined;
  }

  #make(key: Uint8Array, target: Target): Destination {
    const destination = new Destination(key, target);
    if (target.kind === 'ip') this.#settle(destination, [target.address]);
    else destination.freshUntilMs = Number.NEGATIVE_INFINITY;
    if (this.#order.size >= MAX_DESTINATIONS) this.#forgetOldest();
    this.#table.add(destination);
    this.#order.add(destination);
    return destination;
  }

  #forgetOldest(): void {
    const [oldest] = this.#order;
    this.#order.delete(oldest);
    this.#table.remove(oldest);
    if (oldest.lookup === undefined) return;
    oldest.lookup.cancel();
    // An association may still hold it.
    this.#take(oldest, { status: 'failed', code: 'EAI_AGAIN' });
  }

  /** To be called before `name` is looked at: a name's address may have to be asked for, or asked for again. */
  refresh(destination: Destination): void {
    if (this.#reactor.nowMs < destination.freshUntilMs || destination.lookup !== undefined) return;
    if (destination.target.kind !== 'name') return;
    destination.freshUntilMs = Number.POSITIVE_INFINITY;
    destination.refusal = undefined;
    let answered = false;
    const lookup = this.#resolver.resolve(destination.target.name, (answer) => {
      answered = true;
      this.#take(destination, answer);
    });
    if (!answered) destination.lookup = lookup;
  }

  #take(destination: Destination, answer: ResolvedName): void {
    destination.lookup = undefined;
    if (answer.status === 'ok') {
      if (answer.late !== undefined && !answer.addresses.some((address) => this.#policy.allows(address))) {
        // The other family may have one that is allowed.
        destination.lookup = answer.late.wait((whole) => this.#take(destination, whole));
        return;
      }
      destination.freshUntilMs = this.#reactor.nowMs + NAME_REFRESH_MS;
      this.#settle(destination, answer.addresses);
    } else {
      destination.freshUntilMs = this.#reactor.nowMs + NAME_RETRY_MS;
      // Where servers only fail to answer, the address that was good until now is the best there is.
      if (destination.name === undefined || answer.code === 'ENOTFOUND') this.#refuse(destination, 'resolve');
    }
    if (destination.waiting.length === 0) return;
    // A look-up's answer may come while somebody else's packet is being worked on.
    if (this.#settled.push(destination) === 1) this.#reactor.defer(this);
  }

  /** At the end of the turn: packets that have waited. */
  handleEvents(): void {
    for (const destination of this.#settled.splice(0)) {
      for (const packet of destination.waiting.splice(0)) {
        this.#waitingBytes -= packet.payload.length;
        packet.proceed(destination);
      }
    }
  }

  handleFailure(error: unknown): void {
    this.#reportBug(error);
  }

  /** Chooses an address: the one in use where it is still among them, so that a flow does not change its server, else the first allowed. */
  #settle(destination: Destination, addresses: readonly IpAddress[]): void {
    const candidates = addresses.map(unmapIpv4);
    const current = destination.address;
    if (current !== undefined && candidates.some((each) => sameIpAddress(each, current))) return;
    const allowed = candidates.filter((address) => this.#policy.allows(address));
    const wanted = this.#ipv6First ? 6 : 4;
    const address = allowed.find(({ family }) => family === wanted) ?? allowed[0];
    if (address === undefined || destination.target.port === 0) {
      this.#refuse(destination, address === undefined ? 'egress' : 'address');
      return;
    }
    const name = new Uint8Array(28);
    destination.name = name.subarray(0, encodeInet(name, 0, address.bytes, destination.target.port));
    destination.address = address;
    destination.family = address.family;
    destination.refusal = undefined;
  }

  #refuse(destination: Destination, reason: DropReason): void {
    destination.name = undefined;
    destination.address = undefined;
    destination.refusal = reason;
  }

  /** Keeps a packet until the address is known. @returns false where too many wait already */
  wait(destination: Destination, packet: WaitingPacket): boolean {
    const { waiting } = destination;
    const bytes = this.#waitingBytes + packet.payload.length;
    if (waiting.length >= MAX_WAITING_PACKETS || bytes > MAX_WAITING_BYTES) return false;
    this.#waitingBytes = bytes;
    waiting.push(packet);
    return true;
  }

  /** Gives up what is under way. */
  close(): void {
    for (const destination of this.#order) {
      destination.lookup?.cancel();
      destination.waiting.length = 0;
    }
    this.#order.clear();
  }
}
