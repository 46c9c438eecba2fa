/** What a cipher is to the rest of the program, whichever library it comes from. */

import type { Region } from '../../native-bindings/memory.js';
import type { CipherName } from './methods.js';

/** Bytes that sealing adds to a message. */
export const TAG_LENGTH = 16;

/**
 * One key for one direction. The nonce is the little-endian counter of Shadowsocks, given as a number (2^53 messages are more than any
 * session has). Input and output may be the same place, but must not overlap otherwise.
 */
export interface SealingKey {
  /** Writes `length` bytes of ciphertext and a tag of 16. */
  seal(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): void;
  /** Forgets the key; the object is not to be used any more. */
  release(): void;
}

export interface OpeningKey {
  /**
   * Opens `length` bytes of ciphertext that a tag of 16 follows.
   * @returns false where they are not authentic: nothing of the output may be used then
   */
  open(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): boolean;
  /** Forgets the key; the object is not to be used any more. */
  release(): void;
}

/** A source of keys for one cipher, on one thread. */
export interface AeadCipher {
  readonly name: CipherName;
  readonly backend: 'libcrypto' | 'libsodium';
  /** @param key is copied */
  sealingKey(key: Uint8Array): SealingKey;
  /** @param key is copied */
  openingKey(key: Uint8Array): OpeningKey;
}
