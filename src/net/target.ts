/**
 * The destination of a connection or packet, in the form that SOCKS5 (RFC 1928 §5) and Shadowsocks share on the wire:
 * ATYP, address, port in network byte order. A pure codec: bytes in, a value or "incomplete" or "bad" out.
 */

import { copyOfShort, copyShort } from '../../native-bindings/bytes.js';
import { formatIpAddress, IpAddress, parseIpAddress } from './ip-address.js';

export class IpTarget {
  readonly kind = 'ip';
  readonly address: IpAddress;
  /** 0..65535 */
  readonly port: number;

  constructor(address: IpAddress, port: number) {
    this.address = address;
    this.port = port;
  }
}

export class NameTarget {
  readonly kind = 'name';
  /** 1..255 bytes of UTF-8 (ASCII in practice), never an IP literal, without control characters or spaces. */
  readonly name: string;
  /** 0..65535 */
  readonly port: number;

  constructor(name: string, port: number) {
    this.name = name;
    this.port = port;
  }
}

export type Target = IpTarget | NameTarget;

/** Why bytes are not a target. `address-type`: SOCKS answers this one with a code of its own. */
export type BadTargetReason = 'address-type' | 'empty-name' | 'bad-name';

export type DecodedTarget =
  /** `length`: how many bytes the target took. */
  | { readonly status: 'ok'; readonly target: Target; readonly length: number }
  | { readonly status: 'incomplete' }
  | { readonly status: 'bad'; readonly reason: BadTargetReason };

/** RFC 1928 §5. */
const ATYP = { IPV4: 1, NAME: 3, IPV6: 4 } as const;

/** ATYP, length byte, 255 bytes of name, port: what a decoder has to buffer at most. */
export const MAX_TARGET_LENGTH = 259;

const MAX_NAME_LENGTH = 255;
const PORT_LENGTH = 2;
const INCOMPLETE: DecodedTarget = { status: 'incomplete' };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Decodes the target at `start`, looking at no byte from `end` on. A name that is an IP literal becomes an IP target,
 * so that it can not slip past a check on addresses. ATYP is compared as a whole byte: the flag bits of one-time
 * authentication are long gone.
 */
export function decodeTarget(bytes: Uint8Array, start: number, end: number): DecodedTarget {
  if (start >= end) return INCOMPLETE;
  switch (bytes[start]) {
    case ATYP.IPV4:
      return decodeIp(bytes, start, end, 4);
    case ATYP.IPV6:
      return decodeIp(bytes, start, end, 6);
    case ATYP.NAME:
      return decodeName(bytes, start, end);
    default:
      return { status: 'bad', reason: 'address-type' };
  }
}

/**
 * The length of the target that begins at `start`, as far as the bytes before `end` tell: more than `end - start` while
 * it is incomplete, no more than that once it is whole, or known to be bad. For readers that collect split input and
 * must not take a byte too many.
 */
export function expectedTargetLength(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return 1;
  switch (bytes[start]) {
    case ATYP.IPV4:
      return 1 + 4 + PORT_LENGTH;
    case ATYP.IPV6:
      return 1 + 16 + PORT_LENGTH;
    case ATYP.NAME:
      return start + 1 >= end || bytes[start + 1] === 0 ? 2 : 2 + bytes[start + 1] + PORT_LENGTH;
    default:
      return 1;
  }
}

/**
 * Writes the target at `at`.
 *
 * @returns how many bytes it took, see {@link targetLength}
 * @throws RangeError where it does not fit, or where the name is empty or longer than 255 bytes
 */
export function encodeTarget(target: Target, into: Uint8Array, at: number): number {
  const length = targetLength(target);
  if (at + length > into.length) throw new RangeError(`a target of ${length} bytes does not fit`);
  if (target.kind === 'ip') {
    into[at] = target.address.family === 4 ? ATYP.IPV4 : ATYP.IPV6;
    copyShort(target.address.bytes, 0, target.address.bytes.length, into, at + 1);
  } else {
    into[at] = ATYP.NAME;
    into[at + 1] = length - 2 - PORT_LENGTH;
    into.set(Buffer.from(target.name), at + 2);
  }
  into[at + length - 2] = target.port >> 8;
  into[at + length - 1] = target.port & 0xff;
  return length;
}

/**
 * Encoded size in bytes: 7 for IPv4, 19 for IPv6, 5..259 for a name.
 *
 * @throws RangeError where the name is empty or longer than 255 bytes
 */
export function targetLength(target: Target): number {
  if (target.kind === 'ip') return 1 + target.address.bytes.length + PORT_LENGTH;
  const nameLength = Buffer.byteLength(target.name);
  if (nameLength === 0 || nameLength > MAX_NAME_LENGTH) {
    throw new RangeError(`a host name has 1 to ${MAX_NAME_LENGTH} bytes, not ${nameLength}`);
  }
  return 2 + nameLength + PORT_LENGTH;
}

/**
 * What a person wrote as a host: an IP target where it is an address literal (IPv6 also in brackets), else a name
 * target.
 */
export function targetFromHost(host: string, port: number): Target {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const address = parseIpAddress(bare);
  return address === undefined ? new NameTarget(host, port) : new IpTarget(address, port);
}

/** `host:port`, an IPv6 address in brackets. */
export function formatTarget(target: Target): string {
  if (target.kind === 'name') return `${target.name}:${target.port}`;
  const text = formatIpAddress(target.address);
  return target.address.family === 4 ? `${text}:${target.port}` : `[${text}]:${target.port}`;
}

function decodeIp(bytes: Uint8Array, start: number, end: number, family: 4 | 6): DecodedTarget {
  const portAt = start + 1 + (family === 4 ? 4 : 16);
  if (portAt + PORT_LENGTH > end) return INCOMPLETE;
  return {
    status: 'ok',
    target: new IpTarget(addressAt(bytes, start + 1, portAt, family), portAtOffset(bytes, portAt)),
    length: portAt + PORT_LENGTH - start,
  };
}

/** What was decoded last: it is likely to come again, for programs open several connections to the same place. */
let last = new IpAddress(4, new Uint8Array(4));

function addressAt(bytes: Uint8Array, start: number, end: number, family: 4 | 6): IpAddress {
  if (last.family === family) {
    let i = start;
    while (i < end && bytes[i] === last.bytes[i - start]) i++;
    if (i === end) return last;
  }
  // A copy: the bytes are usually in a buffer that the next read fills again.
  last = new IpAddress(family, copyOfShort(bytes, start, end));
  return last;
}

function decodeName(bytes: Uint8Array, start: number, end: number): DecodedTarget {
  if (start + 1 >= end) return INCOMPLETE;
  const nameLength = bytes[start + 1];
  if (nameLength === 0) return { status: 'bad', reason: 'empty-name' };
  const nameAt = start + 2;
  const portAt = nameAt + nameLength;
  if (portAt + PORT_LENGTH > end) return INCOMPLETE;
  const name = decodeNameText(bytes, nameAt, portAt);
  if (name === undefined) return { status: 'bad', reason: 'bad-name' };
  const port = portAtOffset(bytes, portAt);
  const address = parseIpAddress(name);
  const target = address === undefined ? new NameTarget(name, port) : new IpTarget(address, port);
  return { status: 'ok', target, length: portAt + PORT_LENGTH - start };
}

/**
 * Undefined for control characters and spaces (they would forge log lines and cut C strings short) and for what is not
 * UTF-8.
 */
function decodeNameText(bytes: Uint8Array, start: number, end: number): string | undefined {
  for (let i = start; i < end; i++) {
    if (bytes[i] <= 0x20 || bytes[i] === 0x7f) return undefined;
  }
  try {
    return utf8.decode(bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}

function portAtOffset(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}
