/** Keyrings of the methods without authentication, with known keys and, where a test wants them, known IVs. */

import type { PlainMethodName, StreamMethodName } from '../../src/config/types.js';
import { METHODS } from '../../src/crypto/methods.js';
import { createRandomSource, type RandomSource } from '../../src/crypto/random.js';
import { masterKeyOf } from '../../src/shadowsocks/keyring.js';
import type { SaltFilter } from '../../src/shadowsocks/salt-filter.js';
import { UnauthenticatedKeyring } from '../../src/shadowsocks/stream/keyring.js';
import { FORGETFUL } from './salt-filters.js';

const random = createRandomSource();

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
