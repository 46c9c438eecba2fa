/**
 * The header of a SOCKS5 datagram (RFC 1928 §7): `RSV RSV FRAG | ATYP address port`, the same in both directions. Fragments are not put together
 * here, which the RFC leaves open; they have to be dropped then.
 */

import { expectedTargetLength } from '../net/target.js';

/** RSV, RSV, FRAG. */
export const UDP_HEADER_LENGTH = 3;
/** The shortest address is that of a name of one byte. */
const SHORTEST_TARGET = 5;

/** Why a datagram of a program is dropped, as a negative result of `readUdpHeader`. */
export const BAD_UDP_HEADER = {
  /** Cut short, or what is reserved is in use. */
  malformed: -1,
  fragment: -2,
  /** No kind of address that there is. */
  address: -3,
} as const;

/**
 * Reads the header of the datagram `bytes[at, end)`. The address is only measured: whoever uses it decodes it.
 * @returns the length of the address, which stands at `at + UDP_HEADER_LENGTH`, or one of `BAD_UDP_HEADER`
 */
export function readUdpHeader(bytes: Uint8Array, at: number, end: number): number {
  const targetAt = at + UDP_HEADER_LENGTH;
  if (targetAt >= end || bytes[at] !== 0 || bytes[at + 1] !== 0) return BAD_UDP_HEADER.malformed;
  if (bytes[at + 2] !== 0) return BAD_UDP_HEADER.fragment;
  const length = expectedTargetLength(bytes, targetAt, end);
  if (targetAt + length > end) return BAD_UDP_HEADER.malformed;
  return length < SHORTEST_TARGET ? BAD_UDP_HEADER.address : length;
}

/** Writes the header's fixed part in front of `bytes[targetAt]`, where the address is. @returns where the datagram begins */
export function writeUdpHeader(bytes: Uint8Array, targetAt: number): number {
  const at = targetAt - UDP_HEADER_LENGTH;
  bytes[at] = 0;
  bytes[at + 1] = 0;
  bytes[at + 2] = 0;
  return at;
}
