/**
 * Identity headers (SIP023): for each hop in front of the last one, a block of AES that only this hop can read, and that says by its hash which
 * key the next one is to use. Between the salt and the fixed header of a request; AES methods only.
 */

import { copyShort, fillShort } from '../../../native-bindings/bytes.js';
import type { Region } from '../../../native-bindings/memory.js';
import { AesBlock } from '../../crypto/aes-block.js';
import { blake3Hash16, IDENTITY_SUBKEY_CONTEXT } from '../../crypto/blake3.js';
import type { AeadMethod } from '../../crypto/methods.js';
import { IDENTITY_LENGTH, type KeyChain, type KeyHash, UserKeys } from './keys.js';
import { Blake3SubkeyDerivation } from './subkeys.js';

/** They are blocks of AES under a key as long as the method's. */
export function hasIdentityHeaders({ cipher }: AeadMethod): boolean {
  return cipher !== 'chacha20-poly1305';
}

const hashKey: KeyHash = (key, into, at) => {
  copyShort(blake3Hash16(key), 0, IDENTITY_LENGTH, into, at);
};

/** AES under a key that an identity key and a salt give. */
class SaltedBlock {
  readonly aes: AesBlock;
  readonly #derivation: Blake3SubkeyDerivation;
  readonly #subkey: Uint8Array;

  constructor(keyLength: number) {
    this.#subkey = new Uint8Array(keyLength);
    this.aes = new AesBlock(this.#subkey);
    this.#derivation = new Blake3SubkeyDerivation(IDENTITY_SUBKEY_CONTEXT, keyLength);
  }

  rekey(identityKey: Uint8Array, salt: Uint8Array, saltAt: number): void {
    this.#derivation.deriveOne(identityKey, salt, saltAt, this.#subkey);
    this.aes.rekey(this.#subkey);
    fillShort(this.#subkey, 0, 0, this.#subkey.length);
  }
}

/** A client's headers, for all of its connections. */
export class IdentityWriter {
  readonly length: number;
  readonly #block: SaltedBlock;
  readonly #identityKeys: readonly Uint8Array[];
  /** For each hop, the hash of the key behind its own. */
  readonly #hashes: readonly Uint8Array[];

  constructor({ identityKeys, userKey }: KeyChain) {
    this.length = identityKeys.length * IDENTITY_LENGTH;
    this.#identityKeys = identityKeys;
    this.#hashes = [...identityKeys.slice(1), userKey].map(blake3Hash16);
    this.#block = new SaltedBlock(userKey.length);
  }

  /** Writes `length` bytes at `into[at]`. */
  write(into: Region, saltAt: number, at: number): void {
    for (let i = 0; i < this.#identityKeys.length; i++) {
      const to = at + i * IDENTITY_LENGTH;
      this.#block.rekey(this.#identityKeys[i], into.bytes, saltAt);
      copyShort(this.#hashes[i], 0, IDENTITY_LENGTH, into.bytes, to);
      this.#block.aes.encrypt(into, to, into, to);
    }
  }

  release(): void {
    this.#block.aes.release();
  }
}

/** A server's users, found by the header that its own key opens. */
export class IdentityReader<User extends { readonly key: Uint8Array }> {
  readonly #identityKey: Uint8Array;
  readonly #users: UserKeys<User>;
  readonly #block: SaltedBlock;

  constructor(identityKey: Uint8Array, users: readonly User[]) {
    this.#identityKey = identityKey;
    this.#users = new UserKeys(users, hashKey);
    this.#block = new SaltedBlock(identityKey.length);
  }

  /**
   * @param scratch 16 bytes of it are overwritten
   * @returns the user whose key a request with the header at `from[at]` uses; undefined where there is none
   */
  read(from: Region, saltAt: number, at: number, scratch: Region, scratchAt: number): User | undefined {
    this.#block.rekey(this.#identityKey, from.bytes, saltAt);
    this.#block.aes.decrypt(from, at, scratch, scratchAt);
    return this.#users.find(scratch.bytes, scratchAt);
  }

  release(): void {
    this.#block.aes.release();
  }
}
