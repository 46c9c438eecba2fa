/**
 * IPv4 and IPv6 addresses as bytes, and their text forms. Everything that compares, filters or connects works on the
 * bytes: two texts can name one address (`::ffff:127.0.0.1` is `127.0.0.1`), and a filter that looks at text is a
 * filter with holes.
 */

/**
 * An address in network byte order: 4 bytes for family 4, 16 bytes for family 6. It is a class, as is whatever else lives as long as its
 * connection: V8 counts how many objects of each literal survive, and after a burst of connections places all later ones among the old
 * objects, where they outlive their connections by far. It does not count those of a class.
 */
export class IpAddress {
  readonly family: 4 | 6;
  readonly bytes: Uint8Array;

  constructor(family: 4 | 6, bytes: Uint8Array) {
    this.family = family;
    this.bytes = bytes;
  }
}

const IPV4_LENGTH = 4;
const IPV6_LENGTH = 16;
/** Where the IPv4 address lies in `::ffff:a.b.c.d`. */
const MAPPED_OFFSET = 12;
/** `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255` */
const LONGEST_TEXT = 45;

const DOT = 0x2e;
const COLON = 0x3a;

/**
 * Parses a literal strictly: dotted quads have four decimal parts without leading zeros (so `0177.0.0.1`, `127.1` and
 * `0x7f.1`, which `inet_aton` would take, are not addresses), IPv6 follows RFC 4291 §2.2, and zone ids (`fe80::1%eth0`)
 * are refused, as they mean something on one machine only.
 *
 * @returns undefined where the text is not an address
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  if (text.includes(':')) return parseIpv6(text);
  const bytes = new Uint8Array(IPV4_LENGTH);
  return parseIpv4Into(text, 0, bytes, 0) ? new IpAddress(4, bytes) : undefined;
}

/** The canonical text: RFC 5952 for IPv6, with the dotted quad at the end of an IPv4-mapped address (§5 there). */
export function formatIpAddress(address: IpAddress): string {
  const { bytes } = address;
  if (address.family === 4) return formatIpv4(bytes, 0);
  if (isIpv4Mapped(address)) return `::ffff:${formatIpv4(bytes, MAPPED_OFFSET)}`;
  return formatIpv6(bytes);
}

/** True for `::ffff:0:0/96` (RFC 4291 §2.5.5.2): what a dual-stack socket calls an IPv4 peer. */
export function isIpv4Mapped(address: IpAddress): boolean {
  if (address.family !== 6) return false;
  const { bytes } = address;
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

/** `::ffff:a.b.c.d` becomes `a.b.c.d`; every other address is returned as it is. */
export function unmapIpv4(address: IpAddress): IpAddress {
  return isIpv4Mapped(address) ? new IpAddress(4, new Uint8Array(address.bytes.subarray(MAPPED_OFFSET))) : address;
}

/** Byte equality; an IPv4-mapped address and its IPv4 form are different here, unmap first where they shall be one. */
export function sameIpAddress(a: IpAddress, b: IpAddress): boolean {
  if (a.family !== b.family) return false;
  for (let i = 0; i < a.bytes.length; i++) if (a.bytes[i] !== b.bytes[i]) return false;
  return true;
}

/** The dotted quad that starts at `at` and ends with the text. */
function parseIpv4Into(text: string, at: number, into: Uint8Array, offset: number): boolean {
  let index = at;
  for (let part = 0; part < IPV4_LENGTH; part++) {
    if (part > 0 && text.charCodeAt(index++) !== DOT) return false;
    const first = index;
    let value = 0;
    for (; index < text.length && index - first < 3; index++) {
      const digit = text.charCodeAt(index) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const digits = index - first;
    if (digits === 0 || value > 255) return false;
    if (digits > 1 && text.charCodeAt(first) === 0x30) return false;
    into[offset + part] = value;
  }
  return index === text.length;
}

function parseIpv6(text: string): IpAddress | undefined {
  const bytes = new Uint8Array(IPV6_LENGTH);
  let filled = 0;
  /** How many bytes stand before `::`, or -1 while it has not been seen. */
  let gapAt = -1;
  let index = 0;
  if (text.startsWith('::')) {
    gapAt = 0;
    index = 2;
  }
  while (index < text.length) {
    if (filled === IPV6_LENGTH) return undefined;
    const next = groupEnd(text, index);
    if (text.charCodeAt(next) === DOT) {
      if (filled > MAPPED_OFFSET || !parseIpv4Into(text, index, bytes, filled)) return undefined;
      filled += IPV4_LENGTH;
      index = text.length;
      break;
    }
    if (next === index) return undefined;
    const group = Number.parseInt(text.slice(index, next), 16);
    bytes[filled++] = group >> 8;
    bytes[filled++] = group & 0xff;
    index = next;
    if (index === text.length) break;
    if (text.charCodeAt(index++) !== COLON) return undefined;
    if (text.charCodeAt(index) === COLON) {
      if (gapAt >= 0) return undefined;
      gapAt = filled;
      index++;
    } else if (index === text.length) {
      return undefined;
    }
  }
  if (gapAt < 0) return filled === IPV6_LENGTH ? new IpAddress(6, bytes) : undefined;
  // "::" stands for one group of zeros or more, so eight groups beside it are one too many.
  if (filled === IPV6_LENGTH) return undefined;
  bytes.copyWithin(IPV6_LENGTH - (filled - gapAt), gapAt, filled);
  bytes.fill(0, gapAt, IPV6_LENGTH - (filled - gapAt));
  return new IpAddress(6, bytes);
}

/** The index after at most four hexadecimal digits. */
function groupEnd(text: string, start: number): number {
  let index = start;
  while (index < text.length && index - start < 4 && isHexDigit(text.charCodeAt(index))) index++;
  return index;
}

function isHexDigit(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
}

function formatIpv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/**
 * RFC 5952 §4: no leading zeros, the longest run of two or more zero groups shortened, the first of equals, lower case.
 */
function formatIpv6(bytes: Uint8Array): string {
  const groups: string[] = [];
  let bestStart = -1;
  let bestLength = 1;
  let runLength = 0;
  for (let i = 0; i < 8; i++) {
    const group = (bytes[2 * i] << 8) | bytes[2 * i + 1];
    groups.push(group.toString(16));
    runLength = group === 0 ? runLength + 1 : 0;
    if (runLength > bestLength) {
      bestLength = runLength;
      bestStart = i - runLength + 1;
    }
  }
  if (bestStart < 0) return groups.join(':');
  return `${groups.slice(0, bestStart).join(':')}::${groups.slice(bestStart + bestLength).join(':')}`;
}
