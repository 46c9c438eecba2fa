/**
 * The client's side of the 2022 edition's datagrams: one session of its own for each local address, and the sessions that the server answers
 * in. A server that was restarted answers in a new one; the one before is then still heard for a while, and a third is refused for as long.
 */

import { copyOfShort } from '../../../native-bindings/bytes.js';
import type { Region } from '../../../native-bindings/memory.js';
import type { OpeningKey, SealingKey } from '../../crypto/aead.js';
import type { AeadMethod } from '../../crypto/methods.js';
import { type ClientPacketProtocol, type ClientPacketSession, REJECTED } from '../packet-protocol.js';
import { type KeyChain, wipeKeyChain } from './keys.js';
import { readBodyHeader, writeBodyHeader } from './packet-body.js';
import { ID_LENGTH, type PacketOpener, type PacketSealer, packetIdOf, writeIds } from './packet-cipher.js';
import { drawSessionId, isSession, PacketMeans, type PacketSurroundings, SESSION_MEMORY_MS } from './packet-means.js';
import { SlidingWindow } from './sliding-window.js';

/** A session that the server answers in. */
interface ServerSession {
  readonly id: Uint8Array;
  readonly key: OpeningKey;
  readonly window: SlidingWindow;
}

export class ClientPackets2022 implements ClientPacketProtocol {
  readonly #means: PacketMeans;
  readonly #keys: KeyChain;
  readonly #opener: PacketOpener;
  readonly #sealer: PacketSealer;

  /** @param keys which it takes over */
  constructor(method: AeadMethod, keys: KeyChain, surroundings: PacketSurroundings) {
    this.#means = new PacketMeans(method, surroundings);
    this.#keys = keys;
    // Answers have no identity headers: the user's key alone is in use.
    this.#opener = this.#means.opener(keys.userKey, { name: '', key: keys.userKey });
    this.#sealer = this.#means.sealer(keys.identityKeys, keys.userKey);
  }

  /** @param firstPacketId where it counts from; a test's */
  newSession(firstPacketId = 0): ClientPacketSession {
    return new ClientSession2022(this.#means, this.#opener, this.#sealer, this.#keys.userKey, firstPacketId);
  }

  wipe(): void {
    this.#means.release();
    wipeKeyChain(this.#keys);
  }
}

class ClientSession2022 implements ClientPacketSession {
  openedAt = 0;
  readonly #means: PacketMeans;
  readonly #opener: PacketOpener;
  readonly #sealer: PacketSealer;
  readonly #userKey: Uint8Array;
  readonly #id: Uint8Array;
  readonly #sealingKey: SealingKey;
  #nextPacketId: number;
  #current: ServerSession | undefined = undefined;
  #previous: ServerSession | undefined = undefined;
  /** When `#current` took the place of `#previous`. */
  #replacedMs = 0;
  /** For sessions that are not known yet; made when there is one. */
  #candidate: OpeningKey | undefined = undefined;
  #released = false;

  constructor(
    means: PacketMeans,
    opener: PacketOpener,
    sealer: PacketSealer,
    userKey: Uint8Array,
    firstPacketId: number,
  ) {
    this.#nextPacketId = firstPacketId;
    this.#means = means;
    this.#opener = opener;
    this.#sealer = sealer;
    this.#userKey = userKey;
    this.#id = drawSessionId(means.surroundings.random);
    this.#sealingKey = means.sessionSealingKey(userKey, this.#id);
  }

  seal(input: Region, at: number, length: number, output: Region, outputAt: number): number {
    const { random, clock, padding } = this.#means.surroundings;
    const paddingLength = padding(input.bytes, at, length);
    const from = writeBodyHeader(input.bytes, at, clock, undefined, paddingLength, random);
    writeIds(this.#means.ids, this.#id, this.#nextPacketId++);
    return this.#sealer.seal(this.#sealingKey, input, from, at + length - from, output, outputAt);
  }

  open(input: Region, at: number, length: number, output: Region, outputAt: number): number {
    const means = this.#means;
    const begun = this.#opener.begin(input, at, length, output, outputAt);
    if (begun < 0) return begun;
    const packetId = packetIdOf(means.ids);
    // What another key sealed shows as such ids.
    if (packetId < 0) return REJECTED.cipher;
    const known = this.#find();
    if (known !== undefined && !known.window.accepts(packetId)) return REJECTED.replay;
    const bodyLength = this.#opener.finish(known?.key ?? this.#unknownKey(), input, at, length, output, outputAt);
    if (bodyLength < 0) return bodyLength;
    const { bodyAt } = this.#opener;
    const header = readBodyHeader(output.bytes, bodyAt, bodyLength, means.surroundings.clock, this.#id);
    if (header < 0) return header;
    const session = known ?? this.#admit();
    if (session === undefined) return REJECTED.session;
    session.window.add(packetId);
    this.openedAt = bodyAt + header;
    return bodyLength - header;
  }

  /** The server's session of the packet at hand. */
  #find(): ServerSession | undefined {
    const { ids } = this.#means;
    if (this.#current !== undefined && isSession(ids, this.#current.id)) return this.#current;
    // Heard until a third takes its place, so that its packets never meet an empty window.
    return this.#previous !== undefined && isSession(ids, this.#previous.id) ? this.#previous : undefined;
  }

  #unknownKey(): OpeningKey {
    this.#candidate ??= this.#means.newOpeningKey();
    this.#means.rekeyOpening(this.#candidate, this.#userKey);
    return this.#candidate;
  }

  /** A packet of a session that is not known yet has passed every check: it becomes the current one, or one too many. */
  #admit(): ServerSession | undefined {
    const { ids, surroundings } = this.#means;
    const nowMs = surroundings.monotonicMs();
    if (this.#previous !== undefined) {
      if (nowMs - this.#replacedMs < SESSION_MEMORY_MS) return undefined;
      this.#previous.key.release();
    }
    this.#previous = this.#current;
    this.#replacedMs = nowMs;
    const id = copyOfShort(ids.region.bytes, ids.at, ids.at + ID_LENGTH);
    this.#current = { id, key: this.#candidate as OpeningKey, window: new SlidingWindow() };
    this.#candidate = undefined;
    return this.#current;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#sealingKey.release();
    this.#current?.key.release();
    this.#previous?.key.release();
    this.#candidate?.release();
  }
}
