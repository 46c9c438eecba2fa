/** What a cipher is to the rest of the program, whichever library it comes from. */

import type { Region } from '../../native-bindings/memory.js';
import type { CipherName } from './methods.js';

/** Bytes that sealing adds to a message. */
export const TAG_LENGTH = 16;

/** What sealing and opening keys have in common. */
interface Key {
  /**
   * Takes another key in the place of this one, which is overwritten. It allocates nothing: a datagram of AEAD 2017 has a key of its own.
   * @param key is copied
   */
  rekey(key: Uint8Array): void;
  /** Forgets the key; the object is of no use any more. Idempotent. */
  release(): void;
}

/**
 * One key for one direction. The nonce of a stream is the little-endian counter of Shadowsocks, given as a number (2^53 messages are more
 * than any session has); the nonce of a datagram may be any bytes, as many as the cipher's `nonceLength`. Input and output may be the same
 * place, but must not overlap otherwise.
 */
export interface SealingKey extends Key {
  /** Writes `length` bytes of ciphertext and a tag of 16. */
  seal(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): void;
  /** As `seal`, with the nonce at `nonce[nonceAt, nonceAt + nonceLength)`. */
  sealWithNonce(
    nonce: Region,
    nonceAt: number,
    input: Region,
    inputAt: number,
    length: number,
    output: Region,
    outputAt: number,
  ): void;
}

/** See `SealingKey`. */
export interface OpeningKey extends Key {
  /**
   * Opens `length` bytes of ciphertext that a tag of 16 follows.
   * @returns false where they are not authentic: nothing of the output may be used then
   */
  open(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): boolean;
  /** As `open`, with the nonce at `nonce[nonceAt, nonceAt + nonceLength)`. */
  openWithNonce(
    nonce: Region,
    nonceAt: number,
    input: Region,
    inputAt: number,
    length: number,
    output: Region,
    outputAt: number,
  ): boolean;
}

/** A source of keys for one cipher, on one thread. */
export interface AeadCipher {
  readonly name: CipherName;
  readonly backend: 'libcrypto' | 'libsodium';
  /** In bytes. */
  readonly nonceLength: number;
  /** @param key is copied */
  sealingKey(key: Uint8Array): SealingKey;
  /** @param key is copied */
  openingKey(key: Uint8Array): OpeningKey;
}
