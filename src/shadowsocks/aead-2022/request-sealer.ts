/**
 * A client's sending half: `salt, identity headers, AE(fixed header), AE(address, padding, first payload)` in one piece, then chunks.
 */

import { copyShort } from '../../../native-bindings/bytes.js';
import type { Region } from '../../../native-bindings/memory.js';
import { encodeTarget, type Target, targetLength } from '../../net/target.js';
import { FORMAT_2022, LENGTH_LENGTH } from '../chunk-format.js';
import { ChunkSealer } from '../chunk-sealer.js';
import type { Keyring } from '../keyring.js';
import { CHUNK_PAYLOAD, type StreamSealer } from '../protocol.js';
import { REQUEST_HEADER_LENGTH, TYPE_REQUEST, writeLength, writeTypeAndTime } from './header.js';
import type { IdentityWriter } from './identity.js';
import type { PaddingSource } from './padding.js';
import type { WallClock } from './time.js';

/** A server cannot connect before it has all of the variable header: so only a part of a long first payload goes into it. */
const MAX_VARIABLE_HEADER = CHUNK_PAYLOAD;

/** What all connections to a server share. */
export interface RequestMeans {
  readonly keyring: Keyring;
  /** Undefined where the server is the only hop. */
  readonly identity: IdentityWriter | undefined;
  readonly padding: PaddingSource;
  readonly clock: WallClock;
}

export class RequestSealer2022 implements StreamSealer {
  readonly #means: RequestMeans;
  readonly #target: Target;
  #chunks: ChunkSealer | undefined = undefined;
  #salt: Uint8Array | undefined = undefined;

  constructor(means: RequestMeans, target: Target) {
    this.#means = means;
    this.#target = target;
  }

  /** What the response must repeat; undefined while no request has gone. */
  get salt(): Uint8Array | undefined {
    return this.#salt;
  }

  seal(input: Region, inputAt: number, length: number, output: Region, outputAt: number): number {
    const end = inputAt + length;
    if (this.#chunks !== undefined) {
      return this.#chunks.sealChunks(input, inputAt, length, output, outputAt) - outputAt;
    }
    const { keyring, identity } = this.#means;
    const chunks = new ChunkSealer(keyring.startSealing(output, outputAt), FORMAT_2022);
    this.#chunks = chunks;
    this.#salt = new Uint8Array(keyring.saltLength);
    copyShort(output.bytes, outputAt, keyring.saltLength, this.#salt, 0);
    let to = outputAt + keyring.saltLength;
    if (identity !== undefined) {
      identity.write(output, outputAt, to);
      to += identity.length;
    }
    const from = this.#writeVariableHeader(input, inputAt, length);
    const headerEnd = Math.min(end, from + MAX_VARIABLE_HEADER);
    to = this.#sealFixedHeader(chunks, headerEnd - from, output, to);
    to = chunks.sealMessage(input, from, headerEnd - from, output, to);
    return chunks.sealChunks(input, headerEnd, end - headerEnd, output, to) - outputAt;
  }

  /** Writes address and padding in front of the payload at `input[inputAt]`. @returns where they begin */
  #writeVariableHeader(input: Region, inputAt: number, payloadLength: number): number {
    const { padding } = this.#means;
    const paddingLength = padding.lengthFor(payloadLength);
    const paddingAt = inputAt - paddingLength;
    padding.fill(input.bytes, paddingAt, paddingLength);
    const lengthAt = paddingAt - LENGTH_LENGTH;
    writeLength(paddingLength, input.bytes, lengthAt);
    const from = lengthAt - targetLength(this.#target);
    encodeTarget(this.#target, input.bytes, from);
    return from;
  }

  /** @returns where the next message goes */
  #sealFixedHeader(chunks: ChunkSealer, variableLength: number, output: Region, to: number): number {
    writeTypeAndTime(TYPE_REQUEST, this.#means.clock, output.bytes, to);
    writeLength(variableLength, output.bytes, to + REQUEST_HEADER_LENGTH - LENGTH_LENGTH);
    return chunks.sealMessage(output, to, REQUEST_HEADER_LENGTH, output, to);
  }

  release(): void {
    this.#chunks?.release();
    this.#chunks = undefined;
  }
}
