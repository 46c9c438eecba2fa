/** Feeds a SOCKS handshake in given pieces and records what a server would have sent. */

import { SocksCredentials } from '../../src/socks/credentials.js';
import type { SocksFailure, SocksHandshake, SocksRequest } from '../../src/socks/handshake.js';
import { Socks4Handshake } from '../../src/socks/socks4.js';
import { Socks5Handshake } from '../../src/socks/socks5.js';
import { toHex } from './vectors.js';

export interface HandshakeRecord {
  /** Everything sent, in hexadecimal. */
  readonly sent: string;
  readonly request: SocksRequest | undefined;
  readonly failure: SocksFailure | undefined;
  /** What came after the request, in hexadecimal: payload. */
  readonly leftover: string;
}

/** SOCKS5. @param pieces one array for each segment that arrives */
export function runHandshake(pieces: readonly Uint8Array[], credentials = new SocksCredentials([])): HandshakeRecord {
  return record(new Socks5Handshake(credentials), pieces);
}

/** SOCKS4. */
export function runHandshake4(pieces: readonly Uint8Array[], isOpen = true): HandshakeRecord {
  return record(new Socks4Handshake(isOpen), pieces);
}

function record(handshake: SocksHandshake, pieces: readonly Uint8Array[]): HandshakeRecord {
  let sent = '';
  let request: SocksRequest | undefined;
  let failure: SocksFailure | undefined;
  let leftover = '';
  for (const piece of pieces) {
    // A foreign frame on both sides: nothing outside start and end may be looked at.
    const frame = Buffer.concat([Uint8Array.of(0xee), piece, Uint8Array.of(0xee, 0xee, 0xee, 0xee)]);
    let at = 1;
    const end = 1 + piece.length;
    while (request === undefined && failure === undefined) {
      const outcome = handshake.feed(frame, at, end);
      at += handshake.consumed;
      if (at > end) throw new Error('consumed more than there was');
      if (outcome.kind === 'more') {
        if (at !== end) throw new Error('asked for more without consuming what there was');
        break;
      }
      if (outcome.kind === 'reply') sent += toHex(outcome.bytes);
      if (outcome.kind === 'request') request = outcome.request;
      if (outcome.kind === 'failed') {
        failure = outcome.reason;
        if (outcome.reply !== undefined) sent += toHex(outcome.reply);
      }
    }
    if (request !== undefined) leftover += toHex(frame.subarray(at, end));
  }
  return { sent, request, failure, leftover };
}

/** Cuts bytes at the given positions. */
export function cutAt(bytes: Uint8Array, ...positions: readonly number[]): Uint8Array[] {
  const bounds = [0, ...positions, bytes.length];
  return bounds.slice(1).map((end, i) => bytes.subarray(bounds[i], end));
}
