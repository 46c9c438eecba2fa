/**
 * A client's receiving half. The salt and the fixed header have to come by one receive: whoever plays the server without its key then sees the
 * connection end at the first bytes, however few or many they are.
 */

import type { Region } from '../../../native-bindings/memory.js';
import { TAG_LENGTH } from '../../crypto/aead.js';
import { FORMAT_2022, LENGTH_LENGTH, receiveLength } from '../chunk-format.js';
import { ChunkOpener } from '../chunk-opener.js';
import type { Keyring } from '../keyring.js';
import type { StreamOpener } from '../protocol.js';
import { REQUEST_SALT_AT, readLength, responseHeaderLength, TIME_AT, TYPE_RESPONSE } from './header.js';
import { equalBytes } from './keys.js';
import type { RequestSealer2022 } from './request-sealer.js';
import { isTimely, secondsAhead, type WallClock } from './time.js';

export class ResponseOpener2022 implements StreamOpener {
  consumedTo = 0;
  readonly #keyring: Keyring;
  readonly #request: RequestSealer2022;
  readonly #clock: WallClock;
  #chunks: ChunkOpener | undefined = undefined;

  /** @param request what is to be answered */
  constructor(keyring: Keyring, request: RequestSealer2022, clock: WallClock) {
    this.#keyring = keyring;
    this.#request = request;
    this.#clock = clock;
  }

  get insideChunk(): boolean {
    return this.#chunks?.insideChunk === true;
  }

  receiveLength(count: number): number {
    return receiveLength(FORMAT_2022, count);
  }

  open(input: Region, from: number, end: number, output: Region, outputAt: number): number {
    let at = from;
    if (this.#chunks === undefined) {
      at = this.#begin(input, from, end, output, outputAt);
      if (at === -1) return -1;
    }
    const chunks = this.#chunks;
    if (chunks === undefined) return -1;
    const opened = chunks.open(input, at, end, output, outputAt);
    this.consumedTo = chunks.consumedTo;
    return opened;
  }

  /** Reads salt and fixed header. @returns where the first payload begins, or −1 */
  #begin(input: Region, from: number, end: number, output: Region, outputAt: number): number {
    const { saltLength } = this.#keyring;
    const headerLength = responseHeaderLength(saltLength);
    const headerAt = from + saltLength;
    const headerEnd = headerAt + headerLength + TAG_LENGTH;
    if (end < headerEnd) return -1;
    const chunks = new ChunkOpener(this.#keyring.startOpening(input, from), FORMAT_2022);
    this.#chunks = chunks;
    if (!chunks.openMessage(input, headerAt, headerLength, output, outputAt)) return -1;
    if (!this.#isAnswer(output.bytes, outputAt)) return -1;
    const payloadLength = readLength(output.bytes, outputAt + headerLength - LENGTH_LENGTH);
    return chunks.expectPayload(payloadLength) ? headerEnd : -1;
  }

  /** The time comes last, so that only the server's own answer can tell what its clock says. */
  #isAnswer(header: Uint8Array, at: number): boolean {
    const { salt } = this.#request;
    if (header[at] !== TYPE_RESPONSE || salt === undefined) return false;
    if (!equalBytes(salt, header, at + REQUEST_SALT_AT)) return false;
    const aheadS = secondsAhead(this.#clock, header, at + TIME_AT);
    if (isTimely(aheadS)) return true;
    this.#clock.handleSkew('server', aheadS);
    return false;
  }

  release(): void {
    this.#chunks?.release();
    this.#chunks = undefined;
  }
}
