/** Addresses as people write them: `host:port`, `[v6]:port`, a bare host, or `:port`. */

import { isIPv6 } from 'node:net';

/** What was written; the part that was left out takes its default. */
export interface WrittenAddress {
  readonly host?: string;
  readonly port?: number;
}

const PORT = /^\d{1,5}$/;

/** Undefined where the text is no address: a port past 65535, an unclosed bracket, a space, nothing at all. */
export function parseHostPort(text: string): WrittenAddress | undefined {
  // A bare IPv6 address has colons of its own, so its last group is never taken for a port.
  if (isIPv6(text)) return { host: text };
  const bracketed = /^\[([^\]]+)\](?::(.+))?$/.exec(text);
  if (bracketed !== null) {
    return isIPv6(bracketed[1]) ? withPort(bracketed[1], bracketed[2]) : undefined;
  }
  const plain = /^([^\s:[\]/]*)(?::(.+))?$/.exec(text);
  if (plain === null || (plain[1] === '' && plain[2] === undefined)) return undefined;
  return withPort(plain[1], plain[2]);
}

/** `host:port`, an IPv6 address in brackets. */
export function formatHostPort(address: { readonly host: string; readonly port: number }): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

function withPort(host: string, port: string | undefined): WrittenAddress | undefined {
  if (port !== undefined && (!PORT.test(port) || Number(port) > 0xffff)) return undefined;
  return { ...(host === '' ? {} : { host }), ...(port === undefined ? {} : { port: Number(port) }) };
}
