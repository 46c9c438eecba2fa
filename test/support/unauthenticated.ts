/** Keyrings of the methods without authentication, with known keys and, where a test wants them, known IVs. */

import type { PlainMethodName, StreamMethodName } from '../../src/config/types.js';
import { METHODS } from '../../src/crypto/methods.js';
import { createRandomSource, type RandomSource } from '../../src/crypto/random.js';
import { masterKeyOf } from '../../src/shadowsocks/keyring.js';
import type { SaltFilter } from '../../src/shadowsocks/salt-filter.js';
import { UnauthenticatedKeyring } from '../../src/shadowsocks/stream/keyring.js';

const random = createRandomSource();

/** Remembers nothing, so that a test can open what it has sealed. */
export const FORGETFUL: SaltFilter = { seen: () => false, add: () => true };

/** Gives the same bytes each time. */
function fixedBytes(bytes: Uint8Array): RandomSource {
  return (into, at, length) => {
    if (length !== bytes.length) throw new Error(`${length} bytes were asked for, there are ${bytes.length}`);
    into.set(bytes, at);
  };
}

/**
 * salsa20 has to be loaded before.
 * @param iv what it starts streams with; random where absent
 */
export function unauthenticatedKeyring(
  name: StreamMethodName | PlainMethodName,
  password: string,
  { iv, used = FORGETFUL }: { readonly iv?: Uint8Array; readonly used?: SaltFilter } = {},
): UnauthenticatedKeyring {
  const method = METHODS[name];
  const masterKey = masterKeyOf({ method: name, password, host: '', port: 0 });
  const ivs = iv === undefined ? random : fixedBytes(iv);
  return new UnauthenticatedKeyring(method.family === 'stream' ? method : undefined, masterKey, ivs, used);
}

/** A filter as it is meant to be, without bounds. */
export class PlainFilter implements SaltFilter {
  readonly salts = new Set<string>();

  seen(from: Uint8Array, at: number, length: number): boolean {
    return this.salts.has(Buffer.from(from.slice(at, at + length)).toString('hex'));
  }

  add(from: Uint8Array, at: number, length: number): boolean {
    const known = this.seen(from, at, length);
    this.salts.add(Buffer.from(from.slice(at, at + length)).toString('hex'));
    return !known;
  }
}
