/**
 * A hop of SIP023 over UDP. A packet's separate header is sealed anew with the key of the next hop, in the place of the identity header that was
 * for us; nothing else changes, and answers pass as they are.
 *
 *   AES(our key, ids) | AES(our key, hash ^ ids) | rest   ──►   AES(next key, ids) | rest
 *
 * To the server's port it is a protocol like the others: what comes out is the next hop's address with the packet as payload. A packet proves
 * nothing but that it was once a client's, so one that is played again goes to the last hop again, whose window refuses it.
 */

import { copyShort } from '../../../native-bindings/bytes.js';
import type { Region } from '../../../native-bindings/memory.js';
import type { NextHop, ShadowsocksEndpoint } from '../../config/types.js';
import { AesBlock } from '../../crypto/aes-block.js';
import { blake3Hash16 } from '../../crypto/blake3.js';
import type { AeadMethod } from '../../crypto/methods.js';
import { encodeTarget, expectedTargetLength, targetLength } from '../../net/target.js';
import type { ServerPacketProtocol, ServerPacketSession } from '../packet-protocol.js';
import { type KnownHop, knownHops } from './hop-protocol.js';
import { IDENTITY_LENGTH, keyChainOf, UserKeys } from './keys.js';
import { IDS_LENGTH, type PacketOpener, type PacketUser } from './packet-cipher.js';
import { PacketMeans, type PacketSurroundings } from './packet-means.js';
import { copyBetween } from './raw-stream.js';

/** All clients of one next hop; nothing begins or ends with it. */
class PacketHop implements PacketUser, ServerPacketSession {
  readonly name: string;
  readonly key: Uint8Array;
  /** As it stands in front of a payload. */
  readonly address: Uint8Array;
  readonly header: AesBlock;

  constructor({ name, key, target }: KnownHop) {
    this.name = name;
    this.key = key;
    this.address = new Uint8Array(targetLength(target));
    encodeTarget(target, this.address, 0);
    this.header = new AesBlock(key);
  }

  get user(): string {
    return this.name;
  }

  /** Leaves out the address of whoever answers: only a server's answers have one, inside. */
  seal(input: Region, at: number, length: number, output: Region, outputAt: number): number {
    const addressLength = expectedTargetLength(input.bytes, at, at + length);
    copyBetween(input, at + addressLength, length - addressLength, output, outputAt);
    return length - addressLength;
  }

  release(): void {}
}

export class HopPackets2022 implements ServerPacketProtocol {
  readonly clientsBy = 'address';
  readonly answersFrom = 'destination';
  openedAt = 0;
  readonly #means: PacketMeans;
  readonly #ownKey: Uint8Array;
  readonly #opener: PacketOpener;
  readonly #hops: ReadonlyMap<PacketUser, PacketHop>;
  #last: PacketHop | undefined = undefined;

  /** @param ownKey of this hop, which it takes over together with those of the others */
  constructor(method: AeadMethod, ownKey: Uint8Array, hops: readonly KnownHop[], surroundings: PacketSurroundings) {
    this.#means = new PacketMeans(method, surroundings);
    this.#ownKey = ownKey;
    const all = hops.map((hop) => new PacketHop(hop));
    const byHash = new UserKeys<PacketUser>(all, (key, into, at) => into.set(blake3Hash16(key), at));
    this.#opener = this.#means.opener(ownKey, { name: '', key: ownKey }, byHash);
    this.#hops = new Map(all.map((hop) => [hop, hop]));
  }

  get openedSession(): ServerPacketSession {
    if (this.#last === undefined) throw new Error('no packet has been opened yet');
    return this.#last;
  }

  open(input: Region, at: number, length: number, output: Region, outputAt: number): number {
    const begun = this.#opener.begin(input, at, length, output, outputAt);
    if (begun < 0) return begun;
    const hop = this.#hops.get(this.#opener.user);
    if (hop === undefined) throw new Error('a packet of nobody was opened');
    this.#last = hop;
    this.openedAt = outputAt;
    const { address } = hop;
    copyShort(address, 0, address.length, output.bytes, outputAt);
    const packetAt = outputAt + address.length;
    const { region, at: idsAt } = this.#means.ids;
    hop.header.encrypt(region, idsAt, output, packetAt);
    const restLength = length - IDS_LENGTH - IDENTITY_LENGTH;
    copyBetween(input, at + IDS_LENGTH + IDENTITY_LENGTH, restLength, output, packetAt + IDS_LENGTH);
    return address.length + IDS_LENGTH + restLength;
  }

  wipe(): void {
    this.#means.release();
    this.#ownKey.fill(0);
    for (const { header, key } of this.#hops.values()) {
      header.release();
      key.fill(0);
    }
  }
}

export function hopPackets2022(
  endpoint: ShadowsocksEndpoint,
  method: AeadMethod,
  destinations: readonly NextHop[],
  surroundings: PacketSurroundings,
): HopPackets2022 {
  const { userKey: ownKey } = keyChainOf(endpoint, method.keyLength);
  return new HopPackets2022(method, ownKey, knownHops(destinations, method), surroundings);
}
