/**
 * The two scratch buffers of a reactor. A chunk is received into one and sealed or opened into the other, so that no session holds
 * memory while nothing is stuck. Their contents are worth nothing once a handler returns.
 */

import { Region } from '../../native-bindings/memory.js';
import { LONGEST_UNIT } from '../shadowsocks/aead-2017/stream-opener.js';
import { StreamSealer2017 } from '../shadowsocks/aead-2017/stream-sealer.js';
import { CHUNK_PAYLOAD, HEADER_ROOM } from '../shadowsocks/protocol.js';

/**
 * Payload bytes of one receive at most: whole chunks, so that bulk data fills each of them. CPU seconds for a GiB fall with it (8, 16, 32 and
 * 64 chunks: 2.87, 2.61, 2.41 and 2.31; docs/ARCHITECTURE.md), and so does fairness, and memory while a peer stalls.
 */
export const MAX_READ_CHUNKS = 32;
export const READ_LENGTH = MAX_READ_CHUNKS * CHUNK_PAYLOAD;

/** Room in front of what is received: for the header that goes with the first payload. */
export const HEADROOM = HEADER_ROOM;

/** A carried-over incomplete unit is put between headroom and received bytes. */
const INPUT_SIZE = HEADROOM + LONGEST_UNIT + READ_LENGTH;
/** Also the most that one send can leave over. */
export const OUTPUT_SIZE = StreamSealer2017.sealedLength(INPUT_SIZE);

/** The most that a send of one chunk can leave over, the header of a first one included. */
export const SMALL_OUTPUT_SIZE = StreamSealer2017.sealedLength(HEADROOM + CHUNK_PAYLOAD);

export class Workspace {
  readonly input = new Region(INPUT_SIZE);
  readonly output = new Region(OUTPUT_SIZE);

  release(): void {
    this.input.release();
    this.output.release();
  }
}
