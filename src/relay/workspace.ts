/**
 * The two scratch buffers of a reactor. A chunk is received into one and sealed or opened into the other, so that no session holds
 * memory while nothing is stuck. Their contents are worth nothing once a handler returns.
 */

import { Region } from '../../native-bindings/memory.js';
import { LONGEST_UNIT } from '../shadowsocks/stream-opener.js';
import { MAX_CHUNK_PAYLOAD, StreamSealer } from '../shadowsocks/stream-sealer.js';

/**
 * Payload bytes of one receive: whole chunks, so that bulk data fills each of them. Measured against 4, 16 and 32 chunks
 * (docs/ARCHITECTURE.md); both buffers together stay below the processor's second-level cache.
 */
export const READ_LENGTH = 8 * MAX_CHUNK_PAYLOAD;

/** Room in front of what is received: for a target address before the first payload, at most 259 bytes. */
export const HEADROOM = 512;

/** A carried-over incomplete unit is put between headroom and received bytes. */
const INPUT_SIZE = HEADROOM + LONGEST_UNIT + READ_LENGTH;
/** Also the most that one send can leave over, so the size of a backlog. */
export const OUTPUT_SIZE = StreamSealer.sealedLength(INPUT_SIZE);

export class Workspace {
  readonly input = new Region(INPUT_SIZE);
  readonly output = new Region(OUTPUT_SIZE);

  release(): void {
    this.input.release();
    this.output.release();
  }
}
