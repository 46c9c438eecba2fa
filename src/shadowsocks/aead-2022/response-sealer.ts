/**
 * A server's sending half: `salt, AE(fixed header), AE(first payload)`, then chunks. The header takes the place of the first chunk's length, so
 * there is none before there is payload: a target that ends without any gives a mere FIN.
 */

import { copyShort } from '../../../native-bindings/bytes.js';
import type { Region } from '../../../native-bindings/memory.js';
import { FORMAT_2022, LENGTH_LENGTH } from '../chunk-format.js';
import { ChunkSealer } from '../chunk-sealer.js';
import type { Keyring } from '../keyring.js';
import type { StreamSealer } from '../protocol.js';
import { REQUEST_SALT_AT, responseHeaderLength, TYPE_RESPONSE, writeLength, writeTypeAndTime } from './header.js';
import type { WallClock } from './time.js';

export class ResponseSealer2022 implements StreamSealer {
  readonly #keyring: Keyring;
  readonly #requestSalt: Uint8Array;
  readonly #clock: WallClock;
  #chunks: ChunkSealer | undefined = undefined;

  /** @param requestSalt shows the client that this is the answer to its own request */
  constructor(keyring: Keyring, requestSalt: Uint8Array, clock: WallClock) {
    this.#keyring = keyring;
    this.#requestSalt = requestSalt;
    this.#clock = clock;
  }

  seal(input: Region, inputAt: number, length: number, output: Region, outputAt: number): number {
    if (this.#chunks !== undefined) {
      return this.#chunks.sealChunks(input, inputAt, length, output, outputAt) - outputAt;
    }
    if (length === 0) return 0;
    const chunks = new ChunkSealer(this.#keyring.startSealing(output, outputAt), FORMAT_2022);
    this.#chunks = chunks;
    const first = Math.min(length, FORMAT_2022.fullPayload);
    let to = outputAt + this.#keyring.saltLength;
    to = this.#sealFixedHeader(chunks, first, output, to);
    to = chunks.sealMessage(input, inputAt, first, output, to);
    return chunks.sealChunks(input, inputAt + first, length - first, output, to) - outputAt;
  }

  /** @returns where the next message goes */
  #sealFixedHeader(chunks: ChunkSealer, payloadLength: number, output: Region, to: number): number {
    const salt = this.#requestSalt;
    const headerLength = responseHeaderLength(salt.length);
    writeTypeAndTime(TYPE_RESPONSE, this.#clock, output.bytes, to);
    copyShort(salt, 0, salt.length, output.bytes, to + REQUEST_SALT_AT);
    writeLength(payloadLength, output.bytes, to + headerLength - LENGTH_LENGTH);
    return chunks.sealMessage(output, to, headerLength, output, to);
  }

  release(): void {
    this.#chunks?.release();
    this.#chunks = undefined;
  }
}
