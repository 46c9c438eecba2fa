/**
 * What the rest of the program needs of a Shadowsocks protocol's datagrams, whichever it is: the client's associations know a
 * `ClientPacketSession`, the server's relay a `ServerPacketProtocol`; only `protocols.ts` knows which protocol a method belongs to.
 *
 * All of it is pure: from one piece of memory into another, one packet at a time, and nothing is allocated for a packet. The plaintext is
 * `address | payload` in both directions; towards the client the address is that of the host which answered.
 */

import type { Region } from '../../native-bindings/memory.js';

/**
 * Bytes in front of a plaintext that sealing it may overwrite: in the edition of 2022 session ids, a type, a time, and at most 900 bytes of
 * padding with their length.
 */
export const PACKET_HEADER_ROOM = 960;

/** The most that sealing adds to a plaintext, padding left aside: salt or separate header, identity headers, body header, tag. */
export const PACKET_OVERHEAD = 32 + 8 * 16 + 35 + 16;

/** Why a packet is dropped, as the negative result of `open`. A peer is never told. */
export const REJECTED = {
  /** Too short, or its parts do not fit into it. */
  malformed: -1,
  /** Not authentic: not sealed with our key, or changed on the way. */
  cipher: -2,
  /** An identity header that names no user of ours. */
  user: -3,
  /** A client's packet that came to a client, or a server's to a server. */
  type: -4,
  /** Its time is not ours. */
  time: -5,
  /** Seen before, or too old to tell. */
  replay: -6,
  /** Of another session than ours, or one server too many in a short time. */
  session: -7,
} as const;

export type Rejection = keyof typeof REJECTED;

const NAMES = Object.keys(REJECTED) as Rejection[];

/** The name of a negative result of `open`. */
export function rejectionName(result: number): Rejection {
  return NAMES[-result - 1];
}

/** What opens packets, whichever end it is of. */
interface PacketOpening {
  /** Where the plaintext of the last packet begins in the output. */
  readonly openedAt: number;
  /**
   * Several packets will be opened next, in this order: where that makes a difference, what they need is computed together.
   * @param starts where they are in the input
   */
  expect?(input: Region, starts: Int32Array, count: number): void;
}

/** What one local address sends through one server, and what comes back. */
export interface ClientPacketSession extends PacketOpening {
  /**
   * Seals the plaintext `input[at, at + length)`.
   * @param input up to `PACKET_HEADER_ROOM` bytes in front of `at` may be overwritten
   * @param output must not overlap the input
   * @returns how many bytes were written at `output[outputAt]`
   */
  seal(input: Region, at: number, length: number, output: Region, outputAt: number): number;
  /**
   * Opens what the server sent.
   * @param output must not overlap the input and must have room for as many bytes
   * @returns the length of the plaintext at `output[openedAt]`, or one of `REJECTED`
   */
  open(input: Region, at: number, length: number, output: Region, outputAt: number): number;
  /** Forgets keys. Idempotent. */
  release(): void;
}

/** One server, as a client on one reactor sends datagrams to it. */
export interface ClientPacketProtocol {
  newSession(): ClientPacketSession;
  /** Forgets keys. Called when no session is left. */
  wipe(): void;
}

/** Whom a server's answers are sealed for. */
export interface ServerPacketSession {
  /** The user's name; empty where there is one key for all. */
  readonly user: string;
  /** As a client's `seal`. */
  seal(input: Region, at: number, length: number, output: Region, outputAt: number): number;
  /** Nothing is answered to it any more. What guards against its packets being played again is kept for as long as they could be. */
  release(): void;
}

/** One port of a server, on the one reactor that owns its datagrams. */
export interface ServerPacketProtocol extends PacketOpening {
  /**
   * By what a client is known: its address, or a session of its own that may roam from address to address. With `address` a session here is
   * what all clients with one key have in common.
   */
  readonly clientsBy: 'address' | 'session';
  /**
   * Whose answers a client gets: those of all who learn of its port (full cone), or only those of the destination that it last sent to. The
   * latter where answers are sealed already, so that nobody else can have anything for it.
   */
  readonly answersFrom: 'anyone' | 'destination';
  /** Whose packet was opened last. */
  readonly openedSession: ServerPacketSession;
  /**
   * Opens what a client sent. No state changes unless it is authentic.
   * @returns as a client's `open`
   */
  open(input: Region, at: number, length: number, output: Region, outputAt: number): number;
  /** Forgets keys. Called when no session is left. */
  wipe(): void;
}
