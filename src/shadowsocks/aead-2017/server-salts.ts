/**
 * The salts of a server's answers carry a mark that nobody without the key can see: their last four bytes are a code of the others. So an answer
 * that is sent back as a request is known for what it is, even if it was recorded before a restart emptied the memory of salts. Requests
 * and answers of AEAD 2017 look alike otherwise. Outline's servers mark theirs in the same way.
 *
 *   salt = random | HMAC-SHA1(HKDF-SHA1(secret, info "outline-server-salt"), random)[0, 4)
 */

import { hkdfSync } from 'node:crypto';
import { createHmacSha1, type HmacSha1 } from '../../crypto/hmac-sha1.js';
import type { RandomSource } from '../../crypto/random.js';
import type { SaltFilter } from '../salt-filter.js';

const INFO = 'outline-server-salt';
const KEY_LENGTH = 20;
const MARK_LENGTH = 4;
/** So much of a salt has to be random still: those of 16 bytes carry no mark. */
const LEAST_RANDOM = 16;

/** The mark of one key's answers. */
export class ServerSaltMark {
  /** Of the part in front of the mark. */
  readonly #length: number;
  readonly #hmac: HmacSha1;

  /** @returns undefined where salts are too short to be marked */
  static of(secret: Uint8Array, saltLength: number): ServerSaltMark | undefined {
    return saltLength - MARK_LENGTH < LEAST_RANDOM ? undefined : new ServerSaltMark(secret, saltLength - MARK_LENGTH);
  }

  private constructor(secret: Uint8Array, length: number) {
    const key = new Uint8Array(hkdfSync('sha1', secret, new Uint8Array(), INFO, KEY_LENGTH));
    this.#hmac = createHmacSha1(key);
    key.fill(0);
    this.#length = length;
  }

  /** Whether the salt at `from[at]` is of a server with this key: by chance one in 2^32 is. */
  isOn(from: Uint8Array, at: number): boolean {
    const end = at + this.#length;
    const mark = (from[end] << 24) | (from[end + 1] << 16) | (from[end + 2] << 8) | from[end + 3];
    return mark === this.#of(from, at);
  }

  /** Random bytes as `random` gives them, but for the mark at the end. */
  marking(random: RandomSource): RandomSource {
    return (into, at, length) => {
      random(into, at, length);
      const mark = this.#of(into, at);
      for (let i = 0; i < MARK_LENGTH; i++) into[at + this.#length + i] = mark >>> (24 - 8 * i);
    };
  }

  /** Every salt of a server's answers counts as seen. */
  refusing(salts: SaltFilter): SaltFilter {
    return {
      seen: (from, at, length) => this.isOn(from, at) || salts.seen(from, at, length),
      add: (from, at, length) => !this.isOn(from, at) && salts.add(from, at, length),
      addFresh: (from, saltsAt, count, length) => salts.addFresh(from, saltsAt, count, length),
    };
  }

  #of(from: Uint8Array, at: number): number {
    return this.#hmac.firstWord(from, at, this.#length);
  }

  /** Forgets the key. */
  wipe(): void {
    this.#hmac.wipe();
  }
}
