/**
 * A program's HTTP connection to the client: one request after another, each to the origin server that it names. CONNECT ends it: the
 * connection becomes a relay's.
 *
 *   program ──receive──► output ──rewrite──► input ──seal──► output ──send──► tunnel
 *   tunnel ──receive──► input ──open──► output ──rewrite──► input ──send──► program
 *
 * Back-pressure is as in a relay: a direction moves bytes while nothing is left over of its last send. The next request is not looked at
 * before the answer to the last one is complete, so answers cannot change places.
 */

import { EPOLLERR, EPOLLHUP } from '../../native-bindings/constants.js';
import type { Region } from '../../native-bindings/memory.js';
import { type Answer, answer, NOT_UNDERSTOOD } from '../http-proxy/answers.js';
import { HeadReader } from '../http-proxy/message-head.js';
import { faultAnswer, interpretRequest } from '../http-proxy/request.js';
import type { Target } from '../net/target.js';
import type { TcpSocket } from '../net/tcp-socket.js';
import type { EventHandler } from '../reactor/reactor.js';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';
import { PoolExhaustedError } from '../relay/block-pool.js';
import { Drain } from '../relay/drain.js';
import type { Status } from '../relay/status.js';
import { HttpOrigin, type HttpOriginOwner } from './http-origin.js';
import { HttpProgram, INPUT_OVER, INPUT_RESET, NOTHING_YET } from './http-program.js';
import type { IdleConversation } from './idle-conversations.js';
import type { LocalContext } from './local-context.js';

/** For a whole head, from the end of the answer before: so it is also how long a connection is kept that nobody uses. */
export const HEAD_TIMEOUT_MS = 60_000;
/** Receives of one direction before other sessions get their turn: as many bytes as in a relay. */
export const RECEIVES_A_TURN = 16;
/** The idle time-out is looked at this often within its length, so that no byte costs a timer. */
const IDLE_CHECKS = 4;

export interface HttpOwner {
  /**
   * CONNECT: the conversation is over, its program's socket has no owner.
   * @param early what came behind the request: the tunnel's
   */
  tunnelRequested(target: Target, early: Uint8Array | undefined): void;
  /**
   * Called once, unless a tunnel was requested or `release` called.
   * @param clientIsDrained the program's socket has another owner; otherwise closing it is for the owner to do
   */
  conversationEnded(status: Status, reason: string, clientIsDrained: boolean): void;
}

interface Closing {
  readonly status: Status;
  readonly reason: string;
}

export class HttpConversation implements EventHandler, TimeoutHandler, HttpOriginOwner, IdleConversation {
  /** Of the last request. */
  target: Target | undefined = undefined;
  readonly #context: LocalContext;
  readonly #owner: HttpOwner;
  readonly #program: HttpProgram;
  readonly #origin: HttpOrigin;
  readonly #head = new HeadReader(false);
  readonly #headDeadline: Timer = new Timer(this);
  readonly #idle: Timer = new Timer(this);
  #lastActivityMs: number;
  /** How to end once the program has been sent everything. */
  #closing: Closing | undefined = undefined;
  #pumping = false;
  #deferred = false;
  #over = false;

  /** The program's events come here from now on. */
  constructor(context: LocalContext, owner: HttpOwner, client: TcpSocket) {
    this.#context = context;
    this.#owner = owner;
    this.#program = new HttpProgram(context.relay, client);
    this.#origin = new HttpOrigin(context, this, this.#program);
    const { reactor, idleTimeoutMs } = context.relay;
    this.#lastActivityMs = reactor.nowMs;
    client.handOver(this);
    this.#awaitHead();
    if (idleTimeoutMs > 0) reactor.arm(this.#idle, idleTimeoutMs / IDLE_CHECKS);
  }

  /** Payload bytes to origin servers. */
  get sealedBytes(): number {
    return this.#origin.sealedBytes;
  }

  /** Payload bytes from them. */
  get openedBytes(): number {
    return this.#origin.openedBytes;
  }

  /** The program has got a part of an answer: cut off now, it must not take it for the whole. */
  get answering(): boolean {
    return this.#program.congested || this.#origin.answering;
  }

  /** With what has been received already: `from[at, end)`. */
  startWith(from: Region, at: number, end: number): void {
    this.#program.keep(from, at, end, false);
    this.#pump();
  }

  /** Events of the program's socket. */
  handleEvents(events: number): void {
    if (events === 0) this.#deferred = false;
    if (this.#over) return;
    this.#program.socket.note(events);
    // Our own side is open, so this is a reset and no FIN.
    if ((events & (EPOLLERR | EPOLLHUP)) !== 0) this.#end('ERR_RESET', 'client');
    else if (!this.#program.congested || this.#flush()) this.#pump();
  }

  /** @returns false where the conversation is over */
  #flush(): boolean {
    this.#lastActivityMs = this.#context.relay.reactor.nowMs;
    if (!this.#program.flush()) {
      this.#end('ERR_RESET', 'client');
      return false;
    }
    if (this.#program.congested || this.#closing === undefined) return true;
    this.#finish(this.#closing);
    return false;
  }

  originReady(): void {
    this.#pump();
  }

  originWaits(): void {
    this.#defer();
  }

  /** Answers go first: they make room for the next request. */
  #pump(): void {
    // A server that is connected to at once is ready within the call that dials it.
    if (this.#pumping || this.#over) return;
    this.#pumping = true;
    this.#pumpAnswers();
    this.#pumpRequests();
    this.#pumping = false;
  }

  #defer(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    this.#context.relay.reactor.defer(this);
  }

  #pumpAnswers(): void {
    for (let i = 0; this.#takesAnswers && this.#origin.readable; i++) {
      if (i === RECEIVES_A_TURN) {
        this.#defer();
        return;
      }
      this.#origin.receive();
    }
  }

  get #takesAnswers(): boolean {
    return !this.#over && this.#closing === undefined && !this.#program.congested;
  }

  #pumpRequests(): void {
    for (let i = 0; this.#takesMore; i++) {
      if (i === RECEIVES_A_TURN) {
        this.#defer();
        return;
      }
      const end = this.#program.receive(this.#origin.busy);
      if (end === NOTHING_YET) return;
      if (end === INPUT_OVER || end === INPUT_RESET) this.#inputOver(end === INPUT_RESET);
      else if (this.#origin.busy) this.#sendBody(end);
      else this.#takeHead(end);
    }
  }

  /** A head is looked at once the answer before it is on its way; a body goes on as the tunnel takes it. */
  get #takesMore(): boolean {
    if (this.#over || this.#closing !== undefined) return false;
    return this.#origin.busy ? this.#origin.takesBody : !this.#program.congested;
  }

  #inputOver(isReset: boolean): void {
    if (isReset) {
      this.#end('ERR_RESET', 'client');
    } else if (this.#origin.busy) {
      this.#origin.abort();
      this.#end('ERR_TRUNCATED', 'client');
    } else if (this.#program.waiting > 0) {
      this.#end('ERR_HTTP', 'closed');
    } else {
      this.#end('OK', '');
    }
  }

  #sendBody(end: number): void {
    this.#lastActivityMs = this.#context.relay.reactor.nowMs;
    this.#origin.sendBody(end);
  }

  /** Of `output[0, end)`. */
  #takeHead(end: number): void {
    const { relay, credentials, idle } = this.#context;
    const { output } = relay.workspace;
    const outcome = this.#head.read(output.bytes, 0, end);
    if (outcome.kind === 'more') {
      this.#program.keep(output, 0, end, true);
      return;
    }
    relay.reactor.cancel(this.#headDeadline);
    idle.delete(this);
    if (outcome.kind === 'bad') {
      this.#answer(faultAnswer(outcome.fault), outcome.fault);
      return;
    }
    this.#program.keep(output, outcome.length, end, false);
    const asked = interpretRequest(outcome.head, credentials);
    if (asked.kind === 'answer') {
      this.#answer(asked.answer, asked.reason);
    } else if (asked.kind === 'connect') {
      this.#connect(asked.target);
    } else {
      this.target = asked.request.target;
      this.#origin.ask(asked.request);
    }
  }

  #connect(target: Target): void {
    const length = this.#program.restore();
    const early = length > 0 ? this.#context.relay.workspace.output.bytes.slice(0, length) : undefined;
    this.release();
    this.#owner.tunnelRequested(target, early);
  }

  /** An answer of our own. */
  #answer({ bytes, closes }: Answer, reason: string): void {
    this.#context.relay.workspace.input.bytes.set(bytes, 0);
    if (!this.deliver(bytes.length)) return;
    if (closes) this.#close('ERR_HTTP', reason);
    else this.exchangeDone(true);
  }

  #awaitHead(): void {
    const { relay, idle } = this.#context;
    relay.reactor.arm(this.#headDeadline, HEAD_TIMEOUT_MS);
    idle.add(this);
  }

  finishIdle(): void {
    if (this.#program.waiting === 0) this.#close('OK', '');
  }

  deliver(length: number): boolean {
    this.#lastActivityMs = this.#context.relay.reactor.nowMs;
    if (length > 0 && !this.#program.send(length)) {
      this.#end('ERR_RESET', 'client');
      return false;
    }
    if (this.#program.congested) this.#origin.readLess();
    return true;
  }

  exchangeDone(keeps: boolean): void {
    // What has come of the next request is served still.
    const isWanted = !this.#context.idle.stopping || this.#program.waiting > 0;
    if (keeps && isWanted) this.#awaitHead();
    else this.#close('OK', '');
  }

  exchangeFailed(own: Answer, reason: string): void {
    // An interim response may be stuck, and an answer cannot go behind it.
    if (this.#program.congested) this.exchangeCut('ERR_HTTP');
    else this.#answer(own, reason);
  }

  /** The program is not to take what it got for the whole. */
  exchangeCut(status: Status): void {
    this.#program.socket.abort();
    this.#end(status, '');
  }

  handleTimeout(timer: Timer): void {
    const { reactor, idleTimeoutMs } = this.#context.relay;
    if (timer === this.#idle) {
      if (reactor.nowMs - this.#lastActivityMs >= idleTimeoutMs) this.#end('ERR_IDLE', '');
      else reactor.arm(this.#idle, idleTimeoutMs / IDLE_CHECKS);
    } else if (this.#program.congested) {
      this.#awaitHead();
    } else if (this.#program.waiting > 0) {
      this.#answer(answer(408, 'the request took too long.', NOT_UNDERSTOOD), 'timeout');
    } else {
      this.#close('OK', '');
    }
  }

  handleFailure(error: unknown): void {
    if (this.#over) return;
    const isShortage = error instanceof PoolExhaustedError;
    if (!isShortage) this.#context.relay.reportBug(error);
    this.exchangeCut(isShortage ? 'ERR_MEMORY' : 'ERR_BUG');
  }

  /** Ends once the program has been sent everything. */
  #close(status: Status, reason: string): void {
    this.#closing = { status, reason };
    if (!this.#program.congested) this.#finish(this.#closing);
  }

  #finish({ status, reason }: Closing): void {
    this.release();
    Drain.begin(this.#context.relay, this.#program.socket, 0);
    this.#owner.conversationEnded(status, reason, true);
  }

  #end(status: Status, reason: string): void {
    this.release();
    this.#owner.conversationEnded(status, reason, false);
  }

  /** Stops, and gives back memory, timers and the tunnel; the owner is not called any more. Idempotent. */
  release(): void {
    if (this.#over) return;
    this.#over = true;
    const { reactor } = this.#context.relay;
    reactor.cancel(this.#headDeadline);
    reactor.cancel(this.#idle);
    this.#context.idle.delete(this);
    this.#origin.release();
    this.#program.release();
  }
}
