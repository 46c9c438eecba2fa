/**
 * DNS messages for one purpose: the addresses of a host name. The wire format is dns-packet's; what is here is what a
 * stub resolver must check before it believes an answer, and the reading of CNAME chains and negative answers (RFC
 * 1034, 1035, 2308).
 */

import type { Answer, DecodedPacket, StringAnswer } from 'dns-packet';
import { decode, encode, RECURSION_DESIRED } from 'dns-packet';
import type { IpAddress } from '../net/ip-address.js';
import { parseIpAddress } from '../net/ip-address.js';

export type AddressType = 'A' | 'AAAA';

export interface DnsQuestion {
  /** Transaction id, 0..65535, from a good random source. */
  readonly id: number;
  /** In the form of `normalizeName`. */
  readonly name: string;
  readonly type: AddressType;
}

export type DnsFailureCode = 'FORMERR' | 'SERVFAIL' | 'NOTIMP' | 'REFUSED' | 'OTHER';

export type DnsAnswer =
  /** The time to live is the least one of the CNAME chain and the addresses. */
  | { readonly kind: 'addresses'; readonly addresses: readonly IpAddress[]; readonly ttlS: number }
  /** The name or this type of it does not exist; 0 where no SOA says for how long that is true. */
  | { readonly kind: 'negative'; readonly reason: 'nxdomain' | 'nodata'; readonly ttlS: number }
  /** TC: ask again over TCP. */
  | { readonly kind: 'truncated' }
  /** The server can't or won't: ask another one. */
  | { readonly kind: 'failed'; readonly code: DnsFailureCode }
  /** Not an answer to this question: a late one, or a forged one. Go on waiting. */
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'malformed' };

/**
 * EDNS0 payload size that we say we can take. DNS Flag Day 2020: 1232 = 1280 (the least IPv6 MTU) − 48 bytes of
 * headers, so that no answer is fragmented.
 */
export const UDP_PAYLOAD_SIZE = 1232;

const HEADER_LENGTH = 12;
/** Root name, type, class: no question is shorter. */
const LEAST_QUESTION_LENGTH = 5;
/** Root name, type, class, TTL, RDLENGTH: no record is shorter. */
const LEAST_RECORD_LENGTH = 11;
/** Far above what an address answer has; bounds the time that a hostile 64 KiB answer over TCP can cost. */
const MAX_RECORDS = 512;
/** Resolvers follow 8 to 16 themselves; a longer chain is a loop or a fault. */
const MAX_CNAME_HOPS = 16;
/** RFC 2308 §5: a day is long for a name that does not exist; caches are clamped further by `DnsCache`. */
const MAX_TTL_S = 0x7fffffff;

const MALFORMED: DnsAnswer = { kind: 'malformed' };
const MISMATCH: DnsAnswer = { kind: 'mismatch' };
const TRUNCATED: DnsAnswer = { kind: 'truncated' };

const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
const FAILURE_BY_RCODE: readonly (DnsFailureCode | undefined)[] = [
  undefined,
  'FORMERR',
  'SERVFAIL',
  undefined,
  'NOTIMP',
  'REFUSED',
];

/**
 * A standard query with recursion desired.
 * @param edns adds the OPT record; leave it out for a server that answered FORMERR to it
 */
export function encodeQuery(question: DnsQuestion, edns: boolean): Uint8Array {
  return encode({
    type: 'query',
    id: question.id,
    flags: RECURSION_DESIRED,
    questions: [{ type: question.type, name: question.name, class: 'IN' }],
    additionals: edns
      ? [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: UDP_PAYLOAD_SIZE,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  });
}

/**
 * Reads what a server sent. Never throws, whatever the bytes. All but `mismatch` carry the question's id: only that one
 * leaves the real answer still to come.
 */
export function decodeAnswer(bytes: Uint8Array, question: DnsQuestion): DnsAnswer {
  if (bytes.length < 2 || ((bytes[0] << 8) | bytes[1]) !== question.id) return MISMATCH;
  if (!hasPlausibleHeader(bytes)) return MALFORMED;
  let packet: DecodedPacket;
  try {
    packet = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch {
    // A server may cut a truncated answer in the middle of a record.
    return isTruncated(bytes) ? TRUNCATED : MALFORMED;
  }
  const rcode = (packet.flags ?? 0) & 0xf;
  const failure = rcode > RCODE.REFUSED ? 'OTHER' : FAILURE_BY_RCODE[rcode];
  if (!packet.flag_qr || !echoesQuestion(packet, question, failure !== undefined)) return MISMATCH;
  if (packet.flag_tc) return TRUNCATED;
  if (failure !== undefined) return { kind: 'failed', code: failure };
  return readAddresses(packet, question, rcode === RCODE.NXDOMAIN);
}

/** Whole header, and counts that fit the length: dns-packet would allocate by those counts. */
function hasPlausibleHeader(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_LENGTH) return false;
  const questions = (bytes[4] << 8) | bytes[5];
  let records = 0;
  for (let at = 6; at < HEADER_LENGTH; at += 2) records += (bytes[at] << 8) | bytes[at + 1];
  if (questions > 1 || records > MAX_RECORDS) return false;
  return (
    isTruncated(bytes) ||
    HEADER_LENGTH + questions * LEAST_QUESTION_LENGTH + records * LEAST_RECORD_LENGTH <= bytes.length
  );
}

function isTruncated(bytes: Uint8Array): boolean {
  return (bytes[2] & 0x82) === 0x82;
}

/** Servers that do not understand a query may answer without repeating it. */
function echoesQuestion(packet: DecodedPacket, question: DnsQuestion, mayBeMissing: boolean): boolean {
  const echoed = packet.questions?.[0];
  if (echoed === undefined) return mayBeMissing;
  return echoed.name.toLowerCase() === question.name && echoed.type === question.type && echoed.class === 'IN';
}

function readAddresses(packet: DecodedPacket, question: DnsQuestion, nxdomain: boolean): DnsAnswer {
  const records = packet.answers ?? [];
  const aliases = new Map<string, { readonly target: string; readonly ttlS: number }>();
  for (const record of records) {
    if (isRecord(record, 'CNAME'))
      aliases.set(record.name.toLowerCase(), { target: record.data.toLowerCase(), ttlS: ttlOf(record) });
  }
  let owner = question.name;
  let ttlS = MAX_TTL_S;
  for (let hops = 0; ; hops++) {
    const alias = aliases.get(owner);
    if (alias === undefined) break;
    if (hops === MAX_CNAME_HOPS) return MALFORMED;
    owner = alias.target;
    ttlS = Math.min(ttlS, alias.ttlS);
  }
  const addresses: IpAddress[] = [];
  for (const record of records) {
    if (!isRecord(record, question.type) || record.name.toLowerCase() !== owner) continue;
    const address = parseIpAddress(record.data);
    if (address === undefined) return MALFORMED;
    addresses.push(address);
    ttlS = Math.min(ttlS, ttlOf(record));
  }
  if (addresses.length > 0 && !nxdomain) return { kind: 'addresses', addresses, ttlS };
  return { kind: 'negative', reason: nxdomain ? 'nxdomain' : 'nodata', ttlS: Math.min(ttlS, negativeTtl(packet)) };
}

/**
 * RFC 2308 §5: the smaller of the SOA record's own TTL and its MINIMUM field. Without an SOA the answer is not to be
 * kept.
 */
function negativeTtl(packet: DecodedPacket): number {
  for (const record of packet.authorities ?? []) {
    if (record.type === 'SOA') return Math.min(ttlOf(record), record.data.minimum ?? 0);
  }
  return 0;
}

function isRecord(record: Answer, type: 'A' | 'AAAA' | 'CNAME'): record is StringAnswer {
  return record.type === type && record.class === 'IN';
}

/** RFC 2181 §8: a TTL with the top bit set is to be taken as 0. */
function ttlOf(record: { readonly ttl?: number | undefined }): number {
  const ttlS = record.ttl ?? 0;
  return ttlS > MAX_TTL_S ? 0 : ttlS;
}
