/**
 * The sending half of an AEAD 2017 stream (SIP004): `salt`, then chunks of `AE(length u16) AE(payload)`, each of the two with the next
 * nonce. Pure: from one piece of memory into another; a byte of payload is touched once, by the cipher.
 */

import type { Region } from '../../../native-bindings/memory.js';
import { type SealingKey, TAG_LENGTH } from '../../crypto/aead.js';
import { encodeTarget, type Target, targetLength } from '../../net/target.js';
import type { Keyring } from '../keyring.js';
import { CHUNK_PAYLOAD, type StreamSealer } from '../protocol.js';

export const LENGTH_LENGTH = 2;
/** What a chunk adds to its payload: the length, its tag, the payload's tag. */
export const CHUNK_OVERHEAD = LENGTH_LENGTH + TAG_LENGTH + TAG_LENGTH;

export class StreamSealer2017 implements StreamSealer {
  readonly #keyring: Keyring;
  #key: SealingKey | undefined = undefined;
  #counter = 0;
  /** A client's, until it has gone. */
  #header: Target | undefined;

  /** @param header goes in front of the first payload: a client's */
  constructor(keyring: Keyring, header: Target | undefined) {
    this.#keyring = keyring;
    this.#header = header;
  }

  /** How many bytes `length` bytes of payload become at most, the salt included. */
  static sealedLength(length: number): number {
    return 32 + length + Math.ceil(length / CHUNK_PAYLOAD) * CHUNK_OVERHEAD;
  }

  seal(input: Region, inputAt: number, length: number, output: Region, outputAt: number): number {
    let to = outputAt;
    if (this.#key === undefined) {
      this.#key = this.#keyring.startSealing(output.bytes, to);
      to += this.#keyring.saltLength;
    }
    const end = inputAt + length;
    let from = inputAt;
    if (this.#header !== undefined) {
      from -= targetLength(this.#header);
      encodeTarget(this.#header, input.bytes, from);
      this.#header = undefined;
    }
    while (from < end) {
      const chunk = Math.min(CHUNK_PAYLOAD, end - from);
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
