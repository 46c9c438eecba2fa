/**
 * What makes the session keys of a stream: method, master key, and the means of this thread. AEAD 2017 and the edition of 2022 differ in
 * the derivation alone: the salt is as long as the key in both.
 */

import type { Region } from '../../native-bindings/memory.js';
import type { ShadowsocksEndpoint } from '../config/types.js';
import type { AeadCipher, OpeningKey, SealingKey } from '../crypto/aead.js';
import { cipherFor } from '../crypto/ciphers.js';
import type { SubkeyDerivation } from '../crypto/hkdf.js';
import { keyFromBase64, keyFromPassword } from '../crypto/master-key.js';
import { type AeadMethod, METHODS } from '../crypto/methods.js';
import type { RandomSource } from '../crypto/random.js';
import { ExpectedSubkeys } from './expected-subkeys.js';
import { FreshSubkeys } from './fresh-subkeys.js';
import type { SaltFilter } from './salt-filter.js';

export class Keyring {
  readonly method: AeadMethod;
  /** In bytes; as long as the key. */
  readonly saltLength: number;
  readonly #cipher: AeadCipher;
  readonly #masterKey: Uint8Array;
  readonly #derivation: SubkeyDerivation;
  readonly #fresh: FreshSubkeys;
  /** Made with the first datagrams. */
  #expected: ExpectedSubkeys | undefined = undefined;
  readonly #saltAt = new Int32Array(1);
  readonly #subkey: Uint8Array;

  /** @param known learns the salts of what is sealed, where they must not come back */
  constructor(
    method: AeadMethod,
    masterKey: Uint8Array,
    derivation: SubkeyDerivation,
    random: RandomSource,
    known?: SaltFilter,
  ) {
    this.method = method;
    this.saltLength = method.keyLength;
    this.#cipher = cipherFor(method);
    this.#masterKey = masterKey;
    this.#derivation = derivation;
    this.#fresh = new FreshSubkeys(masterKey, derivation, random, known);
    this.#subkey = new Uint8Array(method.keyLength);
  }

  /** Writes a fresh salt at `into[at, at + saltLength)` and returns the key that goes with it. */
  startSealing(into: Region, at: number): SealingKey {
    const subkey = this.#fresh.take(into, at);
    const key = this.#cipher.sealingKey(subkey);
    subkey.fill(0);
    return key;
  }

  /** The key for a stream whose salt is at `from[at, at + saltLength)`. */
  startOpening(from: Region, at: number): OpeningKey {
    const subkey = this.#derived(from, at);
    const key = this.#cipher.openingKey(subkey);
    subkey.fill(0);
    return key;
  }

  /** A key to be given its salt by `rekeySealing`, again and again: each datagram has a salt of its own. */
  newSealingKey(): SealingKey {
    return this.#cipher.sealingKey(this.#subkey);
  }

  /** As `newSealingKey`, for `rekeyOpening`. */
  newOpeningKey(): OpeningKey {
    return this.#cipher.openingKey(this.#subkey);
  }

  /** As `startSealing`, with a key that is there already. */
  rekeySealing(key: SealingKey, into: Region, at: number): void {
    const subkey = this.#fresh.take(into, at);
    key.rekey(subkey);
    subkey.fill(0);
  }

  /** Datagrams with the salts at `from[saltsAt[i]]` will be opened soon, in this order. */
  expectOpening(from: Region, saltsAt: Int32Array, count: number): void {
    this.#expected ??= new ExpectedSubkeys(this.#masterKey, this.#derivation);
    this.#expected.expect(from, saltsAt, count);
  }

  /** As `startOpening`, with a key that is there already. */
  rekeyOpening(key: OpeningKey, from: Region, at: number): void {
    const subkey = this.#expected?.take(from, at) ?? this.#derived(from, at);
    key.rekey(subkey);
    subkey.fill(0);
  }

  #derived(from: Region, at: number): Uint8Array {
    this.#saltAt[0] = at;
    this.#derivation.derive(this.#masterKey, from.view, this.#saltAt, 1, this.#subkey);
    return this.#subkey;
  }

  /** Forgets the keys. */
  wipe(): void {
    this.#masterKey.fill(0);
    this.#fresh.wipe();
    this.#expected?.wipe();
    this.#derivation.forget();
  }
}

/** The master key that an endpoint's `key` or `password` gives. The configuration has checked the length of `key`. */
export function masterKeyOf(endpoint: ShadowsocksEndpoint): Uint8Array {
  const { keyLength } = METHODS[endpoint.method];
  if (endpoint.key === undefined) return keyFromPassword(endpoint.password, keyLength);
  const key = keyFromBase64(endpoint.key, keyLength);
  if (key === undefined) throw new RangeError(`the key of ${endpoint.method} must be ${keyLength} bytes in base64`);
  return key;
}
