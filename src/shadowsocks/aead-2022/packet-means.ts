/** What all datagrams of one endpoint have in common: the ciphers' two ways behind one face, clocks, randomness, session keys. */

import { performance } from 'node:perf_hooks';
import { copyShort, fillShort } from '../../../native-bindings/bytes.js';
import { Region } from '../../../native-bindings/memory.js';
import type { AeadCipher, OpeningKey, SealingKey } from '../../crypto/aead.js';
import { AesBlock } from '../../crypto/aes-block.js';
import { Blake3KeyDerivation, blake3Hash16, SESSION_SUBKEY_CONTEXT } from '../../crypto/blake3.js';
import { cipherFor } from '../../crypto/ciphers.js';
import { type AeadMethod, METHODS } from '../../crypto/methods.js';
import type { RandomSource } from '../../crypto/random.js';
import type { ProtocolMeans } from '../means.js';
import type { UserKeys } from './keys.js';
import {
  AesPacketOpener,
  AesPacketSealer,
  ChaChaPacketOpener,
  ChaChaPacketSealer,
  ID_LENGTH,
  IDS_LENGTH,
  type PacketIds,
  type PacketOpener,
  type PacketSealer,
  type PacketUser,
} from './packet-cipher.js';
import { type PacketPadding, padDns } from './packet-padding.js';
import type { WallClock } from './time.js';

/** The clocks and the randomness, injectable for tests. */
export interface PacketSurroundings {
  readonly random: RandomSource;
  readonly clock: WallClock;
  /** Milliseconds that never go back. */
  readonly monotonicMs: () => number;
  readonly padding: PacketPadding;
}

const monotonicMs = performance.now.bind(performance);

/** The real ones. */
export function packetSurroundings({ random, clock }: ProtocolMeans): PacketSurroundings {
  return { random, clock, monotonicMs, padding: padDns(random) };
}

/** How long a session may still matter after its last packet: twice as long as a packet's time is good for. */
export const SESSION_MEMORY_MS = 60_000;

/** With ChaCha20 sessions have no keys of their own; nobody calls its methods. */
const NO_KEY: SealingKey & OpeningKey = {
  rekey() {},
  release() {},
  seal: refuse,
  open: refuse,
  sealWithNonce: refuse,
  openWithNonce: refuse,
};

function refuse(): never {
  throw new Error('a session without a key of its own was asked to use it');
}

export class PacketMeans {
  readonly surroundings: PacketSurroundings;
  readonly ids: PacketIds;
  readonly #method: AeadMethod;
  readonly #cipher: AeadCipher;
  readonly #usesAes: boolean;
  readonly #derivation = new Blake3KeyDerivation(SESSION_SUBKEY_CONTEXT);
  readonly #material: Uint8Array;
  readonly #subkey: Uint8Array;
  readonly #region = new Region(4096);
  readonly #forgets: (() => void)[] = [];

  constructor(method: AeadMethod, surroundings: PacketSurroundings) {
    this.surroundings = surroundings;
    this.#method = method;
    this.#usesAes = method.cipher !== 'chacha20-poly1305';
    this.#cipher = cipherFor(this.#usesAes ? method : METHODS['xchacha20-ietf-poly1305']);
    this.#material = new Uint8Array(method.keyLength + ID_LENGTH);
    this.#subkey = new Uint8Array(method.keyLength);
    this.ids = { region: this.#region, at: this.#region.reserve(IDS_LENGTH) };
  }

  /** @param headerKey opens the separate header; a user's own where there are no identity headers */
  opener(headerKey: Uint8Array, everyone: PacketUser, users?: UserKeys<PacketUser>): PacketOpener {
    if (this.#usesAes) {
      const block = new AesBlock(headerKey);
      this.#forgets.push(() => block.release());
      return new AesPacketOpener(this.ids, block, everyone, users);
    }
    const key = this.#cipher.openingKey(headerKey);
    this.#forgets.push(() => key.release());
    return new ChaChaPacketOpener(this.ids, key, everyone);
  }

  /** @param identityKeys of the hops before the last, which ChaCha20 cannot have */
  sealer(identityKeys: readonly Uint8Array[], userKey: Uint8Array): PacketSealer {
    const sealer = this.#usesAes
      ? new AesPacketSealer(this.ids, identityKeys, userKey, blake3Hash16)
      : new ChaChaPacketSealer(this.ids, this.#cipher.sealingKey(userKey), (into, at, length) =>
          this.surroundings.random(into, at, length),
        );
    this.#forgets.push(() => sealer.release());
    return sealer;
  }

  /** The key that a session's packets are sealed with. */
  sessionSealingKey(userKey: Uint8Array, sessionId: Uint8Array): SealingKey {
    if (!this.#usesAes) return NO_KEY;
    this.#derive(userKey, sessionId, 0);
    const key = this.#cipher.sealingKey(this.#subkey);
    fillShort(this.#subkey, 0, 0, this.#subkey.length);
    return key;
  }

  /** A key to be given its session by `rekeyOpening`. */
  newOpeningKey(): OpeningKey {
    if (!this.#usesAes) return NO_KEY;
    return this.#cipher.openingKey(this.#subkey);
  }

  /** Makes `key` the one that the session whose ids are at hand is opened with. */
  rekeyOpening(key: OpeningKey, userKey: Uint8Array): void {
    if (!this.#usesAes) return;
    this.#derive(userKey, this.ids.region.bytes, this.ids.at);
    key.rekey(this.#subkey);
    fillShort(this.#subkey, 0, 0, this.#subkey.length);
  }

  /** SIP022 §3.2.2: PSK | session id. */
  #derive(userKey: Uint8Array, sessionId: Uint8Array, at: number): void {
    const { keyLength } = this.#method;
    copyShort(userKey, 0, keyLength, this.#material, 0);
    copyShort(sessionId, at, ID_LENGTH, this.#material, keyLength);
    this.#derivation.derive(this.#material, keyLength, this.#subkey);
    fillShort(this.#material, 0, 0, this.#material.length);
  }

  /** Forgets what `opener` and `sealer` gave out, and gives memory back. */
  release(): void {
    for (const forget of this.#forgets) forget();
    this.#region.release();
  }
}

/** Whether the session id at hand is this one. */
export function isSession({ region, at }: PacketIds, id: Uint8Array): boolean {
  const { bytes } = region;
  for (let i = 0; i < ID_LENGTH; i++) if (id[i] !== bytes[at + i]) return false;
  return true;
}

/** Eight random bytes that are not all zero. */
export function drawSessionId(random: RandomSource): Uint8Array {
  const id = new Uint8Array(ID_LENGTH);
  do random(id, 0, ID_LENGTH);
  while (id.every((byte) => byte === 0));
  return id;
}
