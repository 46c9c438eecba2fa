/**
 * How a datagram of the 2022 edition is sealed, which AES and ChaCha20 do in different ways (SIP022 §3.2.2, SIP023):
 *
 *   AES       AES-ECB(session id | packet id) [identity headers] AES-GCM(session subkey, body)    nonce: the header's last 12 bytes
 *   ChaCha20  nonce (24, random) XChaCha20-Poly1305(PSK, session id | packet id | body)
 *
 * So with AES whose packet it is is known before it is opened, and with ChaCha20 after that. Both are told as `begin` and `finish`, with the
 * ids, and the key of their session, in between.
 */

import { copyShort } from '../../../native-bindings/bytes.js';
import type { Region } from '../../../native-bindings/memory.js';
import { type OpeningKey, type SealingKey, TAG_LENGTH } from '../../crypto/aead.js';
import { AesBlock } from '../../crypto/aes-block.js';
import type { RandomSource } from '../../crypto/random.js';
import { REJECTED } from '../packet-protocol.js';
import { IDENTITY_LENGTH, type UserKeys } from './keys.js';

/** Session id and packet id, eight bytes each. */
export const IDS_LENGTH = 16;
export const ID_LENGTH = 8;
/** Of the ids, what AES-GCM takes as its nonce. */
const NONCE_IN_IDS = 4;
const EXTENDED_NONCE_LENGTH = 24;

/** Who seals with a key: a user of the server, or everyone. */
export interface PacketUser {
  readonly name: string;
  readonly key: Uint8Array;
}

/** Where the ids of the packet at hand are, 16 bytes that both sides of a codec share. */
export interface PacketIds {
  readonly region: Region;
  readonly at: number;
}

/** The receiving half. */
export interface PacketOpener {
  /** After `begin`: whose key to finish with. */
  readonly user: PacketUser;
  /** After `finish`: where the body begins in the output. */
  readonly bodyAt: number;
  /** Finds out the ids, and whose packet it says it is. @returns 0, or one of `REJECTED` */
  begin(input: Region, at: number, length: number, output: Region, outputAt: number): number;
  /** @param key of the session; not looked at where the ids were inside. @returns the length of the body, or one of `REJECTED` */
  finish(key: OpeningKey, input: Region, at: number, length: number, output: Region, outputAt: number): number;
}

/** The sending half; the ids are to be written before. */
export interface PacketSealer {
  /**
   * @param key of the session; not looked at where the ids go inside
   * @param input up to `IDS_LENGTH` bytes in front of `at` may be overwritten
   * @returns how many bytes the packet has
   */
  seal(key: SealingKey, input: Region, at: number, length: number, output: Region, outputAt: number): number;
  release(): void;
}

export class AesPacketOpener implements PacketOpener {
  user: PacketUser;
  bodyAt = 0;
  readonly #ids: PacketIds;
  readonly #header: AesBlock;
  readonly #users: UserKeys<PacketUser> | undefined;
  readonly #bodyOffset: number;

  /**
   * @param header the key of the separate header and of an identity header, which it takes over
   * @param everyone whose key it is where there are no users
   */
  constructor(ids: PacketIds, header: AesBlock, everyone: PacketUser, users?: UserKeys<PacketUser>) {
    this.#ids = ids;
    this.#header = header;
    this.user = everyone;
    this.#users = users;
    this.#bodyOffset = IDS_LENGTH + (users === undefined ? 0 : IDENTITY_LENGTH);
  }

  begin(input: Region, at: number, length: number, output: Region, outputAt: number): number {
    if (length < this.#bodyOffset + TAG_LENGTH) return REJECTED.malformed;
    const { region, at: idsAt } = this.#ids;
    this.#header.decrypt(input, at, region, idsAt);
    if (this.#users === undefined) return 0;
    // The hash of the user's key, hidden once more by the header, so that no two packets look alike.
    this.#header.decrypt(input, at + IDS_LENGTH, output, outputAt);
    for (let i = 0; i < IDENTITY_LENGTH; i++) output.bytes[outputAt + i] ^= region.bytes[idsAt + i];
    const user = this.#users.find(output.bytes, outputAt);
    if (user === undefined) return REJECTED.user;
    this.user = user;
    return 0;
  }

  finish(key: OpeningKey, input: Region, at: number, length: number, output: Region, outputAt: number): number {
    const bodyLength = length - this.#bodyOffset - TAG_LENGTH;
    const { region, at: idsAt } = this.#ids;
    this.bodyAt = outputAt;
    const from = at + this.#bodyOffset;
    const authentic = key.openWithNonce(region, idsAt + NONCE_IN_IDS, input, from, bodyLength, output, outputAt);
    return authentic ? bodyLength : REJECTED.cipher;
  }
}

export class AesPacketSealer implements PacketSealer {
  readonly #ids: PacketIds;
  readonly #header: AesBlock;
  readonly #identities: readonly { readonly block: AesBlock; readonly nextHash: Uint8Array }[];

  /**
   * @param identityKeys of the hops before the last, outermost first; a server's answer has none
   * @param hashKey H of SIP023
   */
  constructor(
    ids: PacketIds,
    identityKeys: readonly Uint8Array[],
    userKey: Uint8Array,
    hashKey: (key: Uint8Array) => Uint8Array,
  ) {
    this.#ids = ids;
    const keys = [...identityKeys, userKey];
    this.#header = new AesBlock(keys[0]);
    this.#identities = identityKeys.map((key, i) => ({ block: new AesBlock(key), nextHash: hashKey(keys[i + 1]) }));
  }

  seal(key: SealingKey, input: Region, at: number, length: number, output: Region, outputAt: number): number {
    const { region, at: idsAt } = this.#ids;
    this.#header.encrypt(region, idsAt, output, outputAt);
    let to = outputAt + IDS_LENGTH;
    for (let i = 0; i < this.#identities.length; i++) {
      const { block, nextHash } = this.#identities[i];
      for (let j = 0; j < IDENTITY_LENGTH; j++) output.bytes[to + j] = nextHash[j] ^ region.bytes[idsAt + j];
      block.encrypt(output, to, output, to);
      to += IDENTITY_LENGTH;
    }
    key.sealWithNonce(region, idsAt + NONCE_IN_IDS, input, at, length, output, to);
    return to + length + TAG_LENGTH - outputAt;
  }

  release(): void {
    this.#header.release();
    for (const { block } of this.#identities) block.release();
  }
}

export class ChaChaPacketOpener implements PacketOpener {
  readonly user: PacketUser;
  bodyAt = 0;
  readonly #ids: PacketIds;
  readonly #key: OpeningKey;

  /** @param key of XChaCha20 with the PSK */
  constructor(ids: PacketIds, key: OpeningKey, everyone: PacketUser) {
    this.#ids = ids;
    this.#key = key;
    this.user = everyone;
  }

  begin(input: Region, at: number, length: number, output: Region, outputAt: number): number {
    const sealedLength = length - EXTENDED_NONCE_LENGTH - TAG_LENGTH;
    if (sealedLength < IDS_LENGTH) return REJECTED.malformed;
    if (!this.#key.openWithNonce(input, at, input, at + EXTENDED_NONCE_LENGTH, sealedLength, output, outputAt)) {
      return REJECTED.cipher;
    }
    copyShort(output.bytes, outputAt, IDS_LENGTH, this.#ids.region.bytes, this.#ids.at);
    return 0;
  }

  finish(_key: OpeningKey, _input: Region, _at: number, length: number, _output: Region, outputAt: number): number {
    this.bodyAt = outputAt + IDS_LENGTH;
    return length - EXTENDED_NONCE_LENGTH - TAG_LENGTH - IDS_LENGTH;
  }
}

export class ChaChaPacketSealer implements PacketSealer {
  readonly #ids: PacketIds;
  readonly #key: SealingKey;
  readonly #random: RandomSource;

  /** @param key of XChaCha20 with the PSK, which it takes over */
  constructor(ids: PacketIds, key: SealingKey, random: RandomSource) {
    this.#ids = ids;
    this.#key = key;
    this.#random = random;
  }

  seal(_key: SealingKey, input: Region, at: number, length: number, output: Region, outputAt: number): number {
    const from = at - IDS_LENGTH;
    copyShort(this.#ids.region.bytes, this.#ids.at, IDS_LENGTH, input.bytes, from);
    this.#random(output.bytes, outputAt, EXTENDED_NONCE_LENGTH);
    const to = outputAt + EXTENDED_NONCE_LENGTH;
    this.#key.sealWithNonce(output, outputAt, input, from, length + IDS_LENGTH, output, to);
    return EXTENDED_NONCE_LENGTH + length + IDS_LENGTH + TAG_LENGTH;
  }

  release(): void {
    this.#key.release();
  }
}

/** The packet id, or −1 where it is past 2^53, which no session that counts from 0 reaches. */
export function packetIdOf({ region, at }: PacketIds): number {
  const high = wordOf(region.bytes, at + ID_LENGTH);
  return high >= 2 ** 21 ? -1 : high * 2 ** 32 + wordOf(region.bytes, at + ID_LENGTH + 4);
}

function wordOf(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/** Writes what the next packet is to be known by. */
export function writeIds({ region, at }: PacketIds, sessionId: Uint8Array, packetId: number): void {
  const { bytes } = region;
  copyShort(sessionId, 0, ID_LENGTH, bytes, at);
  writeWord(bytes, at + ID_LENGTH, Math.floor(packetId / 2 ** 32));
  writeWord(bytes, at + ID_LENGTH + 4, packetId % 2 ** 32);
}

function writeWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
