/**
 * The two scratch buffers of a reactor. A chunk is received into one and sealed or opened into the other, so that no session holds
 * memory while nothing is stuck. Their contents are worth nothing once a handler returns.
 */

import { Region } from '../../native-bindings/memory.js';
import { CHUNK_OVERHEAD, FORMAT_2022, sealedLength } from '../shadowsocks/chunk-format.js';
import { CHUNK_PAYLOAD, HEADER_ROOM } from '../shadowsocks/protocol.js';

/**
 * Payload bytes of one receive at most: whole chunks, so that bulk data fills each of them. CPU seconds for a GiB fall with it (8, 16, 32 and
 * 64 chunks: 2.87, 2.61, 2.41 and 2.31; docs/ARCHITECTURE.md), and so does fairness, and memory while a peer stalls.
 */
export const MAX_READ_CHUNKS = 32;
export const READ_LENGTH = MAX_READ_CHUNKS * CHUNK_PAYLOAD;

/** Room in front of what is received: for the header that goes with the first payload. */
export const HEADROOM = HEADER_ROOM;

/** A receive of sealed chunks, the incomplete one in front of it included. */
const INPUT_SIZE = HEADROOM + READ_LENGTH + MAX_READ_CHUNKS * CHUNK_OVERHEAD;
/** Also the most that one send can leave over. */
export const OUTPUT_SIZE = sealedLength(INPUT_SIZE);

/** The most that a send of one chunk of the 2022 edition can leave over, or one of the first receives; an incomplete chunk is shorter. */
export const MEDIUM_OUTPUT_SIZE = sealedLength(HEADROOM + FORMAT_2022.fullPayload);

/** The most that a send of one chunk of AEAD 2017 can leave over, the header of a first one included. */
export const SMALL_OUTPUT_SIZE = sealedLength(HEADROOM + CHUNK_PAYLOAD);

export class Workspace {
  readonly input = new Region(INPUT_SIZE);
  readonly output = new Region(OUTPUT_SIZE);

  release(): void {
    this.input.release();
    this.output.release();
  }
}
