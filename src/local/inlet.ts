/** Which protocol a program speaks to an inlet, by the first byte that it sends, and how it is answered. */

import type { InletKind } from '../config/types.js';
import { CONNECTED, failureAnswer, NOT_UNDERSTOOD } from '../http-proxy/answers.js';
import type { SocksCredentials } from '../socks/credentials.js';
import type { SocksHandshake } from '../socks/handshake.js';
import { SOCKS_VERSION } from '../socks/reply.js';
import { SOCKS4_VERSION, Socks4Handshake } from '../socks/socks4.js';
import { Socks5Handshake } from '../socks/socks5.js';

/** What a program is told that asked for a connection; undefined where there is nothing to be said. Nobody may write into it. */
export interface ConnectionAnswers {
  /** It stands; payload follows. */
  readonly granted: Uint8Array | undefined;
  /** @param failure errno name such as `ECONNREFUSED`, or a look-up's failure */
  refused(failure: string): Uint8Array | undefined;
}

/** Of a tunnel, whose programs know nothing of a proxy. */
export const NO_ANSWERS: ConnectionAnswers = { granted: undefined, refused: () => undefined };

/** Of HTTP CONNECT. The connection ends with a refusal. */
export const CONNECT_ANSWERS: ConnectionAnswers = {
  granted: CONNECTED,
  refused: (failure) => failureAnswer(failure, NOT_UNDERSTOOD).bytes,
};

/** Methods of HTTP begin with a capital letter. */
const FIRST_LETTER = 0x41;
const LAST_LETTER = 0x5a;

/** @returns a handshake of SOCKS, or that it is HTTP; undefined for what this kind of inlet does not speak */
export function recognize(
  firstByte: number,
  kind: InletKind,
  credentials: SocksCredentials,
): SocksHandshake | 'http' | undefined {
  if (kind === 'mixed' || kind === 'socks') {
    if (firstByte === SOCKS_VERSION) return new Socks5Handshake(credentials);
    if (firstByte === SOCKS4_VERSION) return new Socks4Handshake(!credentials.required);
  }
  const isHttp = firstByte >= FIRST_LETTER && firstByte <= LAST_LETTER;
  return isHttp && (kind === 'mixed' || kind === 'http') ? 'http' : undefined;
}
