/** An origin server's response, written anew for the program that asked. */

import { connectionOptions, forwardedText } from './fields.js';
import { type Framing, type FramingFault, NO_BODY, responseFraming } from './framing.js';
import type { MessageHead } from './message-head.js';
import { type ForwardRequest, framingText } from './request.js';
import { bytesOf, isFieldValue } from './syntax.js';

export type ResponseOutcome =
  /** Another one follows. */
  | { readonly kind: 'interim'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'final';
      readonly bytes: Uint8Array;
      /** How the body comes. */
      readonly framing: Framing;
      /** The origin server takes another request on this connection. */
      readonly originKeeps: boolean;
    }
  | { readonly kind: 'bad'; readonly reason: FramingFault | 'bad-status-line' | 'unasked-upgrade' };

const SWITCHING_PROTOCOLS = 101;
const NO_CONTENT = 204;
const NOT_MODIFIED = 304;
const NOTHING = new Uint8Array(0);

/** @param head read tolerantly */
export function interpretResponse({ startLine, fields }: MessageHead, request: ForwardRequest): ResponseOutcome {
  const [, minor, digits, reason = ''] = /^HTTP\/1\.([0-9]) +([1-9][0-9]{2})(?: (.*))?$/.exec(startLine) ?? [];
  if (digits === undefined || !isFieldValue(reason)) return { kind: 'bad', reason: 'bad-status-line' };
  const status = Number(digits);
  const options = connectionOptions(fields);
  const lines = `HTTP/1.1 ${digits} ${reason}\r\n${forwardedText(fields, options)}`;
  // Upgrade was not passed on, so nobody asked for another protocol.
  if (status === SWITCHING_PROTOCOLS) return { kind: 'bad', reason: 'unasked-upgrade' };
  if (status < 200) return { kind: 'interim', bytes: request.isVersion11 ? bytesOf(`${lines}\r\n`) : NOTHING };
  const stated = responseFraming(fields);
  if (typeof stated === 'string') return { kind: 'bad', reason: stated };
  const framing = request.isHead || status === NO_CONTENT || status === NOT_MODIFIED ? NO_BODY : stated;
  const close = request.keeps ? '' : 'Connection: close\r\n';
  return {
    kind: 'final',
    bytes: bytesOf(`${lines}${framingLine(stated, framing, status, request.isVersion11)}${close}\r\n`),
    framing,
    originKeeps:
      (minor === '0' ? options.has('keep-alive') : !options.has('close')) &&
      framing.kind !== 'until-close' &&
      // With a length besides it, somebody may see another end than we do.
      !(stated.kind === 'chunked' && fields.some(({ key }) => key === 'content-length')),
  };
}

/** What the program is told about the body's end. */
function framingLine(stated: Framing, framing: Framing, status: number, isVersion11: boolean): string {
  // Of a body that is not sent the length is information, which goes on (RFC 9110 §8.6); to 204 it would be wrong.
  if (framing.kind === 'none') return stated.kind === 'length' && status !== NO_CONTENT ? framingText(stated) : '';
  if (framing.kind === 'length') return framingText(framing);
  return isVersion11 ? 'Transfer-Encoding: chunked\r\n' : '';
}
