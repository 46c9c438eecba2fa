/**
 * What the rest of the program needs of a Shadowsocks protocol, whichever it is: AEAD 2017, the edition of 2022, the old stream ciphers. The relay knows
 * a sealer and an opener, the client's session a `ClientProtocol`, the server's session a `ServerProtocol`; only `protocols.ts` knows which
 * protocol a method belongs to.
 *
 * All of it is pure: from one piece of memory into another. Nothing that is given out was not authenticated before (where the protocol can).
 */

import type { Region } from '../../native-bindings/memory.js';
import type { Target } from '../net/target.js';

/**
 * Bytes in front of the first payload that a sealer may overwrite, for the header that goes with it: at most an address of 259 bytes, and (in
 * the edition of 2022) a length and 900 bytes of padding.
 */
export const HEADER_ROOM = 1280;

/** How the relay counts what it reads at a time: the payload of a full chunk of AEAD 2017 (SIP004: the two upper bits of a length are reserved). */
export const CHUNK_PAYLOAD = 0x3fff;

/** The sending half of a stream. */
export interface StreamSealer {
  /**
   * Seals `input[inputAt, inputAt + length)`. The first call writes what goes in front (salt, header) as well, so that it all leaves in one
   * send; with a `length` of 0 it writes that alone.
   * @param input up to `HEADER_ROOM` bytes in front of `inputAt` may be overwritten by the first call
   * @param output must not overlap the input
   * @returns how many bytes were written at `output[outputAt]`
   */
  seal(input: Region, inputAt: number, length: number, output: Region, outputAt: number): number;
  /** Forgets the session's key. Idempotent. */
  release(): void;
}

/** The receiving half of a stream, incremental: it takes whole units from what has arrived and leaves the rest to the caller. */
export interface StreamOpener {
  /** Where the last `open` stopped in the input; the caller puts the next bytes behind what is left. */
  readonly consumedTo: number;
  /** A stream that ends here is cut short. */
  readonly insideChunk: boolean;
  /** How many bytes to receive, so that about `chunks` times `CHUNK_PAYLOAD` come out and a full receive ends at the end of a unit. */
  receiveLength(chunks: number): number;
  /**
   * Opens what is complete in `input[from, end)`.
   * @param output must not overlap the input and must have room for as many bytes
   * @returns the bytes of payload at `output[outputAt]`, or −1 where the stream is not authentic or not well formed
   */
  open(input: Region, from: number, end: number, output: Region, outputAt: number): number;
  /** Forgets the session's key. Idempotent. */
  release(): void;
}

/** Both halves of a connection. */
export class Stream {
  readonly sealer: StreamSealer;
  readonly opener: StreamOpener;

  constructor(sealer: StreamSealer, opener: StreamOpener) {
    this.sealer = sealer;
    this.opener = opener;
  }
}

/** One server, as a client on one reactor speaks to it. */
export interface ClientProtocol {
  /** For a new connection: the sealer begins with the header that names the target. */
  connect(target: Target): Stream;
  /** Forgets keys. */
  wipe(): void;
}

/** What a client's first bytes are to a server. */
export type RequestOutcome =
  /** What was not consumed is to be kept, and offered again with more behind it. */
  | { readonly kind: 'more' }
  /** Not a client of ours, or not well formed: it is to learn nothing. `reason` is for the log. */
  | { readonly kind: 'rejected'; readonly status: 'ERR_CIPHER' | 'ERR_ADDRESS'; readonly reason: string }
  | {
      readonly kind: 'accepted';
      readonly target: Target;
      /** Whose key it is, where the port has several. */
      readonly user: string | undefined;
      /** Payload that came with the address is at `output[payloadAt, payloadEnd)`. */
      readonly payloadAt: number;
      readonly payloadEnd: number;
      readonly stream: Stream;
    };

/** Reads one client's request: everything up to the whole address. It reads no further, so what is behind stays sealed for now. */
export interface RequestReader {
  readonly consumedTo: number;
  /** The longest unit that has to be whole to be read: no more need be received at a time, what was kept included. */
  readonly longestUnit: number;
  /** @param output must not overlap the input and must have room for as many bytes */
  read(input: Region, from: number, end: number, output: Region): RequestOutcome;
  /** Forgets keys, those of an accepted stream included. Idempotent. */
  release(): void;
}

/** One port of a server, on one reactor. */
export interface ServerProtocol {
  newRequest(): RequestReader;
  /** Forgets keys. */
  wipe(): void;
}
