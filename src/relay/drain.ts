/**
 * The end of a connection that must not be seen to end: it is read and discarded, answered by nothing, and finished by FIN at a deadline that
 * does not depend on what or how much was received.
 *
 * Threat model: a prober who has no key sends bytes and watches for the reaction. close(2) with unread bytes in the receive queue sends RST,
 * with everything read FIN, and at once instead of at a deadline: each of these tells how many bytes the server wanted, hence what it is
 * (Frolov et al., NDSS 2020; Alice et al., IMC 2020). So the socket is never closed first.
 */

import type { TcpSocket } from '../net/tcp-socket.js';
import { WOULD_BLOCK } from '../net/tcp-socket.js';
import type { EventHandler } from '../reactor/reactor.js';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';
import type { DrainingConnection, RelayContext } from './context.js';
import { Member } from './member-list.js';

/** After our FIN: how long the peer may take to send its own (RFC 1928 §6 gives a failed request 10 s as well). */
export const LAST_BYTES_MS = 10_000;
/** Receives before other sessions get their turn. */
export const RECEIVES_A_TURN = 8;

export class Drain implements EventHandler, TimeoutHandler, DrainingConnection {
  readonly member: Member<DrainingConnection> = new Member<DrainingConnection>(this);
  readonly #context: RelayContext;
  readonly #socket: TcpSocket;
  readonly #deadline: Timer;
  #finished = false;
  #deferred = false;

  private constructor(context: RelayContext, socket: TcpSocket, deadline: Timer | undefined) {
    this.#context = context;
    this.#socket = socket;
    this.#deadline = deadline ?? new Timer(this);
  }

  /**
   * Takes a socket over.
   * @param finishAfterMs when to send FIN; 0: at once; Infinity: not before the peer does
   */
  static begin(context: RelayContext, socket: TcpSocket, finishAfterMs: number): void {
    const drain = new Drain(context, socket, undefined);
    drain.#begin();
    if (finishAfterMs <= 0) drain.finish();
    else if (finishAfterMs !== Number.POSITIVE_INFINITY) context.reactor.arm(drain.#deadline, finishAfterMs);
  }

  /**
   * Takes over a socket together with the deadline that it has.
   * @param deadline armed, or never; its handler passes `handleTimeout` on to the drain
   */
  static beginUntil(context: RelayContext, socket: TcpSocket, deadline: Timer): Drain {
    const drain = new Drain(context, socket, deadline);
    drain.#begin();
    return drain;
  }

  #begin(): void {
    this.#context.beginDraining(this);
    this.#socket.handOver(this);
    this.#defer();
  }

  handleEvents(events: number): void {
    this.#socket.note(events);
    if (events === 0) this.#deferred = false;
    this.#discard();
  }

  #discard(): void {
    const { input } = this.#context.workspace;
    for (let i = 0; i < RECEIVES_A_TURN; i++) {
      if (!this.#socket.open || !this.#socket.readable) return;
      const received = this.#socket.receive(input, 0, input.size);
      if (received === WOULD_BLOCK) return;
      // The peer's FIN is answered by ours at once, its RST by nothing.
      if (received <= 0) {
        this.destroy();
        return;
      }
    }
    this.#defer();
  }

  #defer(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    this.#context.reactor.defer(this);
  }

  handleTimeout(): void {
    if (this.#finished) this.destroy();
    else this.finish();
  }

  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#context.beginFinishing(this);
    this.#socket.finish();
    this.#context.reactor.arm(this.#deadline, LAST_BYTES_MS);
  }

  handleFailure(): void {
    this.destroy();
  }

  destroy(): void {
    this.#context.forgetDraining(this);
    this.#context.reactor.cancel(this.#deadline);
    this.#socket.close();
  }
}
