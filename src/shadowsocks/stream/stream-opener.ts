/**
 * The receiving half of a stream without authentication. Whatever comes behind the IV becomes plaintext, at once and to the last byte: nothing
 * tells what a peer has sent from what was made of it on the way.
 */

import { copyOfShort } from '../../../native-bindings/bytes.js';
import type { Region } from '../../../native-bindings/memory.js';
import type { StreamCipher } from '../../crypto/stream-cipher.js';
import { CHUNK_PAYLOAD, type StreamOpener } from '../protocol.js';
import type { UnauthenticatedKeyring } from './keyring.js';

export class UnauthenticatedOpener implements StreamOpener {
  consumedTo = 0;
  /** There are no chunks: such a stream may end anywhere behind its IV. */
  readonly insideChunk = false;
  readonly #keyring: UnauthenticatedKeyring;
  readonly #remembers: boolean;
  #cipher: StreamCipher | undefined = undefined;
  #iv: Uint8Array | undefined = undefined;

  /** @param of a server's stream comes because we asked for it; of a client's nothing is known until it is accepted */
  constructor(keyring: UnauthenticatedKeyring, of: 'server' | 'client') {
    this.#keyring = keyring;
    this.#remembers = of === 'server';
  }

  receiveLength(chunks: number): number {
    return chunks * CHUNK_PAYLOAD;
  }

  /** As the interface says; −1 for a stream whose IV was used before. */
  open(input: Region, from: number, end: number, output: Region, outputAt: number): number {
    this.consumedTo = from;
    if (this.#cipher === undefined) {
      const { ivLength } = this.#keyring;
      if (end - from < ivLength) return 0;
      if (!this.#isFresh(input.bytes, from)) return -1;
      this.#cipher = this.#keyring.startOpening(input.bytes, from);
      this.consumedTo += ivLength;
    }
    const length = end - this.consumedTo;
    this.#cipher.apply(input, this.consumedTo, length, output, outputAt);
    this.consumedTo = end;
    return length;
  }

  #isFresh(bytes: Uint8Array, at: number): boolean {
    if (this.#remembers) return this.#keyring.remember(bytes, at);
    this.#iv = copyOfShort(bytes, at, at + this.#keyring.ivLength);
    return !this.#keyring.isUsed(bytes, at);
  }

  /** A client's stream makes sense: its IV is remembered from now on. @returns false where another one with the same was faster */
  accept(): boolean {
    const iv = this.#iv;
    this.#iv = undefined;
    return iv !== undefined && this.#keyring.remember(iv, 0);
  }

  release(): void {
    if (this.#cipher !== undefined) this.#keyring.giveBack(this.#cipher, 'decrypt');
    this.#cipher = undefined;
  }
}
