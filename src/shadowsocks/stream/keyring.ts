/**
 * What begins the streams and datagrams of a method without authentication: the master key itself is the key, and an IV tells one stream from
 * another. Ciphers have their key when they are made and need the next IV only, so they are kept for the next stream.
 */

import type { StreamMethod } from '../../crypto/methods.js';
import type { RandomSource } from '../../crypto/random.js';
import type { CipherDirection, StreamCipher } from '../../crypto/stream-cipher.js';
import { type StreamCipherMaker, streamCiphersFor } from '../../crypto/stream-ciphers.js';
import type { SaltFilter } from '../salt-filter.js';
import { NO_CIPHER } from './no-cipher.js';

/** Idle ciphers kept for each direction; about half a KiB each. Past that they are freed. */
export const POOL_LIMIT = 1024;

export class UnauthenticatedKeyring {
  /** In bytes; 0 for `none`. */
  readonly ivLength: number;
  readonly #make: StreamCipherMaker;
  readonly #masterKey: Uint8Array;
  readonly #random: RandomSource;
  readonly #used: SaltFilter;
  readonly #idle: Readonly<Record<CipherDirection, StreamCipher[]>> = { encrypt: [], decrypt: [] };
  #wiped = false;

  /**
   * @param method undefined: `none`. `loadSalsa20()` has to be done before for salsa20.
   * @param used IVs that nobody may use again, shared with the other reactors
   * @param make a parameter so that tests can count ciphers
   */
  constructor(
    method: StreamMethod | undefined,
    masterKey: Uint8Array,
    random: RandomSource,
    used: SaltFilter,
    make: StreamCipherMaker = method === undefined ? () => NO_CIPHER : streamCiphersFor(method),
  ) {
    this.ivLength = method?.ivLength ?? 0;
    this.#make = make;
    this.#masterKey = masterKey;
    this.#random = random;
    this.#used = used;
  }

  /**
   * Writes a fresh IV at `into[at, at + ivLength)` and returns the cipher that goes with it, to be given back. The IV is remembered: what we
   * have encrypted must not come back to us to be decrypted.
   */
  startSealing(into: Uint8Array, at: number): StreamCipher {
    this.#random(into, at, this.ivLength);
    this.remember(into, at);
    return this.#begin('encrypt', into, at);
  }

  /** The cipher for what has its IV at `from[at, at + ivLength)`, to be given back. */
  startOpening(from: Uint8Array, at: number): StreamCipher {
    return this.#begin('decrypt', from, at);
  }

  /** Whether the IV at `from[at, at + ivLength)` was used before, by a peer or by us. */
  isUsed(from: Uint8Array, at: number): boolean {
    return this.ivLength > 0 && this.#used.seen(from, at, this.ivLength);
  }

  /** @returns false where it was used before */
  remember(from: Uint8Array, at: number): boolean {
    return this.ivLength === 0 || this.#used.add(from, at, this.ivLength);
  }

  #begin(direction: CipherDirection, iv: Uint8Array, at: number): StreamCipher {
    if (this.#wiped) throw new Error('a keyring was used after it was wiped');
    const cipher = this.#idle[direction].pop() ?? this.#make(this.#masterKey, direction);
    try {
      cipher.begin(iv, at);
    } catch (error) {
      cipher.free();
      throw error;
    }
    return cipher;
  }

  giveBack(cipher: StreamCipher, direction: CipherDirection): void {
    const idle = this.#idle[direction];
    if (this.#wiped || idle.length >= POOL_LIMIT) cipher.free();
    else idle.push(cipher);
  }

  /** Forgets the key: at once where no stream uses it, and at the end of each that does. */
  wipe(): void {
    this.#wiped = true;
    this.#masterKey.fill(0);
    for (const idle of Object.values(this.#idle)) {
      for (const cipher of idle) cipher.free();
      idle.length = 0;
    }
  }
}
