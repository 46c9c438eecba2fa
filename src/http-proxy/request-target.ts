/** What a request is about, in the two forms that a proxy is given (RFC 9112 §3.2): `http://host/path`, and `host:port` of CONNECT. */

import { parseIpAddress } from '../net/ip-address.js';
import { type Target, targetFromHost } from '../net/target.js';
import { isVisible } from './syntax.js';

const HTTP_PORT = 80;
const MAX_HOST_LENGTH = 255;
/** Of a name or an IPv4 address: unreserved and sub-delims of RFC 3986 §3.2.2, without percent signs, which no name server knows. */
const HOST = /^[A-Za-z0-9._~!$&'()*+,;=-]+$/;
const IPV6_HOST = /^\[.*\]$/;

/** Where a forwarded request goes, and what stands in it then. */
export interface ForwardTarget {
  readonly target: Target;
  /** Host and port as the Host field has them: the port only where it was given and is not 80. */
  readonly authority: string;
  /** What the request line says to the origin server; `*` of a bare OPTIONS. */
  readonly originForm: string;
}

/** Why there is no such target. */
export type TargetFault = 'not-absolute' | 'scheme' | 'bad-authority' | 'bad-path';

/** @param text absolute-form */
export function parseForwardTarget(text: string, method: string): ForwardTarget | TargetFault {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text);
  if (scheme === null) return 'not-absolute';
  if (scheme[1].toLowerCase() !== 'http') return 'scheme';
  const rest = text.slice(scheme[0].length);
  const authorityEnd = rest.search(/[/?#]|$/);
  const path = rest.slice(authorityEnd);
  // A fragment is for the browser alone (RFC 9110 §4.2.5).
  if (!isVisible(path) || path.includes('#')) return 'bad-path';
  // Of user and password in front of a host nothing goes on (RFC 9110 §4.2.4).
  const parsed = parseAuthority(rest.slice(rest.lastIndexOf('@', authorityEnd - 1) + 1, authorityEnd));
  if (parsed === undefined) return 'bad-authority';
  const { host, port = HTTP_PORT } = parsed;
  return {
    target: targetFromHost(host, port),
    authority: port === HTTP_PORT ? host : `${host}:${port}`,
    originForm: originForm(path, method),
  };
}

function originForm(path: string, method: string): string {
  if (path.startsWith('/')) return path;
  return path === '' && method === 'OPTIONS' ? '*' : `/${path}`;
}

/** @param text authority-form, whose port must be there */
export function parseConnectTarget(text: string): Target | undefined {
  const { host, port } = parseAuthority(text) ?? {};
  return host === undefined || port === undefined ? undefined : targetFromHost(host, port);
}

/** `host`, `host:` and `host:port`, IPv6 in brackets. */
function parseAuthority(text: string): { readonly host: string; readonly port: number | undefined } | undefined {
  const match = /^(.*?)(?::([0-9]{0,5}))?$/.exec(text);
  if (match === null) return undefined;
  const [, host, digits = ''] = match;
  const port = digits === '' ? undefined : Number(digits);
  if (port === 0 || (port !== undefined && port > 0xffff)) return undefined;
  return isHost(host) ? { host, port } : undefined;
}

function isHost(host: string): boolean {
  if (host.length > MAX_HOST_LENGTH) return false;
  return host.startsWith('[') ? IPV6_HOST.test(host) && isIpv6(host.slice(1, -1)) : HOST.test(host);
}

function isIpv6(text: string): boolean {
  return parseIpAddress(text)?.family === 6;
}
