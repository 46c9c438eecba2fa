/** What happened to datagrams, on one reactor. */

import { EAGAIN, ECONNREFUSED, EMSGSIZE, ENOBUFS } from '../../native-bindings/errno.js';

/**
 * Why a datagram was not passed on. Nobody is told but these counters. The first ones are those of a packet that cannot be opened
 * (`Rejection` in packet-protocol.ts).
 */
export const DROP_REASONS = [
  'malformed',
  'cipher',
  'user',
  'type',
  'time',
  'replay',
  'session',
  /** It names no address that there can be. */
  'address',
  /** Its destination is not allowed. */
  'egress',
  /** The name has no address, or nobody says which. */
  'resolve',
  /** Too many wait for the same name already. */
  'waiting',
  /** Sealed, or with its address, it is longer than a datagram can be. */
  'oversized',
  /** The kernel has no room for more. */
  'busy',
  /** The destination refuses datagrams, or an earlier one was refused there. */
  'refused',
  /** No way there. */
  'unreachable',
  /** A program, or behind a hop a server, that an association does not belong to. */
  'source',
  /** A fragment: they are not put together here. */
  'fragment',
  /** No descriptors, or no memory, for another association. */
  'limit',
] as const;

export type DropReason = (typeof DROP_REASONS)[number];

export interface PacketCounters {
  associations: number;
  activeAssociations: number;
  /** Datagrams from clients to destinations. */
  packetsUp: number;
  packetsDown: number;
  /** Their payload. */
  bytesUp: number;
  bytesDown: number;
  readonly drops: Record<DropReason, number>;
}

export function newPacketCounters(): PacketCounters {
  const drops = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>;
  return { associations: 0, activeAssociations: 0, packetsUp: 0, packetsDown: 0, bytesUp: 0, bytesDown: 0, drops };
}

/** The reason in an errno of a send or a receive. */
export function dropReason(errno: number): DropReason {
  switch (errno) {
    case EMSGSIZE:
      return 'oversized';
    case EAGAIN:
    case ENOBUFS:
      return 'busy';
    case ECONNREFUSED:
      return 'refused';
    default:
      return 'unreachable';
  }
}
