/** Which fields concern one connection only, and so are not passed on (RFC 9110 §7.6.1). */

import type { Field } from './message-head.js';
import { trimBlanks } from './syntax.js';

/**
 * The framing among them is written anew from what was understood, as are Host and Connection: so a `Connection: host` or
 * `Connection: content-length` takes nothing away.
 */
const OF_ONE_HOP: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'content-length',
  'upgrade',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
]);

/** The values of all fields of this name, in their order. @param key in lower case */
export function valuesOf(fields: readonly Field[], key: string): string[] {
  return fields.filter((field) => field.key === key).map(({ value }) => value);
}

/** The members of a list, which may be spread over several fields; empty ones do not count (RFC 9110 §5.6.1). In lower case. */
export function listOf(fields: readonly Field[], key: string): string[] {
  return valuesOf(fields, key)
    .flatMap((value) => value.split(','))
    .map((member) => trimBlanks(member).toLowerCase())
    .filter((member) => member !== '');
}

/** What the peer says about the connection, by both of the names that there are for it. */
export function connectionOptions(fields: readonly Field[]): ReadonlySet<string> {
  return new Set([...listOf(fields, 'connection'), ...listOf(fields, 'proxy-connection')]);
}

/** The fields that are passed on, as text. @param options see `connectionOptions` @param without more keys that are left out */
export function forwardedText(
  fields: readonly Field[],
  options: ReadonlySet<string>,
  without: readonly string[] = [],
): string {
  let text = '';
  for (const { name, key, value } of fields) {
    if (OF_ONE_HOP.has(key) || options.has(key) || without.includes(key)) continue;
    text += `${name}: ${value}\r\n`;
  }
  return text;
}
