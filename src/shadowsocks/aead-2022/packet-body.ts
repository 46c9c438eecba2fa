/**
 * What stands in front of the plaintext in a datagram's body (SIP022 §3.2.2):
 *
 *   a client's   type 00 | Unix time u64 |                     padding length u16 | padding
 *   a server's   type 01 | Unix time u64 | client session id | padding length u16 | padding
 */

import { copyShort } from '../../../native-bindings/bytes.js';
import type { RandomSource } from '../../crypto/random.js';
import { REJECTED } from '../packet-protocol.js';
import { equalBytes } from './keys.js';
import { ID_LENGTH } from './packet-cipher.js';
import { isTimely, secondsAhead, TIME_LENGTH, type WallClock, writeTime } from './time.js';

const CLIENT_TYPE = 0;
const SERVER_TYPE = 1;

const TIME_AT = 1;
const PADDING_LENGTH_LENGTH = 2;

/**
 * Writes the header of a body in front of `bytes[at]`.
 * @param clientSessionId a server's answer names the session that it answers
 * @returns where the body begins
 */
export function writeBodyHeader(
  bytes: Uint8Array,
  at: number,
  clock: WallClock,
  clientSessionId: Uint8Array | undefined,
  paddingLength: number,
  random: RandomSource,
): number {
  const paddingAt = at - paddingLength;
  if (paddingLength > 0) random(bytes, paddingAt, paddingLength);
  bytes[paddingAt - 2] = paddingLength >>> 8;
  bytes[paddingAt - 1] = paddingLength;
  let from = paddingAt - PADDING_LENGTH_LENGTH;
  if (clientSessionId !== undefined) {
    from -= ID_LENGTH;
    copyShort(clientSessionId, 0, ID_LENGTH, bytes, from);
  }
  from -= TIME_AT + TIME_LENGTH;
  bytes[from] = clientSessionId === undefined ? CLIENT_TYPE : SERVER_TYPE;
  writeTime(clock, bytes, from + TIME_AT);
  return from;
}

/**
 * Checks the header of the body `bytes[at, at + length)`: type, time, session, padding, in this order.
 * @param clientSessionId what an answer has to name; absent where a client's packet is read
 * @returns its length, padding included, or one of `REJECTED`
 */
export function readBodyHeader(
  bytes: Uint8Array,
  at: number,
  length: number,
  clock: WallClock,
  clientSessionId: Uint8Array | undefined,
): number {
  const idLength = clientSessionId === undefined ? 0 : ID_LENGTH;
  const paddingAt = TIME_AT + TIME_LENGTH + idLength + PADDING_LENGTH_LENGTH;
  if (length < paddingAt) return REJECTED.malformed;
  if (bytes[at] !== (clientSessionId === undefined ? CLIENT_TYPE : SERVER_TYPE)) return REJECTED.type;
  const aheadS = secondsAhead(clock, bytes, at + TIME_AT);
  if (!isTimely(aheadS)) {
    clock.handleSkew(clientSessionId === undefined ? 'client' : 'server', aheadS);
    return REJECTED.time;
  }
  if (clientSessionId !== undefined && !equalBytes(clientSessionId, bytes, at + TIME_AT + TIME_LENGTH)) {
    return REJECTED.session;
  }
  const paddingLength = (bytes[at + paddingAt - 2] << 8) | bytes[at + paddingAt - 1];
  return paddingAt + paddingLength > length ? REJECTED.malformed : paddingAt + paddingLength;
}
