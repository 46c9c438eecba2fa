/** How a stream is cut into chunks of `AE(length u16) AE(payload)`, which AEAD 2017 and the edition of 2022 share but for their limits. */

import { MAX_IDENTITY_KEYS } from '../config/types.js';
import { TAG_LENGTH } from '../crypto/aead.js';
import { CHUNK_PAYLOAD } from './protocol.js';

export const LENGTH_LENGTH = 2;
/** What a chunk adds to its payload: the length, its tag, the payload's tag. */
export const CHUNK_OVERHEAD = LENGTH_LENGTH + TAG_LENGTH + TAG_LENGTH;

export interface ChunkFormat {
  /** Payload bytes that a peer may put into one. */
  readonly maxPayload: number;
  /** Payload bytes that we put into one, where there are as many: whole `CHUNK_PAYLOAD`s. */
  readonly fullPayload: number;
}

/** SIP004: the two upper bits of a length are reserved. */
export const FORMAT_2017: ChunkFormat = { maxPayload: 0x3fff, fullPayload: CHUNK_PAYLOAD };

/** SIP022. The four that fit a length of 16 bits leave 3 of it unused, and a receive of them ends where ours ends. */
export const FORMAT_2022: ChunkFormat = { maxPayload: 0xffff, fullPayload: 4 * CHUNK_PAYLOAD };

/** The longest unit of either: what a caller must be able to keep between two calls of an opener is one byte less. */
export const LONGEST_UNIT = FORMAT_2022.maxPayload + TAG_LENGTH;

/** The most that goes in front of a first payload, sealed: salt, identity headers, fixed header (SIP022: type, time, salt, length), two tags. */
const HEAD_LENGTH = 32 + MAX_IDENTITY_KEYS * 16 + (1 + 8 + 32 + 2) + 2 * TAG_LENGTH;

/** How many bytes `length` bytes of payload and header become at most, in any protocol. */
export function sealedLength(length: number): number {
  return HEAD_LENGTH + length + Math.ceil(length / CHUNK_PAYLOAD) * CHUNK_OVERHEAD;
}

/** How many bytes to receive, so that `count` times `CHUNK_PAYLOAD` come out and the end is that of a unit. */
export function receiveLength(format: ChunkFormat, count: number): number {
  const units = Math.ceil((count * CHUNK_PAYLOAD) / format.fullPayload);
  return units * (format.fullPayload + CHUNK_OVERHEAD);
}
