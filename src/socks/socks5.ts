/**
 * The server side of the SOCKS5 handshake (RFC 1928, RFC 1929) as a pure state machine: bytes in, what to send or to do
 * out. It knows no socket, so that every split and every pipelining of the input can be tested.
 *
 *   greeting ──► (user/password) ──► request
 *
 * A client may send everything at once, greeting, request and payload in one segment, or byte by byte. A message that
 * lies whole in the input is parsed where it is; only a split one is collected in a buffer of its own, bounded by the
 * largest message.
 */

import type { BadTargetReason } from '../net/target.js';
import { decodeTarget, expectedTargetLength, MAX_TARGET_LENGTH } from '../net/target.js';
import type { SocksCredentials } from './credentials.js';
import type { SocksAnswers, SocksCommand, SocksFailure, SocksHandshake, SocksOutcome } from './handshake.js';
import type { Rep } from './reply.js';
import { encodeReply, REP, replyForErrno, SOCKS_VERSION } from './reply.js';

const METHOD = { NONE: 0x00, USER_PASSWORD: 0x02, NO_ACCEPTABLE: 0xff } as const;
/** RFC 1929: the sub-negotiation has a version of its own. */
const AUTH_VERSION = 1;
const COMMANDS: readonly (SocksCommand | undefined)[] = [undefined, 'connect', 'bind', 'udp-associate'];

/** VER, CMD, RSV before the address. */
const REQUEST_HEAD_LENGTH = 3;
/** The largest message is VER ULEN UNAME PLEN PASSWD; a greeting has at most 257 bytes and a request 262. */
const MAX_MESSAGE_LENGTH = Math.max(1 + 1 + 255 + 1 + 255, REQUEST_HEAD_LENGTH + MAX_TARGET_LENGTH);

const MORE: SocksOutcome = { kind: 'more' };
const CHOSE_NONE: SocksOutcome = { kind: 'reply', bytes: Uint8Array.of(SOCKS_VERSION, METHOD.NONE) };
const CHOSE_USER_PASSWORD: SocksOutcome = { kind: 'reply', bytes: Uint8Array.of(SOCKS_VERSION, METHOD.USER_PASSWORD) };
const AUTHENTICATED: SocksOutcome = { kind: 'reply', bytes: Uint8Array.of(AUTH_VERSION, 0x00) };
const NO_ACCEPTABLE_METHOD = failed('no-acceptable-method', Uint8Array.of(SOCKS_VERSION, METHOD.NO_ACCEPTABLE));
const BAD_CREDENTIALS = failed('bad-credentials', Uint8Array.of(AUTH_VERSION, 0x01));
const BAD_GREETING_VERSION = failed('version', undefined);
const BAD_AUTH_VERSION = failed('version', Uint8Array.of(AUTH_VERSION, 0x01));
const BAD_REQUEST_VERSION = failed('version', encodeReply(REP.GENERAL_FAILURE));
const UNKNOWN_COMMAND = failed('unknown-command', encodeReply(REP.COMMAND_NOT_SUPPORTED));

const ANSWERS: SocksAnswers = {
  granted: encodeReply(REP.SUCCEEDED),
  unsupported: encodeReply(REP.COMMAND_NOT_SUPPORTED),
  refused: (failure) => encodeReply(replyForErrno(failure)),
};

type Stage = 'greeting' | 'authentication' | 'request' | 'over';

export class Socks5Handshake implements SocksHandshake {
  consumed = 0;
  readonly answers = ANSWERS;
  readonly #credentials: SocksCredentials;
  #stage: Stage = 'greeting';
  /** The message that came in pieces so far; made when the first one does, which is rare. */
  #pieces: Uint8Array | undefined = undefined;
  #piecesLength = 0;

  constructor(credentials: SocksCredentials) {
    this.#credentials = credentials;
  }

  feed(bytes: Uint8Array, start: number, end: number): SocksOutcome {
    this.consumed = 0;
    if (this.#piecesLength > 0) return this.#feedPieces(bytes, start, end);
    const needed = this.#messageLength(bytes, start, end);
    if (needed <= end - start) {
      this.consumed = needed;
      return this.#finish(bytes, start, start + needed);
    }
    if (end > start) {
      this.#pieces ??= new Uint8Array(MAX_MESSAGE_LENGTH);
      this.#collect(bytes, start, end);
    }
    return MORE;
  }

  #feedPieces(bytes: Uint8Array, start: number, end: number): SocksOutcome {
    const pieces = this.#pieces as Uint8Array;
    // Each round takes what is known to be missing, which may reveal a length field that asks for more.
    for (;;) {
      const missing = this.#messageLength(pieces, 0, this.#piecesLength) - this.#piecesLength;
      if (missing <= 0) break;
      const from = start + this.consumed;
      if (from === end) return MORE;
      this.#collect(bytes, from, Math.min(end, from + missing));
    }
    const length = this.#piecesLength;
    this.#piecesLength = 0;
    return this.#finish(pieces, 0, length);
  }

  #collect(bytes: Uint8Array, from: number, to: number): void {
    (this.#pieces as Uint8Array).set(bytes.subarray(from, to), this.#piecesLength);
    this.#piecesLength += to - from;
    this.consumed += to - from;
  }

  #finish(bytes: Uint8Array, start: number, end: number): SocksOutcome {
    const outcome = this.#parse(bytes, start, end);
    if (outcome.kind === 'request' || outcome.kind === 'failed') this.#stage = 'over';
    return outcome;
  }

  #parse(bytes: Uint8Array, start: number, end: number): SocksOutcome {
    switch (this.#stage) {
      case 'greeting':
        return this.#parseGreeting(bytes, start);
      case 'authentication':
        return this.#parseAuthentication(bytes, start);
      case 'request':
        return parseRequest(bytes, start, end);
      case 'over':
        throw new Error('a SOCKS handshake that is over was fed again');
      default:
        return unreachable(this.#stage);
    }
  }

  /**
   * The length of the message that begins at `start` as far as `end` tells: more than `end - start` while it is
   * incomplete, no more once it is whole or already known to be wrong.
   */
  #messageLength(bytes: Uint8Array, start: number, end: number): number {
    switch (this.#stage) {
      case 'greeting':
        return greetingLength(bytes, start, end);
      case 'authentication':
        return authenticationLength(bytes, start, end);
      case 'request':
        return requestLength(bytes, start, end);
      case 'over':
        return 0;
      default:
        return unreachable(this.#stage);
    }
  }

  /** The method is the server's choice: the client's order means nothing. */
  #parseGreeting(bytes: Uint8Array, start: number): SocksOutcome {
    if (bytes[start] !== SOCKS_VERSION) return BAD_GREETING_VERSION;
    const wanted = this.#credentials.required ? METHOD.USER_PASSWORD : METHOD.NONE;
    const methodsEnd = start + 2 + bytes[start + 1];
    for (let i = start + 2; i < methodsEnd; i++) {
      if (bytes[i] !== wanted) continue;
      this.#stage = this.#credentials.required ? 'authentication' : 'request';
      return this.#credentials.required ? CHOSE_USER_PASSWORD : CHOSE_NONE;
    }
    return NO_ACCEPTABLE_METHOD;
  }

  /**
   * Lengths of 0 are out of RFC 1929's range but sent by real clients for an empty password; they simply match or
   * don't.
   */
  #parseAuthentication(bytes: Uint8Array, start: number): SocksOutcome {
    if (bytes[start] !== AUTH_VERSION) return BAD_AUTH_VERSION;
    const userEnd = start + 2 + bytes[start + 1];
    const user = bytes.subarray(start + 2, userEnd);
    const password = bytes.subarray(userEnd + 1, userEnd + 1 + bytes[userEnd]);
    if (!this.#credentials.matches(user, password)) return BAD_CREDENTIALS;
    this.#stage = 'request';
    return AUTHENTICATED;
  }
}

/** VER NMETHODS METHODS */
function greetingLength(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 1) return 1;
  // A wrong version is known by its first byte: what follows is another protocol's and has no length here.
  if (bytes[start] !== SOCKS_VERSION) return 1;
  return end - start < 2 ? 2 : 2 + bytes[start + 1];
}

/** VER ULEN UNAME PLEN PASSWD */
function authenticationLength(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 1) return 1;
  if (bytes[start] !== AUTH_VERSION) return 1;
  if (end - start < 2) return 2;
  const passwordLengthAt = 2 + bytes[start + 1];
  if (end - start <= passwordLengthAt) return passwordLengthAt + 1;
  return passwordLengthAt + 1 + bytes[start + passwordLengthAt];
}

/** VER CMD RSV ATYP DST.ADDR DST.PORT */
function requestLength(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 1) return 1;
  if (bytes[start] !== SOCKS_VERSION) return 1;
  return REQUEST_HEAD_LENGTH + expectedTargetLength(bytes, start + REQUEST_HEAD_LENGTH, end);
}

/** RSV is not looked at: nothing depends on it, and being strict here only breaks clients. */
function parseRequest(bytes: Uint8Array, start: number, end: number): SocksOutcome {
  if (bytes[start] !== SOCKS_VERSION) return BAD_REQUEST_VERSION;
  const decoded = decodeTarget(bytes, start + REQUEST_HEAD_LENGTH, end);
  if (decoded.status === 'incomplete') return MORE;
  if (decoded.status === 'bad') return failed(decoded.reason, encodeReply(replyForBadTarget(decoded.reason)));
  const command = COMMANDS[bytes[start + 1]];
  if (command === undefined) return UNKNOWN_COMMAND;
  return { kind: 'request', request: { command, target: decoded.target } };
}

function replyForBadTarget(reason: BadTargetReason): Rep {
  return reason === 'address-type' ? REP.ADDRESS_TYPE_NOT_SUPPORTED : REP.GENERAL_FAILURE;
}

function failed(reason: SocksFailure, reply: Uint8Array | undefined): SocksOutcome {
  return { kind: 'failed', reason, reply };
}

function unreachable(value: never): never {
  throw new Error(`unhandled case: ${String(value)}`);
}
