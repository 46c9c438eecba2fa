/**
 * What makes the session keys of a stream: method, master key, and the means of this thread. AEAD 2017 and the edition of 2022 differ in
 * the derivation alone: the salt is as long as the key in both.
 */

import { fillShort } from '../../native-bindings/bytes.js';
import type { ShadowsocksEndpoint } from '../config/types.js';
import type { AeadCipher, OpeningKey, SealingKey } from '../crypto/aead.js';
import { cipherFor } from '../crypto/ciphers.js';
import type { SubkeyDerivation } from '../crypto/hkdf.js';
import { keyFromBase64, keyFromPassword } from '../crypto/master-key.js';
import { type AeadMethod, METHODS } from '../crypto/methods.js';
import type { RandomSource } from '../crypto/random.js';

export class Keyring {
  readonly method: AeadMethod;
  /** In bytes; as long as the key. */
  readonly saltLength: number;
  readonly #cipher: AeadCipher;
  readonly #masterKey: Uint8Array;
  readonly #derivation: SubkeyDerivation;
  readonly #random: RandomSource;
  readonly #subkey: Uint8Array;

  constructor(method: AeadMethod, masterKey: Uint8Array, derivation: SubkeyDerivation, random: RandomSource) {
    this.method = method;
    this.saltLength = method.keyLength;
    this.#cipher = cipherFor(method);
    this.#masterKey = masterKey;
    this.#derivation = derivation;
    this.#random = random;
    this.#subkey = new Uint8Array(method.keyLength);
  }

  /** Writes a fresh salt at `into[at, at + saltLength)` and returns the key that goes with it. */
  startSealing(into: Uint8Array, at: number): SealingKey {
    this.#random(into, at, this.saltLength);
    this.#derive(into, at);
    const key = this.#cipher.sealingKey(this.#subkey);
    fillShort(this.#subkey, 0, 0, this.#subkey.length);
    return key;
  }

  /** The key for a stream whose salt is at `from[at, at + saltLength)`. */
  startOpening(from: Uint8Array, at: number): OpeningKey {
    this.#derive(from, at);
    const key = this.#cipher.openingKey(this.#subkey);
    fillShort(this.#subkey, 0, 0, this.#subkey.length);
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
  rekeySealing(key: SealingKey, into: Uint8Array, at: number): void {
    this.#random(into, at, this.saltLength);
    this.#derive(into, at);
    key.rekey(this.#subkey);
    fillShort(this.#subkey, 0, 0, this.#subkey.length);
  }

  /** As `startOpening`, with a key that is there already. */
  rekeyOpening(key: OpeningKey, from: Uint8Array, at: number): void {
    this.#derive(from, at);
    key.rekey(this.#subkey);
    fillShort(this.#subkey, 0, 0, this.#subkey.length);
  }

  #derive(salt: Uint8Array, at: number): void {
    this.#derivation.derive(this.#masterKey, salt, at, this.#subkey);
  }

  /** Forgets the master key. */
  wipe(): void {
    this.#masterKey.fill(0);
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
