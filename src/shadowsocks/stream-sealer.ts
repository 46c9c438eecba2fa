/**
 * The sending half of an AEAD 2017 stream (SIP004): `salt`, then chunks of `AE(length u16) AE(payload)`, each of the two with the next
 * nonce. Pure: from one piece of memory into another; a byte of payload is touched once, by the cipher.
 */

import type { Region } from '../../native-bindings/memory.js';
import { type SealingKey, TAG_LENGTH } from '../crypto/aead.js';
import type { Keyring } from './keyring.js';

/** SIP004: the two upper bits of the length are reserved. */
export const MAX_CHUNK_PAYLOAD = 0x3fff;
export const LENGTH_LENGTH = 2;
/** What a chunk adds to its payload: the length, its tag, the payload's tag. */
export const CHUNK_OVERHEAD = LENGTH_LENGTH + TAG_LENGTH + TAG_LENGTH;

export class StreamSealer {
  readonly #keyring: Keyring;
  #key: SealingKey | undefined = undefined;
  #counter = 0;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /** How many bytes `length` bytes of payload become at most, the salt included. */
  static sealedLength(length: number): number {
    return 32 + length + Math.ceil(length / MAX_CHUNK_PAYLOAD) * CHUNK_OVERHEAD;
  }

  /**
   * Seals `input[inputAt, inputAt + length)`. The first call writes the salt in front, so that salt, length and payload leave in one send.
   * @param output must not overlap the input
   * @returns how many bytes were written at `output[outputAt]`
   */
  seal(input: Region, inputAt: number, length: number, output: Region, outputAt: number): number {
    let to = outputAt;
    if (this.#key === undefined) {
      this.#key = this.#keyring.startSealing(output.bytes, to);
      to += this.#keyring.saltLength;
    }
    const end = inputAt + length;
    for (let from = inputAt; from < end; ) {
      const chunk = Math.min(MAX_CHUNK_PAYLOAD, end - from);
      output.bytes[to] = chunk >>> 8;
      output.bytes[to + 1] = chunk;
      this.#key.seal(this.#counter, output, to, LENGTH_LENGTH, output, to);
      to += LENGTH_LENGTH + TAG_LENGTH;
      this.#key.seal(this.#counter + 1, input, from, chunk, output, to);
      this.#counter += 2;
      to += chunk + TAG_LENGTH;
      from += chunk;
    }
    return to - outputAt;
  }

  /** Forgets the session's key. */
  release(): void {
    this.#key?.release();
    this.#key = undefined;
  }
}
