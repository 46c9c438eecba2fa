/**
 * The receiving half of an AEAD 2017 stream (SIP004): a salt, then chunks. A salt that came before, or is one of ours, is refused: a stream that
 * was recorded would be authentic again, and so would one that is sent back to where it came from.
 */

import { copyOfShort } from '../../../native-bindings/bytes.js';
import type { Region } from '../../../native-bindings/memory.js';
import { FORMAT_2017, receiveLength } from '../chunk-format.js';
import { ALL_CHUNKS, ChunkOpener } from '../chunk-opener.js';
import type { Keyring } from '../keyring.js';
import type { StreamOpener } from '../protocol.js';
import type { SaltFilter } from '../salt-filter.js';

/** Peers use empty chunks as padding; more than these in a row are an attempt to keep us busy for nothing. */
export const MAX_EMPTY_CHUNKS = 64;

export class StreamOpener2017 implements StreamOpener {
  consumedTo = 0;
  /** Why `open` refused: the salt was used before. */
  replayed = false;
  readonly #keyring: Keyring;
  readonly #salts: SaltFilter;
  #chunks: ChunkOpener | undefined = undefined;
  /** A chunk has shown that the sender has the key, and the salt is remembered: nobody else may make us do that. */
  #remembered = false;
  /** Where the first chunk did not come with it. */
  #salt: Uint8Array | undefined = undefined;
  #maxEmptyChunks = 0;

  /** @param salts of either direction */
  constructor(keyring: Keyring, salts: SaltFilter) {
    this.#keyring = keyring;
    this.#salts = salts;
  }

  get insideChunk(): boolean {
    return this.#chunks?.insideChunk === true;
  }

  /** From now on chunks without payload are skipped. While the address is not complete they are an error: no client sends one there. */
  allowEmptyChunks(): void {
    this.#maxEmptyChunks = MAX_EMPTY_CHUNKS;
    if (this.#chunks !== undefined) this.#chunks.maxEmptyChunks = MAX_EMPTY_CHUNKS;
  }

  receiveLength(count: number): number {
    return receiveLength(FORMAT_2017, count);
  }

  open(input: Region, from: number, end: number, output: Region, outputAt: number): number {
    return this.openChunks(input, from, end, output, outputAt, ALL_CHUNKS);
  }

  /** As `open`. @param maxChunks stop after so many */
  openChunks(input: Region, from: number, end: number, output: Region, outputAt: number, maxChunks: number): number {
    const at = this.#chunks === undefined ? this.#begin(input, from, end) : from;
    const chunks = this.#chunks;
    if (chunks === undefined) return 0;
    const opened = chunks.openChunks(input, at, end, output, outputAt, maxChunks);
    this.consumedTo = chunks.consumedTo;
    if (this.#remembered || opened < 0) return opened;
    if (opened > 0) return this.#remember(input, from) ? opened : -1;
    return this.#salt !== undefined || this.#wait(input, from) ? 0 : -1;
  }

  /** Reads the salt. @returns where the chunks begin */
  #begin(input: Region, from: number, end: number): number {
    const { saltLength } = this.#keyring;
    this.consumedTo = from;
    if (end - from < saltLength) return from;
    this.#chunks = new ChunkOpener(this.#keyring.startOpening(input, from), FORMAT_2017);
    this.#chunks.maxEmptyChunks = this.#maxEmptyChunks;
    return from + saltLength;
  }

  /** The first chunk is not whole yet. @returns false where it need not be waited for, because the salt has been used */
  #wait(input: Region, from: number): boolean {
    const { saltLength } = this.#keyring;
    this.replayed = this.#salts.seen(input.bytes, from, saltLength);
    if (!this.replayed) this.#salt = copyOfShort(input.bytes, from, from + saltLength);
    return !this.replayed;
  }

  /**
   * @param from where the salt is in the input, if it is not kept already
   * @returns false where another stream with the same salt was faster
   */
  #remember(input: Region, from: number): boolean {
    const { saltLength } = this.#keyring;
    this.#remembered = true;
    const added =
      this.#salt === undefined
        ? this.#salts.add(input.bytes, from, saltLength)
        : this.#salts.add(this.#salt, 0, saltLength);
    this.#salt = undefined;
    this.replayed = !added;
    return added;
  }

  release(): void {
    this.#chunks?.release();
    this.#chunks = undefined;
  }
}
