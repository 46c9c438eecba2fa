/** What a SOCKS5 server answers to a request (RFC 1928 §6), and which failure gets which code. */

import type { IpAddress } from '../net/ip-address.js';
import { encodeTarget, targetLength } from '../net/target.js';

export const SOCKS_VERSION = 5;

/** REP values. 09 to ff are unassigned and never sent. */
export const REP = {
  SUCCEEDED: 0x00,
  GENERAL_FAILURE: 0x01,
  NOT_ALLOWED: 0x02,
  NETWORK_UNREACHABLE: 0x03,
  HOST_UNREACHABLE: 0x04,
  CONNECTION_REFUSED: 0x05,
  TTL_EXPIRED: 0x06,
  COMMAND_NOT_SUPPORTED: 0x07,
  ADDRESS_TYPE_NOT_SUPPORTED: 0x08,
} as const;

export type Rep = (typeof REP)[keyof typeof REP];

/** BND.ADDR and BND.PORT. */
export interface BoundEndpoint {
  readonly address: IpAddress;
  readonly port: number;
}

const UNSPECIFIED: BoundEndpoint = { address: { family: 4, bytes: new Uint8Array(4) }, port: 0 };

/** By REP: replies that name no address are the same for every connection, so they are made once. */
const repliesWithoutAddress: readonly Uint8Array[] = Object.values(REP).map((rep) => buildReply(rep, UNSPECIFIED));

/**
 * VER, REP, RSV, ATYP, BND.ADDR, BND.PORT: 10 bytes for IPv4, 22 for IPv6. Without `bound` the address is 0.0.0.0:0 and
 * the result is shared between callers, who must not write into it.
 */
export function encodeReply(rep: Rep, bound?: BoundEndpoint): Uint8Array {
  return bound === undefined ? repliesWithoutAddress[rep] : buildReply(rep, bound);
}

function buildReply(rep: Rep, bound: BoundEndpoint): Uint8Array {
  const target = { kind: 'ip', address: bound.address, port: bound.port } as const;
  const reply = new Uint8Array(3 + targetLength(target));
  reply[0] = SOCKS_VERSION;
  reply[1] = rep;
  encodeTarget(target, reply, 3);
  return reply;
}

/** By errno name or look-up failure. What is not here is a general failure. */
const REP_BY_ERRNO: Readonly<Record<string, Rep>> = {
  // The local firewall refused the connect (netfilter's REJECT on OUTPUT shows as EPERM, SELinux as EACCES).
  EPERM: REP.NOT_ALLOWED,
  EACCES: REP.NOT_ALLOWED,
  ENETUNREACH: REP.NETWORK_UNREACHABLE,
  ENETDOWN: REP.NETWORK_UNREACHABLE,
  // No address of this family on this machine: the other network can't be reached from here.
  EADDRNOTAVAIL: REP.NETWORK_UNREACHABLE,
  EAFNOSUPPORT: REP.NETWORK_UNREACHABLE,
  EHOSTUNREACH: REP.HOST_UNREACHABLE,
  EHOSTDOWN: REP.HOST_UNREACHABLE,
  ETIMEDOUT: REP.HOST_UNREACHABLE,
  // Look-ups: no such name, no address for it, no answer.
  ENOTFOUND: REP.HOST_UNREACHABLE,
  ENODATA: REP.HOST_UNREACHABLE,
  ESERVFAIL: REP.HOST_UNREACHABLE,
  ETIMEOUT: REP.HOST_UNREACHABLE,
  EAI_AGAIN: REP.HOST_UNREACHABLE,
  EAI_FAIL: REP.HOST_UNREACHABLE,
  EAI_NODATA: REP.HOST_UNREACHABLE,
  EAI_NONAME: REP.HOST_UNREACHABLE,
  ECONNREFUSED: REP.CONNECTION_REFUSED,
};

/** The REP for a failed connect or look-up. @param code errno name such as `ECONNREFUSED` */
export function replyForErrno(code: string): Rep {
  return Object.hasOwn(REP_BY_ERRNO, code) ? REP_BY_ERRNO[code] : REP.GENERAL_FAILURE;
}
