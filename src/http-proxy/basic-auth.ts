/** Basic authentication to the proxy (RFC 7617). */

import { valuesOf } from './fields.js';
import type { Field } from './message-head.js';

/** Who may use the proxy. */
export interface ProxyUsers {
  /** False: nobody has to authenticate. */
  readonly required: boolean;
  /** Takes as long for any wrong pair. */
  matches(user: Uint8Array, password: Uint8Array): boolean;
}

/** RFC 7617 §2.1 has the charset for user names and passwords beyond ASCII. */
export const CHALLENGE = 'Proxy-Authenticate: Basic realm="umbra", charset="UTF-8"\r\n';

/** As in SOCKS5, which has room for no more. */
const MAX_FIELD_LENGTH = 255;
const COLON = 0x3a;

/** Whether the request may be served. */
export function isAuthorized(fields: readonly Field[], users: ProxyUsers): boolean {
  if (!users.required) return true;
  const [value, ...others] = valuesOf(fields, 'proxy-authorization');
  if (value === undefined || others.length > 0) return false;
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value) ?? [];
  if (encoded === undefined) return false;
  const decoded = decodeBase64(encoded);
  // The user is what stands before the first colon; a password may have more of them.
  const colon = decoded.indexOf(COLON);
  if (colon < 0) return false;
  const user = decoded.subarray(0, colon);
  const password = decoded.subarray(colon + 1);
  if (Math.max(user.length, password.length) > MAX_FIELD_LENGTH) return false;
  return users.matches(user, password);
}

function decodeBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64');
}
