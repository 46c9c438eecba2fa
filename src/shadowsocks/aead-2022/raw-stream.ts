/** What a hop makes of a connection once it has taken its identity header off: nothing. What comes in goes out, sealed as it is. */

import type { Region } from '../../../native-bindings/memory.js';
import { CHUNK_PAYLOAD, type StreamOpener, type StreamSealer } from '../protocol.js';

/** Copies `input[at, at + length)` to `output[outputAt, …)`. */
export function copyBetween(input: Region, at: number, length: number, output: Region, outputAt: number): void {
  input.at(at, length);
  output.at(outputAt, length);
  output.bytes.set(input.bytes.subarray(at, at + length), outputAt);
}

/** To the client, for all connections: it has no state. */
export const RAW_SEALER: StreamSealer = {
  seal(input, inputAt, length, output, outputAt) {
    copyBetween(input, inputAt, length, output, outputAt);
    return length;
  },
  release() {},
};

/** From the client. */
export class RawOpener implements StreamOpener {
  consumedTo = 0;
  /** Where chunks begin is not known here: whether a stream was cut short, the last hop tells. */
  readonly insideChunk = false;

  receiveLength(chunks: number): number {
    return chunks * CHUNK_PAYLOAD;
  }

  open(input: Region, from: number, end: number, output: Region, outputAt: number): number {
    copyBetween(input, from, end - from, output, outputAt);
    this.consumedTo = end;
    return end - from;
  }

  release(): void {}
}
