/** Codecs between socket addresses as values and the `sockaddr` bytes that the kernel reads and writes. */

import { copyShort, fillShort } from './bytes.js';
import { AF_INET, AF_INET6, AF_UNIX } from './constants.js';
import { SOCKADDR_IN, SOCKADDR_IN6, SOCKADDR_UN } from './layouts.js';

/** An internet address; `bytes` are 4 or 16 in network order. */
export interface InetSocketAddress {
  readonly family: 4 | 6;
  readonly bytes: Uint8Array;
  readonly port: number;
}

/** A unix socket's path; the empty string is an unnamed socket, a leading NUL an abstract one. */
export interface UnixSocketAddress {
  readonly family: 'unix';
  readonly path: string;
}

export type SocketAddress = InetSocketAddress | UnixSocketAddress;

/** `sa_family_t` is in the machine's order, and both architectures here are little-endian. */
function writeFamily(into: Uint8Array, at: number, family: number): void {
  into[at] = family;
  into[at + 1] = 0;
}

/**
 * @param into at least 28 bytes from `at`
 * @param scopeId of IPv6: number of the interface that a link-local address belongs to
 * @returns the length of the sockaddr: 16 for IPv4, 28 for IPv6
 */
export function encodeInet(into: Uint8Array, at: number, bytes: Uint8Array, port: number, scopeId = 0): number {
  const v4 = bytes.length === 4;
  const layout = v4 ? SOCKADDR_IN : SOCKADDR_IN6;
  fillShort(into, 0, at, at + layout.size);
  writeFamily(into, at, v4 ? AF_INET : AF_INET6);
  into[at + layout.portOffset] = port >>> 8;
  into[at + layout.portOffset + 1] = port & 0xff;
  copyShort(bytes, 0, bytes.length, into, at + layout.addressOffset);
  if (scopeId !== 0 && !v4) {
    for (let i = 0; i < 4; i++) into[at + SOCKADDR_IN6.scopeIdOffset + i] = scopeId >>> (8 * i);
  }
  return layout.size;
}

/**
 * @param into at least 110 bytes from `at`
 * @returns the length of the sockaddr
 * @throws RangeError where the path is longer than 107 bytes
 */
export function encodeUnix(into: Uint8Array, at: number, path: string): number {
  const name = new TextEncoder().encode(path);
  if (name.length >= SOCKADDR_UN.pathMax) {
    throw new RangeError(
      `a unix socket's path has at most ${SOCKADDR_UN.pathMax - 1} bytes; this one has ${name.length}: ${path}`,
    );
  }
  writeFamily(into, at, AF_UNIX);
  into.set(name, at + SOCKADDR_UN.pathOffset);
  into[at + SOCKADDR_UN.pathOffset + name.length] = 0;
  // An unnamed socket is the family alone, an abstract name is counted, a path ends with its NUL (unix(7)).
  return SOCKADDR_UN.pathOffset + name.length + (path === '' || path.startsWith('\0') ? 0 : 1);
}

/**
 * @param length how many bytes of it the kernel says it wrote
 * @returns `undefined` for a family that umbra does not use
 */
export function decodeSocketAddress(from: Uint8Array, at: number, length: number): SocketAddress | undefined {
  const family = from[at] | (from[at + 1] << 8);
  if (family === AF_INET || family === AF_INET6) {
    const v4 = family === AF_INET;
    const layout = v4 ? SOCKADDR_IN : SOCKADDR_IN6;
    const address = at + layout.addressOffset;
    return {
      family: v4 ? 4 : 6,
      bytes: from.slice(address, address + (v4 ? 4 : 16)),
      port: (from[at + layout.portOffset] << 8) | from[at + layout.portOffset + 1],
    };
  }
  if (family !== AF_UNIX) return undefined;
  const start = at + SOCKADDR_UN.pathOffset;
  let end = at + Math.max(length, SOCKADDR_UN.pathOffset);
  if (end > start && from[start] !== 0) {
    const nul = from.indexOf(0, start);
    if (nul !== -1 && nul < end) end = nul;
  }
  return { family: 'unix', path: new TextDecoder('utf-8', { ignoreBOM: true }).decode(from.slice(start, end)) };
}
