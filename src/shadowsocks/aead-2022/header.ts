/**
 * The fixed headers of streams (SIP022 §3.1): `type, time, length` of a request, `type, time, request salt, length` of a response. The length
 * is that of what follows: the variable header, or the first payload.
 */

import { TAG_LENGTH } from '../../crypto/aead.js';
import { LENGTH_LENGTH } from '../chunk-format.js';
import { TIME_LENGTH, type WallClock, writeTime } from './time.js';

/** So that a recorded request is no response, nor the other way round. */
export const TYPE_REQUEST = 0;
export const TYPE_RESPONSE = 1;

const TYPE_LENGTH = 1;
export const TIME_AT = TYPE_LENGTH;
export const REQUEST_HEADER_LENGTH = TYPE_LENGTH + TIME_LENGTH + LENGTH_LENGTH;
export const SEALED_REQUEST_HEADER_LENGTH = REQUEST_HEADER_LENGTH + TAG_LENGTH;
export const REQUEST_SALT_AT = TIME_AT + TIME_LENGTH;

export function responseHeaderLength(saltLength: number): number {
  return TYPE_LENGTH + TIME_LENGTH + saltLength + LENGTH_LENGTH;
}

export function writeTypeAndTime(type: number, clock: WallClock, into: Uint8Array, at: number): void {
  into[at] = type;
  writeTime(clock, into, at + TIME_AT);
}

export function writeLength(length: number, into: Uint8Array, at: number): void {
  into[at] = length >>> 8;
  into[at + 1] = length;
}

export function readLength(from: Uint8Array, at: number): number {
  return (from[at] << 8) | from[at + 1];
}
