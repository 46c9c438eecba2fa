/**
 * The keys of the 2022 edition, which TCP and UDP share: a pre-shared key (PSK) is random bytes in base64, never derived from a password. A
 * client that goes through others names all of their keys, outermost first: `iPSK0:iPSK1:…:uPSK` (SIP023). A server that has users finds
 * the one of a connection or packet by the hash that the identity header holds.
 */

import { MAX_IDENTITY_KEYS, type ShadowsocksEndpoint } from '../../config/types.js';
import { keyFromBase64 } from '../../crypto/master-key.js';

/** An identity header: the first bytes of BLAKE3 of the key that the next hop knows the client by, in one block of AES. */
export const IDENTITY_LENGTH = 16;

/** Writes H(key), the first 16 bytes of plain BLAKE3, at `into[at]`. */
export type KeyHash = (key: Uint8Array, into: Uint8Array, at: number) => void;

/** The keys that one endpoint speaks with. */
export interface KeyChain {
  /** Of the hops before the last, outermost first; empty where there are none. */
  readonly identityKeys: readonly Uint8Array[];
  /** The one that session keys come from. */
  readonly userKey: Uint8Array;
}

/**
 * @param text PSKs in base64, separated by colons
 * @param keyLength of the method, in bytes; any other length is an error, never hashed to fit
 * @returns undefined where one of them is not base64 of exactly that length, or there are too many
 */
export function parseKeyChain(text: string, keyLength: number): KeyChain | undefined {
  const keys = text.split(':').map((part) => keyFromBase64(part, keyLength));
  const [userKey, ...identityKeys] = keys.reverse();
  if (userKey === undefined || identityKeys.length > MAX_IDENTITY_KEYS) return undefined;
  const known = identityKeys.filter((key) => key !== undefined);
  return known.length === identityKeys.length ? { identityKeys: known.reverse(), userKey } : undefined;
}

/** The keys of an endpoint, whose configuration has been checked. */
export function keyChainOf(endpoint: ShadowsocksEndpoint, keyLength: number): KeyChain {
  const chain = parseKeyChain(endpoint.key ?? endpoint.password, keyLength);
  if (chain === undefined) throw new RangeError(`the keys of ${endpoint.method} must be ${keyLength} bytes in base64`);
  return chain;
}

/** Overwrites the keys. */
export function wipeKeyChain({ identityKeys, userKey }: KeyChain): void {
  for (const key of identityKeys) key.fill(0);
  userKey.fill(0);
}

interface Entry<User> {
  readonly hash: Uint8Array;
  readonly user: User;
}

/** The users of a server, found by H(uPSK). A look-up makes no object: UDP does one a packet. */
export class UserKeys<User extends { readonly key: Uint8Array }> {
  /** By the hash's first 32 bits; two users may share those. */
  readonly #entries = new Map<number, Entry<User>[]>();

  constructor(users: readonly User[], hashKey: KeyHash) {
    for (const user of users) {
      const hash = new Uint8Array(IDENTITY_LENGTH);
      hashKey(user.key, hash, 0);
      const first = firstWord(hash, 0);
      this.#entries.set(first, [...(this.#entries.get(first) ?? []), { hash, user }]);
    }
  }

  /** The user whose hash is at `from[at, at + 16)`. */
  find(from: Uint8Array, at: number): User | undefined {
    const entries = this.#entries.get(firstWord(from, at));
    if (entries === undefined) return undefined;
    for (let i = 0; i < entries.length; i++) {
      if (equalBytes(entries[i].hash, from, at)) return entries[i].user;
    }
    return undefined;
  }
}

function firstWord(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/** Whether `from[at, at + expected.length)` is `expected`, in a time that does not depend on where they differ. */
export function equalBytes(expected: Uint8Array, from: Uint8Array, at: number): boolean {
  let difference = 0;
  for (let i = 0; i < expected.length; i++) difference |= expected[i] ^ from[at + i];
  return difference === 0;
}
