/**
 * CIDR blocks, and a set of them that answers "is this address inside?" without allocating: it is asked for every
 * connection and every packet. IPv4-mapped IPv6 (`::ffff:a.b.c.d`) counts as IPv4 on both sides, since the kernel would
 * connect to the same place.
 */

import type { IpAddress } from './ip-address.js';
import { isIpv4Mapped, parseIpAddress } from './ip-address.js';

export interface Cidr {
  readonly family: 4 | 6;
  /** The first address of the block, host bits cleared: 4 or 16 bytes. */
  readonly first: Uint8Array;
  /** 0..32 or 0..128. */
  readonly prefixLength: number;
}

/**
 * Parses `10.0.0.0/8`, `fd00::/8`, or a single address (which is its /32 or /128). Host bits are cleared, not refused:
 * `10.1.2.3/8` says what it means. `::ffff:10.0.0.0/104` becomes `10.0.0.0/8`.
 *
 * @throws RangeError whose message names the text and what is wrong with it
 */
export function parseCidr(text: string): Cidr {
  const trimmed = text.trim();
  const slash = trimmed.indexOf('/');
  const address = parseIpAddress(slash < 0 ? trimmed : trimmed.slice(0, slash));
  if (address === undefined) {
    throw new RangeError(
      `"${text}" is not a CIDR block: expected an address and a prefix length, such as 10.0.0.0/8 or fd00::/8`,
    );
  }
  const bits = address.bytes.length * 8;
  const prefixLength = slash < 0 ? bits : parsePrefixLength(trimmed.slice(slash + 1));
  if (!(prefixLength <= bits)) {
    throw new RangeError(
      `"${text}" is not a CIDR block: the prefix length of an IPv${address.family} block is a number from 0 to ${bits}`,
    );
  }
  if (isIpv4Mapped(address) && prefixLength >= 96) {
    return { family: 4, first: masked(address.bytes.slice(12), prefixLength - 96), prefixLength: prefixLength - 96 };
  }
  return { family: address.family, first: masked(address.bytes, prefixLength), prefixLength };
}

/**
 * Sorted, merged ranges by family; a look-up is one binary search. `::/0` holds no IPv4 address, nor does `0.0.0.0/0`
 * hold an IPv6 one.
 */
export class CidrSet {
  /**
   * Pairs of words: first and last address of each range, big-endian words (1 for IPv4, 4 for IPv6) one after the
   * other.
   */
  readonly #ipv4: Uint32Array;
  readonly #ipv6: Uint32Array;

  /** @throws RangeError for a text that is not a CIDR block, see {@link parseCidr} */
  constructor(blocks: readonly (string | Cidr)[]) {
    const parsed = blocks.map((block) => (typeof block === 'string' ? parseCidr(block) : block));
    this.#ipv4 = mergedRanges(parsed.filter((block) => block.family === 4));
    this.#ipv6 = mergedRanges(parsed.filter((block) => block.family === 6));
  }

  contains(address: IpAddress): boolean {
    if (address.family === 4) return insideRanges(this.#ipv4, address.bytes, 0, 1);
    if (isIpv4Mapped(address)) return insideRanges(this.#ipv4, address.bytes, 12, 1);
    return insideRanges(this.#ipv6, address.bytes, 0, 4);
  }
}

/** NaN where it is not a plain decimal number. */
function parsePrefixLength(text: string): number {
  return /^(0|[1-9][0-9]{0,2})$/.test(text) ? Number(text) : Number.NaN;
}

function masked(bytes: Uint8Array, prefixLength: number): Uint8Array {
  const first = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) first[i] = bytes[i] & byteMask(prefixLength, i);
  return first;
}

/** The bits of byte `index` that belong to the prefix. */
function byteMask(prefixLength: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefixLength - index * 8));
  return (0xff00 >> bits) & 0xff;
}

function lastAddress(cidr: Cidr): Uint8Array {
  return cidr.first.map((byte, index) => byte | (~byteMask(cidr.prefixLength, index) & 0xff));
}

/**
 * All blocks are of one family. Blocks nest or are apart (they never overlap in part), so a sort brings a block before
 * those inside it.
 */
function mergedRanges(blocks: readonly Cidr[]): Uint32Array {
  const sorted = [...blocks].sort((a, b) => Buffer.compare(a.first, b.first) || a.prefixLength - b.prefixLength);
  const words: number[] = [];
  let previousLast: Uint8Array | undefined;
  for (const block of sorted) {
    if (previousLast !== undefined && Buffer.compare(block.first, previousLast) <= 0) continue;
    previousLast = lastAddress(block);
    for (const bound of [block.first, previousLast]) {
      for (let i = 0; i < bound.length; i += 4) words.push(wordAt(bound, i));
    }
  }
  return Uint32Array.from(words);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

function insideRanges(ranges: Uint32Array, bytes: Uint8Array, at: number, words: number): boolean {
  let low = 0;
  let high = ranges.length / (2 * words);
  // Finds the number of ranges whose first address is not above ours; the last of them is the only one that can hold
  // it.
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareWords(ranges, middle * 2 * words, bytes, at, words) <= 0) low = middle + 1;
    else high = middle;
  }
  return low > 0 && compareWords(ranges, (low * 2 - 1) * words, bytes, at, words) >= 0;
}

/** Sign of (the bound that starts at `index`) − (the address that starts at `at`). */
function compareWords(ranges: Uint32Array, index: number, bytes: Uint8Array, at: number, words: number): number {
  for (let i = 0; i < words; i++) {
    const difference = ranges[index + i] - wordAt(bytes, at + 4 * i);
    if (difference !== 0) return difference;
  }
  return 0;
}
