/**
 * The server's side of the 2022 edition's datagrams. A client is known by the session that it drew, so that it may change its address; a
 * session begins with its first valid packet. What guards a session against replays outlives its association, because packets stay valid for
 * as long as their time is: a client that comes back in that time meets the window that it left.
 */

import { copyOfShort } from '../../../native-bindings/bytes.js';
import type { Region } from '../../../native-bindings/memory.js';
import type { OpeningKey, SealingKey } from '../../crypto/aead.js';
import { blake3Hash16 } from '../../crypto/blake3.js';
import type { AeadMethod } from '../../crypto/methods.js';
import { REJECTED, type ServerPacketProtocol, type ServerPacketSession } from '../packet-protocol.js';
import { UserKeys } from './keys.js';
import { readBodyHeader, writeBodyHeader } from './packet-body.js';
import {
  ID_LENGTH,
  type PacketOpener,
  type PacketSealer,
  type PacketUser,
  packetIdOf,
  writeIds,
} from './packet-cipher.js';
import { drawSessionId, isSession, PacketMeans, type PacketSurroundings, SESSION_MEMORY_MS } from './packet-means.js';
import { SlidingWindow } from './sliding-window.js';

/** Sessions that are remembered after their associations have gone; a window is a kilobyte. Past these the oldest are forgotten early. */
export const MAX_REMEMBERED_SESSIONS = 4096;

export interface ServerPacketKeys {
  /** Of the port: everyone's where there are no users, else what identity headers are sealed with. */
  readonly key: Uint8Array;
  readonly users: readonly PacketUser[];
}

export class ServerPackets2022 implements ServerPacketProtocol {
  readonly clientsBy = 'session';
  readonly answersFrom = 'anyone';
  openedAt = 0;
  readonly #means: PacketMeans;
  readonly #keys: ServerPacketKeys;
  readonly #opener: PacketOpener;
  readonly #sealers = new Map<PacketUser, PacketSealer>();
  readonly #sessions = new Map<number, ServerSession2022>();
  /** Those without an association, in the order in which they lost it. */
  readonly #remembered = new Set<ServerSession2022>();
  #last: ServerSession2022 | undefined = undefined;
  #candidate: OpeningKey;

  /** @param keys which it takes over */
  constructor(method: AeadMethod, keys: ServerPacketKeys, surroundings: PacketSurroundings) {
    this.#means = new PacketMeans(method, surroundings);
    this.#keys = keys;
    const users = keys.users.length === 0 ? undefined : new UserKeys(keys.users, hashInto);
    this.#opener = this.#means.opener(keys.key, { name: '', key: keys.key }, users);
    this.#candidate = this.#means.newOpeningKey();
  }

  get openedSession(): ServerPacketSession {
    if (this.#last === undefined) throw new Error('no packet has been opened yet');
    return this.#last;
  }

  /** Sessions that live or are remembered; tests see by it that none stays. */
  get sessionCount(): number {
    let count = 0;
    for (const first of this.#sessions.values()) {
      for (let each: ServerSession2022 | undefined = first; each !== undefined; each = each.next) count++;
    }
    return count;
  }

  open(input: Region, at: number, length: number, output: Region, outputAt: number): number {
    const means = this.#means;
    const begun = this.#opener.begin(input, at, length, output, outputAt);
    if (begun < 0) return begun;
    const packetId = packetIdOf(means.ids);
    // What another key sealed shows as such ids.
    if (packetId < 0) return REJECTED.cipher;
    const { user } = this.#opener;
    const known = this.#find(user);
    if (known !== undefined && !known.window.accepts(packetId)) return REJECTED.replay;
    const key = known?.openingKey ?? this.#unknownKey(user);
    const bodyLength = this.#opener.finish(key, input, at, length, output, outputAt);
    if (bodyLength < 0) return bodyLength;
    const { bodyAt } = this.#opener;
    const header = readBodyHeader(output.bytes, bodyAt, bodyLength, means.surroundings.clock, undefined);
    if (header < 0) return header;
    const session = known ?? this.#create(user);
    if (session.openingKey === undefined) this.#revive(session);
    session.window.add(packetId);
    session.lastPacketMs = means.surroundings.monotonicMs();
    this.#last = session;
    this.openedAt = bodyAt + header;
    return bodyLength - header;
  }

  /** The session of the packet at hand. Two users may have drawn the same id. */
  #find(user: PacketUser): ServerSession2022 | undefined {
    const { ids } = this.#means;
    const last = this.#last;
    if (last !== undefined && last.owner === user && isSession(ids, last.id) && !last.forgotten) return last;
    let session = this.#sessions.get(hashOf(ids.region.bytes, ids.at));
    while (session !== undefined && !(session.owner === user && isSession(ids, session.id))) session = session.next;
    return session;
  }

  #unknownKey(user: PacketUser): OpeningKey {
    this.#means.rekeyOpening(this.#candidate, user.key);
    return this.#candidate;
  }

  #create(user: PacketUser): ServerSession2022 {
    this.#forgetOld();
    let sealer = this.#sealers.get(user);
    if (sealer === undefined) {
      sealer = this.#means.sealer([], user.key);
      this.#sealers.set(user, sealer);
    }
    const { region, at } = this.#means.ids;
    const id = copyOfShort(region.bytes, at, at + ID_LENGTH);
    const session = new ServerSession2022(this.#means, sealer, user, id, (ended) => this.#remember(ended));
    const hash = hashOf(id, 0);
    session.next = this.#sessions.get(hash);
    this.#sessions.set(hash, session);
    return session;
  }

  /** Gives a session that is new, or that comes back, the key that has just opened its packet. */
  #revive(session: ServerSession2022): void {
    this.#remembered.delete(session);
    session.begin(this.#candidate);
    this.#candidate = this.#means.newOpeningKey();
  }

  #remember(session: ServerSession2022): void {
    this.#remembered.add(session);
    this.#forgetOld();
  }

  #forgetOld(): void {
    const beforeMs = this.#means.surroundings.monotonicMs() - SESSION_MEMORY_MS;
    for (const session of this.#remembered) {
      if (session.lastPacketMs > beforeMs && this.#remembered.size <= MAX_REMEMBERED_SESSIONS) return;
      this.#remembered.delete(session);
      this.#forget(session);
    }
  }

  #forget(session: ServerSession2022): void {
    session.forgotten = true;
    const hash = hashOf(session.id, 0);
    const first = this.#sessions.get(hash);
    if (first !== session) {
      let before = first;
      while (before !== undefined && before.next !== session) before = before.next;
      if (before !== undefined) before.next = session.next;
    } else if (session.next === undefined) {
      this.#sessions.delete(hash);
    } else {
      this.#sessions.set(hash, session.next);
    }
  }

  wipe(): void {
    this.#candidate.release();
    this.#means.release();
    this.#keys.key.fill(0);
    for (const { key } of this.#keys.users) key.fill(0);
  }
}

class ServerSession2022 implements ServerPacketSession {
  readonly owner: PacketUser;
  /** The client's. */
  readonly id: Uint8Array;
  readonly window = new SlidingWindow();
  lastPacketMs = 0;
  /** Another session with the same hash. */
  next: ServerSession2022 | undefined = undefined;
  forgotten = false;
  /** Absent while there is no association. */
  openingKey: OpeningKey | undefined = undefined;
  readonly #means: PacketMeans;
  readonly #sealer: PacketSealer;
  readonly #onRelease: (session: ServerSession2022) => void;
  #ownId: Uint8Array;
  #sealingKey: SealingKey | undefined = undefined;
  #nextPacketId = 0;

  constructor(
    means: PacketMeans,
    sealer: PacketSealer,
    owner: PacketUser,
    id: Uint8Array,
    onRelease: (session: ServerSession2022) => void,
  ) {
    this.#means = means;
    this.#sealer = sealer;
    this.owner = owner;
    this.id = id;
    this.#onRelease = onRelease;
    this.#ownId = drawSessionId(means.surroundings.random);
  }

  get user(): string {
    return this.owner.name;
  }

  /** @param openingKey which it takes over */
  begin(openingKey: OpeningKey): void {
    this.openingKey = openingKey;
    this.#sealingKey = this.#means.sessionSealingKey(this.owner.key, this.#ownId);
  }

  seal(input: Region, at: number, length: number, output: Region, outputAt: number): number {
    if (this.#sealingKey === undefined) throw new Error('a released session was used');
    const { random, clock, padding } = this.#means.surroundings;
    const paddingLength = padding(input.bytes, at, length);
    const from = writeBodyHeader(input.bytes, at, clock, this.id, paddingLength, random);
    writeIds(this.#means.ids, this.#ownId, this.#nextPacketId++);
    return this.#sealer.seal(this.#sealingKey, input, from, at + length - from, output, outputAt);
  }

  release(): void {
    if (this.openingKey === undefined) return;
    this.openingKey.release();
    this.#sealingKey?.release();
    this.openingKey = undefined;
    this.#sealingKey = undefined;
    this.#onRelease(this);
  }
}

function hashInto(key: Uint8Array, into: Uint8Array, at: number): void {
  into.set(blake3Hash16(key), at);
}

/** Ids are random, so their first bytes will do. */
function hashOf(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}
