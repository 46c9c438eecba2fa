/**
 * What a program's request asks of the proxy, and how it is written for the origin server: anew, from what was understood of it, never as it
 * came. Via is left out, although RFC 9110 §7.6.3 asks for it: it would tell every server that there is a proxy.
 */

import type { Target } from '../net/target.js';
import { type Answer, type Answered, answer, NOT_UNDERSTOOD, traceAnswer } from './answers.js';
import { isAuthorized, type ProxyUsers } from './basic-auth.js';
import { connectionOptions, forwardedText, valuesOf } from './fields.js';
import { type Framing, type FramingFault, requestFraming } from './framing.js';
import type { Field, HeadFault, MessageHead } from './message-head.js';
import { parseConnectTarget, parseForwardTarget, type TargetFault } from './request-target.js';
import { bytesOf, isToken, isVisible } from './syntax.js';

/** A request that goes to an origin server. */
export interface ForwardRequest {
  readonly isHead: boolean;
  readonly target: Target;
  /** Written for the origin server. */
  readonly head: Uint8Array;
  readonly framing: Framing;
  /** The program understands chunks and interim responses. */
  readonly isVersion11: boolean;
  /** The program's connection may be used again. */
  readonly keeps: boolean;
  /** It may be sent a second time where the first one may not have arrived (RFC 9110 §9.2.2). */
  readonly isRepeatable: boolean;
}

export type RequestOutcome =
  | { readonly kind: 'connect'; readonly target: Target }
  | { readonly kind: 'forward'; readonly request: ForwardRequest }
  /** The proxy answers by itself. */
  | { readonly kind: 'answer'; readonly answer: Answer; readonly reason: string };

const IDEMPOTENT: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'];
/** They stop at the proxy that Max-Forwards has come down to (RFC 9110 §7.6.2). */
const COUNTED: readonly string[] = ['TRACE', 'OPTIONS'];
/** A TRACE is not told its own secrets: whoever made a browser send it may read the answer. */
const SECRET: readonly string[] = ['authorization', 'cookie', 'proxy-authorization'];

/** Sentences for the one who sent it. */
const FAULTS: Readonly<Record<HeadFault | FramingFault | TargetFault, string>> = {
  'too-large': "the request's head is too large.",
  'bare-cr-or-lf': 'lines end with CR LF.',
  'folded-line': 'fields do not go over several lines.',
  'space-before-colon': 'there is a space in front of a colon.',
  'bad-field-name': 'a field has no proper name.',
  'bad-field-value': 'a field has control characters.',
  'length-and-encoding': 'a body has a length or an encoding, not both.',
  'bad-length': 'Content-Length is not a number.',
  'different-lengths': 'Content-Length has different values.',
  'bad-encoding': 'Transfer-Encoding must be chunked, once.',
  'unknown-encoding': 'no transfer coding but chunked is served.',
  'not-absolute': 'this is a proxy: requests name a whole address, http://host/path.',
  scheme: 'only http:// is forwarded; for anything else there is CONNECT.',
  'bad-authority': "the request's host or port is malformed.",
  'bad-path': "the request's path is malformed.",
};

/** For a head that was not even that. */
export function faultAnswer(fault: HeadFault): Answer {
  return answer(fault === 'too-large' ? 431 : 400, FAULTS[fault], NOT_UNDERSTOOD);
}

/** @param head read strictly */
export function interpretRequest({ startLine, fields }: MessageHead, users: ProxyUsers): RequestOutcome {
  const line = /^([^ ]+) ([^ ]+) HTTP\/([0-9])\.([0-9])$/.exec(startLine);
  if (line === null || !isToken(line[1]) || !isVisible(line[2])) return refused('the request line is malformed.');
  const [, method, target, major, minor] = line;
  if (major !== '1') return refused('only HTTP/1.0 and HTTP/1.1 are served.', 505);
  const isVersion11 = minor !== '0';
  const hosts = valuesOf(fields, 'host').length;
  if (hosts > 1 || (hosts === 0 && isVersion11)) return refused('there must be one Host field.');
  const framing = requestFraming(fields, isVersion11);
  if (typeof framing === 'string') return refused(FAULTS[framing], framing === 'unknown-encoding' ? 501 : 400);
  const options = connectionOptions(fields);
  // A proxy keeps no connection of HTTP/1.0 open, whatever it asks for (RFC 9112 §9.3).
  const keeps = isVersion11 && !options.has('close');
  const parts: Parts = { method, target, fields, options, framing, isVersion11, keeps };
  if (!isAuthorized(fields, users)) {
    return refused('a user name and a password are asked for.', 407, answeredBy(parts));
  }
  return method === 'CONNECT' ? connect(parts) : forward(parts);
}

/** A request whose syntax is in order. */
interface Parts {
  readonly method: string;
  /** As the request line has it. */
  readonly target: string;
  readonly fields: readonly Field[];
  /** Of the program's connection. */
  readonly options: ReadonlySet<string>;
  readonly framing: Framing;
  readonly isVersion11: boolean;
  readonly keeps: boolean;
}

/** Behind a body that nobody reads there is no next request. */
function answeredBy({ method, framing, keeps }: Parts): Answered {
  return { isHead: method === 'HEAD', keeps: keeps && !hasBody(framing) };
}

function hasBody(framing: Framing): boolean {
  return framing.kind !== 'none' && !(framing.kind === 'length' && framing.length === 0);
}

function connect(parts: Parts): RequestOutcome {
  // What follows the head is the tunnel's. A body would make it two things at once.
  if (hasBody(parts.framing)) return refused('CONNECT has no body.');
  const target = parseConnectTarget(parts.target);
  return target === undefined ? refused('CONNECT names a host and a port.') : { kind: 'connect', target };
}

function forward(parts: Parts): RequestOutcome {
  const { method, fields, framing, isVersion11, keeps } = parts;
  const parsed = parseForwardTarget(parts.target, method);
  if (typeof parsed === 'string') return refused(FAULTS[parsed], parsed === 'scheme' ? 501 : 400);
  const [forwards] = COUNTED.includes(method) ? valuesOf(fields, 'max-forwards') : [];
  if (forwards !== undefined && !/^[0-9]{1,9}$/.test(forwards)) return refused('Max-Forwards is not a number.');
  if (forwards !== undefined && Number(forwards) === 0) return lastRecipient(parts);
  const counted = forwards === undefined ? '' : `Max-Forwards: ${Number(forwards) - 1}\r\n`;
  const rest = forwardedText(fields, parts.options, counted === '' ? ['host'] : ['host', 'max-forwards']);
  const text =
    `${method} ${parsed.originForm} HTTP/1.1\r\nHost: ${parsed.authority}\r\n${counted}${rest}` +
    `${framingText(framing)}${keeps ? '' : 'Connection: close\r\n'}\r\n`;
  const request: ForwardRequest = {
    isHead: method === 'HEAD',
    target: parsed.target,
    head: bytesOf(text),
    framing,
    isVersion11,
    keeps,
    isRepeatable: !hasBody(framing) && IDEMPOTENT.includes(method),
  };
  return { kind: 'forward', request };
}

/** How a body's end is told. */
export function framingText(framing: Framing): string {
  if (framing.kind === 'length') return `Content-Length: ${framing.length}\r\n`;
  return framing.kind === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : '';
}

/** Max-Forwards is 0: the request has come as far as it is to go. */
function lastRecipient(parts: Parts): RequestOutcome {
  const answered = answeredBy(parts);
  if (parts.method !== 'TRACE') return { kind: 'answer', answer: answer(200, '', answered), reason: 'max-forwards' };
  const fields = parts.fields
    .filter(({ key }) => !SECRET.includes(key))
    .map(({ name, value }) => `${name}: ${value}\r\n`)
    .join('');
  const text = `TRACE ${parts.target} HTTP/1.${parts.isVersion11 ? 1 : 0}\r\n${fields}\r\n`;
  return { kind: 'answer', answer: traceAnswer(text, answered.keeps), reason: 'max-forwards' };
}

function refused(
  sentence: string,
  status: 400 | 407 | 501 | 505 = 400,
  answered: Answered = NOT_UNDERSTOOD,
): RequestOutcome {
  return { kind: 'answer', answer: answer(status, sentence, answered), reason: sentence };
}
