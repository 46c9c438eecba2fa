/**
 * Who may use the SOCKS inlet (RFC 1929). A comparison that stops at the first wrong byte tells a guesser how far he
 * got, so pairs are compared as digests of one length, and every configured pair is looked at whether or not an earlier
 * one matched.
 */

import { createHash, timingSafeEqual } from 'node:crypto';

export interface SocksUser {
  readonly user: string;
  readonly password: string;
}

/** RFC 1929 §2: ULEN and PLEN are one byte each. */
const MAX_FIELD_LENGTH = 255;

export class SocksCredentials {
  readonly #digests: readonly Buffer[];

  /** @throws RangeError for a user name or password of more than 255 bytes, which no client could send */
  constructor(users: readonly SocksUser[]) {
    this.#digests = users.map(({ user, password }) => {
      const userBytes = Buffer.from(user);
      const passwordBytes = Buffer.from(password);
      if (Math.max(userBytes.length, passwordBytes.length) > MAX_FIELD_LENGTH) {
        throw new RangeError(`SOCKS user names and passwords have at most ${MAX_FIELD_LENGTH} bytes`);
      }
      return digest(userBytes, passwordBytes);
    });
  }

  /** False: nobody has to authenticate. */
  get required(): boolean {
    return this.#digests.length > 0;
  }

  /** @param user UNAME as sent, 0..255 bytes @param password PASSWD as sent, 0..255 bytes */
  matches(user: Uint8Array, password: Uint8Array): boolean {
    const offered = digest(user, password);
    let matched = false;
    for (const expected of this.#digests) matched = timingSafeEqual(expected, offered) || matched;
    return matched;
  }
}

/** The length byte keeps ("ab", "c") apart from ("a", "bc"). */
function digest(user: Uint8Array, password: Uint8Array): Buffer {
  return createHash('sha256').update(Uint8Array.of(user.length)).update(user).update(password).digest();
}
