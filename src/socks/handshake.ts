/** What the handshakes of SOCKS4 and SOCKS5 have in common: bytes in, what to send or to do out. */

import type { BadTargetReason, Target } from '../net/target.js';

export type SocksCommand = 'connect' | 'bind' | 'udp-associate';

export interface SocksRequest {
  readonly command: SocksCommand;
  readonly target: Target;
}

/** Why a handshake ended, for logs and counters. */
export type SocksFailure =
  | 'version'
  | 'no-acceptable-method'
  | 'bad-credentials'
  | 'unknown-command'
  /** SOCKS4: the user id. */
  | 'too-long'
  /** SOCKS4 has no passwords, and one is asked for. */
  | 'unauthenticated'
  | BadTargetReason;

export type SocksOutcome =
  /** Everything given was consumed and is not enough. */
  | { readonly kind: 'more' }
  /** Send `bytes` (shared: don't write into them), then go on with what was not consumed. */
  | { readonly kind: 'reply'; readonly bytes: Uint8Array }
  /** The handshake is over; what was not consumed is payload. The caller answers by the handshake's `answers`. */
  | { readonly kind: 'request'; readonly request: SocksRequest }
  /** Send `reply` if there is one, then close; no byte counts any more. */
  | { readonly kind: 'failed'; readonly reason: SocksFailure; readonly reply: Uint8Array | undefined };

/** What a program is told about its request; shared between callers, who must not write into them. */
export interface SocksAnswers {
  /** The connection stands; payload follows. */
  readonly granted: Uint8Array;
  /** Not this command. */
  readonly unsupported: Uint8Array;
  /** @param failure errno name such as `ECONNREFUSED`, or a look-up's failure */
  refused(failure: string): Uint8Array;
}

export interface SocksHandshake {
  /** How many bytes the last `feed` took, counted from its `start`. */
  readonly consumed: number;
  readonly answers: SocksAnswers;
  /**
   * Takes at most one message from `bytes[start, end)`; `consumed` then says how much. After a `reply`, feed the rest
   * (an empty rest gives `more`). After `request` or `failed` nothing may be fed any more.
   */
  feed(bytes: Uint8Array, start: number, end: number): SocksOutcome;
}
