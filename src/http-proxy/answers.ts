/** Responses of the proxy itself: what is wrong with a request, or why no answer to it can be had. */

import { CHALLENGE } from './basic-auth.js';
import { bytesOf } from './syntax.js';

const REASONS = {
  200: 'OK',
  400: 'Bad Request',
  403: 'Forbidden',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
} as const;

export type AnswerStatus = keyof typeof REASONS;

export interface Answer {
  readonly status: AnswerStatus;
  readonly bytes: Uint8Array;
  /** The connection ends behind it. */
  readonly closes: boolean;
}

/** How the request that is answered goes on. */
export interface Answered {
  /** An answer to HEAD has no body. */
  readonly isHead: boolean;
  /** The connection may be used again. */
  readonly keeps: boolean;
}

/** Where the request could not be understood, so that nobody knows where the next one begins. */
export const NOT_UNDERSTOOD: Answered = { isHead: false, keeps: false };

/** CONNECT has succeeded; what follows is the tunnel's, so no field may speak of a body (RFC 9110 §9.3.6). */
export const CONNECTED = bytesOf('HTTP/1.1 200 Connection established\r\n\r\n');

/** @param sentence for a person, with its full stop */
export function answer(status: AnswerStatus, sentence: string, { isHead, keeps }: Answered): Answer {
  const body = sentence === '' ? '' : `umbra: ${sentence}\n`;
  const fields = status === 407 ? CHALLENGE : '';
  const type = body === '' ? '' : 'Content-Type: text/plain; charset=utf-8\r\n';
  return encoded(status, `${fields}${type}`, isHead ? '' : body, body.length, keeps);
}

/** To TRACE whose Max-Forwards has come down to us: the request as we got it, without what is secret in it (RFC 9110 §9.3.8). */
export function traceAnswer(request: string, keeps: boolean): Answer {
  return encoded(200, 'Content-Type: message/http\r\n', request, request.length, keeps);
}

function encoded(status: AnswerStatus, fields: string, body: string, length: number, keeps: boolean): Answer {
  const close = keeps ? '' : 'Connection: close\r\n';
  const head = `HTTP/1.1 ${status} ${REASONS[status]}\r\n${fields}Content-Length: ${length}\r\n${close}\r\n`;
  return { status, bytes: bytesOf(`${head}${body}`), closes: !keeps };
}

/** Failures that are the way's, not the destination's. */
const TOO_LATE: readonly string[] = ['ETIMEDOUT', 'ETIMEOUT', 'EAI_AGAIN'];

/** No connection. @param failure an errno name, a look-up's failure, or `EGRESS` where policy refuses */
export function failureAnswer(failure: string, answered: Answered): Answer {
  if (failure === 'EGRESS') return answer(403, 'this destination is not allowed.', answered);
  const isLate = TOO_LATE.includes(failure);
  return answer(isLate ? 504 : 502, `no server can be reached (${failure}).`, answered);
}
