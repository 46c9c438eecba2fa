/**
 * The server side of SOCKS4 and SOCKS4a as a pure state machine: one request, one reply of eight bytes.
 *
 *   04 CD DSTPORT(2) DSTIP(4) USERID 00            SOCKS4
 *   04 CD DSTPORT(2) 0.0.0.x  USERID 00 NAME 00    SOCKS4a: x is not 0, and the name takes the address's place
 *
 * There are no passwords (a user id is a claim that anybody can make), no IPv6 and no UDP. The request is taken byte by
 * byte, so that no way of splitting it makes a difference.
 */

import { copyShort } from '../../native-bindings/bytes.js';
import { decodeTarget } from '../net/target.js';
import type { SocksAnswers, SocksFailure, SocksHandshake, SocksOutcome } from './handshake.js';

export const SOCKS4_VERSION = 4;
/** Of the user id, and of the name, which has as many bytes in SOCKS5. */
export const MAX_FIELD_LENGTH = 255;

const COMMAND = { CONNECT: 1, BIND: 2 } as const;
/** CD of a reply. 92 and 93 are about identd, which nobody asks any more. */
const REPLY = { GRANTED: 90, REJECTED: 91 } as const;
/** VN CD DSTPORT DSTIP */
const HEAD_LENGTH = 8;
const PORT_AT = 2;
const ADDRESS_AT = 4;
/** ATYP (RFC 1928 §5), which is how `decodeTarget` takes addresses. */
const ATYP = { IPV4: 1, NAME: 3 } as const;

const GRANTED = reply(REPLY.GRANTED);
const REJECTED = reply(REPLY.REJECTED);
const MORE: SocksOutcome = { kind: 'more' };
const UNAUTHENTICATED = failed('unauthenticated', REJECTED);

/** Every failure is 91: there is no code that says more. */
const ANSWERS: SocksAnswers = { granted: GRANTED, unsupported: REJECTED, refused: () => REJECTED };

type Stage = 'head' | 'user-id' | 'name' | 'over';

export class Socks4Handshake implements SocksHandshake {
  consumed = 0;
  readonly answers = ANSWERS;
  readonly #isOpen: boolean;
  readonly #head = new Uint8Array(HEAD_LENGTH);
  /** ATYP LEN NAME PORT; made where a name comes. */
  #name: Uint8Array | undefined = undefined;
  #stage: Stage = 'head';
  /** Bytes of the stage's field so far. */
  #length = 0;

  /** @param isOpen nobody has to authenticate; where somebody has, SOCKS4 cannot serve */
  constructor(isOpen: boolean) {
    this.#isOpen = isOpen;
  }

  feed(bytes: Uint8Array, start: number, end: number): SocksOutcome {
    if (this.#stage === 'over') throw new Error('a SOCKS handshake that is over was fed again');
    for (let at = start; at < end; at++) {
      const outcome = this.#take(bytes[at]);
      if (outcome === undefined) continue;
      this.#stage = 'over';
      this.consumed = at + 1 - start;
      return outcome;
    }
    this.consumed = end - start;
    return MORE;
  }

  /** @returns undefined where the request goes on */
  #take(byte: number): SocksOutcome | undefined {
    switch (this.#stage) {
      case 'head':
        return this.#takeHead(byte);
      case 'user-id':
        if (byte === 0) return this.#endUserId();
        return ++this.#length > MAX_FIELD_LENGTH ? failed('too-long', REJECTED) : undefined;
      case 'name':
        return this.#takeName(byte);
      case 'over':
        return undefined;
      default:
        return unreachable(this.#stage);
    }
  }

  #takeHead(byte: number): SocksOutcome | undefined {
    this.#head[this.#length++] = byte;
    // Another protocol's first byte is answered by nothing.
    if (this.#length === 1 && byte !== SOCKS4_VERSION) return failed('version', undefined);
    if (this.#length === HEAD_LENGTH) this.#next('user-id');
    return undefined;
  }

  #endUserId(): SocksOutcome | undefined {
    const [, , , , a, b, c, x] = this.#head;
    const isNamed = a === 0 && b === 0 && c === 0 && x !== 0;
    if (!isNamed) return this.#finish(Uint8Array.of(ATYP.IPV4, a, b, c, x, 0, 0));
    this.#name = new Uint8Array(2 + MAX_FIELD_LENGTH + 2);
    this.#next('name');
    return undefined;
  }

  #takeName(byte: number): SocksOutcome | undefined {
    const name = this.#name as Uint8Array;
    if (byte === 0) {
      name[0] = ATYP.NAME;
      name[1] = this.#length;
      return this.#finish(name.subarray(0, 2 + this.#length + 2));
    }
    if (this.#length === MAX_FIELD_LENGTH) return failed('bad-name', REJECTED);
    name[2 + this.#length++] = byte;
    return undefined;
  }

  #next(stage: Stage): void {
    this.#stage = stage;
    this.#length = 0;
  }

  /** @param address as SOCKS5 has it, without the port, for which the last two bytes are */
  #finish(address: Uint8Array): SocksOutcome {
    // Told at the end: a program that is still sending its request may not read a reply.
    if (!this.#isOpen) return UNAUTHENTICATED;
    copyShort(this.#head, PORT_AT, ADDRESS_AT - PORT_AT, address, address.length - 2);
    const decoded = decodeTarget(address, 0, address.length);
    if (decoded.status !== 'ok') return failed(decoded.status === 'bad' ? decoded.reason : 'bad-name', REJECTED);
    const { target } = decoded;
    const [, command] = this.#head;
    if (command === COMMAND.CONNECT) return { kind: 'request', request: { command: 'connect', target } };
    if (command === COMMAND.BIND) return { kind: 'request', request: { command: 'bind', target } };
    return failed('unknown-command', REJECTED);
  }
}

/** VN (0 in a reply) CD DSTPORT DSTIP, the last two of which mean nothing for CONNECT. */
function reply(code: number): Uint8Array {
  const bytes = new Uint8Array(8);
  bytes[1] = code;
  return bytes;
}

function failed(reason: SocksFailure, bytes: Uint8Array | undefined): SocksOutcome {
  return { kind: 'failed', reason, reply: bytes };
}

function unreachable(value: never): never {
  throw new Error(`unhandled case: ${String(value)}`);
}
