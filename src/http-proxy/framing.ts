/**
 * Where the body of a message ends (RFC 9112 §6). Two recipients that disagree about it see different messages, so what can be read in two
 * ways is refused.
 */

import { listOf } from './fields.js';
import type { Field } from './message-head.js';

export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  /** Of a response: the connection's end is the body's. */
  | { readonly kind: 'until-close' };

export type FramingFault =
  | 'length-and-encoding'
  | 'bad-length'
  | 'different-lengths'
  /** Chunked is not what it ends with, or is there twice, or the message is of HTTP/1.0. */
  | 'bad-encoding'
  /** A transfer coding besides chunked, which is not served. */
  | 'unknown-encoding';

export const NO_BODY: Framing = { kind: 'none' };
const CHUNKED: Framing = { kind: 'chunked' };
const UNTIL_CLOSE: Framing = { kind: 'until-close' };

export function requestFraming(fields: readonly Field[], isVersion11: boolean): Framing | FramingFault {
  const encoded = isChunked(fields);
  if (encoded === false) return lengthOf(fields) ?? NO_BODY;
  if (encoded !== true) return encoded;
  // RFC 9112 §6.1: both together are an attempt at smuggling; and HTTP/1.0 has no transfer codings.
  if (fields.some(({ key }) => key === 'content-length')) return 'length-and-encoding';
  return isVersion11 ? CHUNKED : 'bad-encoding';
}

/** Of a response that has a body: not one to HEAD, nor 1xx, 204 or 304. */
export function responseFraming(fields: readonly Field[]): Framing | FramingFault {
  const encoded = isChunked(fields);
  // Here the encoding overrides a length (RFC 9112 §6.3), which is left out when the head is written anew.
  if (encoded !== false) return encoded === true ? CHUNKED : encoded;
  return lengthOf(fields) ?? UNTIL_CLOSE;
}

/** Whether the body is chunked; a fault where it is encoded in another way. */
function isChunked(fields: readonly Field[]): boolean | FramingFault {
  if (!fields.some(({ key }) => key === 'transfer-encoding')) return false;
  const codings = listOf(fields, 'transfer-encoding');
  if (codings.length === 1 && codings[0] === 'chunked') return true;
  return codings.some((coding) => coding !== 'chunked') ? 'unknown-encoding' : 'bad-encoding';
}

/** Several lengths are one where they are the same (RFC 9112 §6.3). */
function lengthOf(fields: readonly Field[]): Framing | FramingFault | undefined {
  if (!fields.some(({ key }) => key === 'content-length')) return undefined;
  const [first, ...others] = listOf(fields, 'content-length');
  if (first === undefined || !/^[0-9]+$/.test(first)) return 'bad-length';
  if (others.some((other) => other !== first)) return 'different-lengths';
  const length = Number(first);
  return Number.isSafeInteger(length) ? { kind: 'length', length } : 'bad-length';
}
