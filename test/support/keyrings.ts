/** Keyrings with known keys and, where a test wants them, known salts. */

import type { Aead2017MethodName } from '../../src/config/types.js';
import { createSubkeyDerivation } from '../../src/crypto/hkdf.js';
import { METHODS } from '../../src/crypto/methods.js';
import { createRandomSource, type RandomSource } from '../../src/crypto/random.js';
import { Keyring, masterKeyOf } from '../../src/shadowsocks/keyring.js';
import type { SaltFilter } from '../../src/shadowsocks/salt-filter.js';

const derivation = createSubkeyDerivation();
const random = createRandomSource();

/** Gives the same bytes each time. */
function fixedBytes(bytes: Uint8Array): RandomSource {
  return (into, at, length) => {
    if (length !== bytes.length) throw new Error(`${length} bytes were asked for, there are ${bytes.length}`);
    into.set(bytes, at);
  };
}

/**
 * libsodium has to be loaded before for methods that need it.
 * @param salt what it starts streams with; random where absent
 * @param known learns its salts
 */
export function keyringOf(
  method: Aead2017MethodName,
  password: string,
  salt?: Uint8Array,
  known?: SaltFilter,
): Keyring {
  const masterKey = masterKeyOf({ method, password, host: '', port: 0 });
  return new Keyring(METHODS[method], masterKey, derivation, salt === undefined ? random : fixedBytes(salt), known);
}
