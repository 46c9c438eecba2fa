/** Feeds an HTTP message to the proxy's codecs in given pieces, as a connection would, and records what is passed on. */

import { BodyTransfer, MAX_CHUNK_GROWTH } from '../../src/http-proxy/body-transfer.js';
import type { Framing } from '../../src/http-proxy/framing.js';
import { type HeadFault, type HeadOutcome, HeadReader, type MessageHead } from '../../src/http-proxy/message-head.js';

const GUARD = 0xee;

export function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** A text in single bytes. */
export function singles(text: string): Buffer[] {
  return Array.from(latin1(text), (byte) => Buffer.of(byte));
}

export interface HeadRecord {
  readonly head: MessageHead | undefined;
  readonly fault: HeadFault | undefined;
  /** What came behind the head. */
  readonly leftover: string;
}

/** Reads one head; what is not taken is offered again with the next piece behind it. */
export function readHead(pieces: readonly Uint8Array[], tolerant = false): HeadRecord {
  const reader = new HeadReader(tolerant);
  let kept = Buffer.alloc(0);
  let outcome: HeadOutcome = { kind: 'more' };
  for (const piece of pieces) {
    kept = Buffer.concat([kept, piece]);
    if (outcome.kind !== 'more') continue;
    // A foreign frame on both sides: nothing outside start and end may be looked at.
    outcome = reader.read(Buffer.concat([Buffer.of(GUARD), kept, Buffer.alloc(4, '\r\n')]), 1, 1 + kept.length);
    if (outcome.kind === 'head') kept = kept.subarray(outcome.length);
  }
  return {
    head: outcome.kind === 'head' ? outcome.head : undefined,
    fault: outcome.kind === 'bad' ? outcome.fault : undefined,
    leftover: outcome.kind === 'head' ? kept.toString('latin1') : '',
  };
}

export interface BodyRecord {
  /** What was passed on, or what is wrong. */
  readonly written: string | 'malformed' | 'cut short';
  readonly done: boolean;
  readonly leftover: string;
}

/** Passes a body on. @param ends the connection ends behind the last piece */
export function transferBody(
  pieces: readonly Uint8Array[],
  framing: Framing,
  takesChunks: boolean,
  ends = false,
): BodyRecord {
  const body = new BodyTransfer(framing, takesChunks);
  let written = '';
  let leftover = '';
  for (const piece of pieces) {
    const from = Buffer.concat([Buffer.of(GUARD), piece, Buffer.alloc(4, '0\r\n')]);
    const into = Buffer.alloc(1 + piece.length + MAX_CHUNK_GROWTH + 1, GUARD);
    const length = body.transfer(from, 1, 1 + piece.length, into, 1);
    if (length < 0) return { written: 'malformed', done: false, leftover: '' };
    if (into[0] !== GUARD || into[into.length - 1] !== GUARD) throw new Error('written out of bounds');
    if (!body.done && body.consumed !== piece.length) throw new Error('a body that goes on takes all there is');
    written += into.toString('latin1', 1, 1 + length);
    leftover += Buffer.from(piece.subarray(body.consumed)).toString('latin1');
  }
  if (ends) {
    const into = Buffer.alloc(MAX_CHUNK_GROWTH);
    const length = body.endOfInput(into, 0);
    if (length < 0) return { written: 'cut short', done: false, leftover: '' };
    written += into.toString('latin1', 0, length);
  }
  return { written, done: body.done, leftover };
}

/** What a recipient of chunks reads, by the plainest decoder that there can be. */
export function dechunked(text: string): string {
  let data = '';
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at);
    if (!/^[0-9a-f]+$/.test(text.slice(at, end))) throw new Error(`no size at ${at} of ${text}`);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (size === 0) {
      if (text.slice(end) !== '\r\n\r\n') throw new Error(`no end: ${text}`);
      return data;
    }
    data += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
    if (text.slice(at - 2, at) !== '\r\n') throw new Error(`no line end at ${at - 2} of ${text}`);
  }
}
