/**
 * Datagrams of AEAD 2017 (SIP004): `salt | AE(zero nonce, address | payload)`, a salt and so a key for each packet. There are no sessions: whoever
 * has a key is told apart by his address alone. Where a port has several users, each packet is tried with their keys in turn, those
 * first whose packets came last.
 */

import type { Region } from '../../../native-bindings/memory.js';
import { type OpeningKey, type SealingKey, TAG_LENGTH } from '../../crypto/aead.js';
import type { Keyring } from '../keyring.js';
import {
  type ClientPacketProtocol,
  type ClientPacketSession,
  REJECTED,
  type ServerPacketProtocol,
  type ServerPacketSession,
} from '../packet-protocol.js';
import type { SaltFilter } from '../salt-filter.js';

/** One user's key, for both directions. As a session it is all of that user's clients together, so nothing ends with it. */
class PacketKey implements ServerPacketSession {
  readonly user: string;
  readonly #keyring: Keyring;
  readonly #sealingKey: SealingKey;
  readonly #openingKey: OpeningKey;

  constructor({ user, keyring }: PacketUser2017) {
    this.user = user;
    this.#keyring = keyring;
    this.#sealingKey = keyring.newSealingKey();
    this.#openingKey = keyring.newOpeningKey();
  }

  seal(input: Region, at: number, length: number, output: Region, outputAt: number): number {
    const { saltLength } = this.#keyring;
    this.#keyring.rekeySealing(this.#sealingKey, output, outputAt);
    this.#sealingKey.seal(0, input, at, length, output, outputAt + saltLength);
    return saltLength + length + TAG_LENGTH;
  }

  expect(input: Region, starts: Int32Array, count: number): void {
    this.#keyring.expectOpening(input, starts, count);
  }

  opens(input: Region, at: number, length: number, output: Region, outputAt: number): boolean {
    this.#keyring.rekeyOpening(this.#openingKey, input, at);
    return this.#openingKey.open(0, input, at + this.#keyring.saltLength, length, output, outputAt);
  }

  release(): void {}

  wipe(): void {
    this.#sealingKey.release();
    this.#openingKey.release();
    this.#keyring.wipe();
  }
}

export interface PacketUser2017 {
  /** Empty where there is one key for all. */
  readonly user: string;
  /** It adds its own salts to the memory of salts: a packet of ours that is sent back to us is a replay like any other. */
  readonly keyring: Keyring;
}

/** Both directions are alike, so one class is either end. */
export class Packets2017 implements ClientPacketSession, ClientPacketProtocol, ServerPacketProtocol {
  readonly clientsBy = 'address';
  readonly answersFrom = 'anyone';
  openedAt = 0;
  /** The one whose packet was opened last is the first. */
  readonly #keys: PacketKey[];
  readonly #saltLength: number;
  readonly #salts: SaltFilter;

  /**
   * @param users at least one; their keyrings are taken over
   * @param salts of either direction
   */
  constructor(users: readonly PacketUser2017[], salts: SaltFilter) {
    this.#keys = users.map((user) => new PacketKey(user));
    this.#saltLength = users[0].keyring.saltLength;
    this.#salts = salts;
  }

  get openedSession(): ServerPacketSession {
    return this.#keys[0];
  }

  newSession(): ClientPacketSession {
    return this;
  }

  seal(input: Region, at: number, length: number, output: Region, outputAt: number): number {
    return this.#keys[0].seal(input, at, length, output, outputAt);
  }

  /** Of a user in whose turn others come as well the rest is computed singly. */
  expect(input: Region, starts: Int32Array, count: number): void {
    this.#keys[0].expect(input, starts, count);
    this.#salts.expect?.(input.bytes, starts, count, this.#saltLength);
  }

  open(input: Region, at: number, length: number, output: Region, outputAt: number): number {
    const plaintextLength = length - this.#saltLength - TAG_LENGTH;
    if (plaintextLength <= 0) return REJECTED.malformed;
    if (!this.#opensWithOne(input, at, plaintextLength, output, outputAt)) return REJECTED.cipher;
    // Asked only now: a replay is rare, and whatever else is asked twice.
    if (!this.#salts.add(input.bytes, at, this.#saltLength)) return REJECTED.replay;
    this.openedAt = outputAt;
    return plaintextLength;
  }

  #opensWithOne(input: Region, at: number, length: number, output: Region, outputAt: number): boolean {
    const keys = this.#keys;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (!key.opens(input, at, length, output, outputAt)) continue;
      for (let j = i; j > 0; j--) keys[j] = keys[j - 1];
      keys[0] = key;
      return true;
    }
    return false;
  }

  release(): void {}

  wipe(): void {
    for (const key of this.#keys) key.wipe();
  }
}
