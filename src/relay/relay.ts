/**
 * The two-way pipe between a plain socket and a cipher socket: the browser and the server on the client, the destination and the client on
 * the server. Both modes meet here.
 *
 *   plain ──receive──► seal ──send──► cipher        cipher ──receive──► open ──send──► plain
 *
 * Back-pressure falls out of the state of the two directions: a direction moves bytes while its source is readable, its sink's backlog is
 * empty and neither has ended. What a send did not take becomes the sink's backlog, which stops the direction until the sink
 * is writable again. Nothing else is ever buffered.
 */

import { EPIPE } from '../../native-bindings/errno.js';
import type { Region } from '../../native-bindings/memory.js';
import { setKeepAlive } from '../net/tcp-options.js';
import { type TcpSocket, WOULD_BLOCK } from '../net/tcp-socket.js';
import type { EventHandler } from '../reactor/reactor.js';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';
import { CHUNK_PAYLOAD, type Stream, type StreamOpener, type StreamSealer } from '../shadowsocks/protocol.js';
import { Backlog } from './backlog.js';
import { PoolExhaustedError } from './block-pool.js';
import type { Carry } from './carry.js';
import type { RelayContext } from './context.js';
import { ReadChunks } from './read-chunks.js';
import type { Status } from './status.js';
import { HEADROOM } from './workspace.js';

/** Receives of one direction before other sessions get their turn: a mebibyte at most. */
export const RECEIVES_A_TURN = 2;
/**
 * How long a client's header waits for the first bytes of the program behind it, so that they leave in one packet whose size says nothing
 * (protocols in which the server speaks first pay it once). Outline waits 10 ms, shadowsocks-rust up to 500.
 */
export const FIRST_PAYLOAD_WAIT_MS = 20;
/** The idle time-out is looked at this often within its length, so that no byte costs a timer. */
const IDLE_CHECKS = 4;

export interface RelayOwner {
  /** Called once. The sockets are open still: closing them, in whichever way fits the status, is the owner's. */
  relayEnded(status: Status): void;
}

/** One socket of the two, as a handler of its events. */
export class RelayEnd implements EventHandler {
  readonly socket: TcpSocket;
  readonly backlog: Backlog;
  readonly reads: ReadChunks;
  readonly #relay: Relay;
  /** Nothing more is received: its FIN came, or its bytes have nowhere to go. */
  inputEnded = false;
  /** Nothing more is sent: our FIN went, or the peer refuses. */
  outputEnded = false;
  /** A send met the peer's reset: the kernel tells of it once, so the receive that follows sees a mere end. */
  reset = false;
  /** A call by `defer` is under way. */
  deferred = false;

  constructor(relay: Relay, socket: TcpSocket, context: RelayContext) {
    this.#relay = relay;
    this.socket = socket;
    this.backlog = new Backlog(context.blocks);
    this.reads = new ReadChunks(context);
  }

  handleEvents(events: number): void {
    if (events === 0) this.deferred = false;
    this.#relay.handleEvents(this, events);
  }

  handleFailure(error: unknown): void {
    this.#relay.handleFailure(error);
  }
}

export class Relay implements TimeoutHandler {
  readonly plain: RelayEnd;
  readonly cipher: RelayEnd;
  /** Payload bytes moved from plain to cipher and back. */
  sealedBytes = 0;
  openedBytes = 0;
  readonly #context: RelayContext;
  readonly #owner: RelayOwner;
  readonly #sealer: StreamSealer;
  readonly #opener: StreamOpener;
  readonly #carry: Carry;
  /** A client's. */
  #firstPayload: Timer | undefined = undefined;
  /** Looks at what a relay comes to with age: keep-alive, and then its idle time-out. */
  readonly #age: Timer = new Timer(this);
  readonly #startMs: number;
  #keepsAlive: boolean;
  /** A client's header has not been sent yet. */
  #headerWaits = false;
  /** The carry may hold whole chunks: the handshake left them, because it stops at the address. */
  #unopened = false;
  #lastActivityMs: number;
  #over = false;

  /** The sockets' events come here from now on. */
  constructor(
    context: RelayContext,
    owner: RelayOwner,
    plain: TcpSocket,
    cipher: TcpSocket,
    stream: Stream,
    carry: Carry,
  ) {
    this.#context = context;
    this.#owner = owner;
    this.#sealer = stream.sealer;
    this.#opener = stream.opener;
    this.#carry = carry;
    this.plain = new RelayEnd(this, plain, context);
    this.cipher = new RelayEnd(this, cipher, context);
    this.#startMs = context.reactor.nowMs;
    this.#lastActivityMs = this.#startMs;
    // The options cost four system calls, and few connections live long enough to need them.
    this.#keepsAlive = context.keepAliveMs === 0;
    plain.handOver(this.plain);
    cipher.handOver(this.cipher);
    this.#armAge();
  }

  #armAge(): void {
    const { reactor, idleTimeoutMs, keepAliveMs } = this.#context;
    const idleCheckMs = idleTimeoutMs > 0 ? idleTimeoutMs / IDLE_CHECKS : Number.POSITIVE_INFINITY;
    const nextMs = this.#keepsAlive ? idleCheckMs : Math.min(idleCheckMs, keepAliveMs);
    if (nextMs !== Number.POSITIVE_INFINITY) reactor.arm(this.#age, nextMs);
  }

  /** Of a client: the sealer's header goes with the first payload, or alone after a short wait. */
  start(): void {
    this.#headerWaits = true;
    this.#firstPayload = new Timer(this);
    this.#context.reactor.arm(this.#firstPayload, FIRST_PAYLOAD_WAIT_MS);
    this.handleEvents(this.plain, 0);
  }

  /** As `start`, with payload that came together with the request. */
  startWith(payload: Uint8Array): void {
    const { input } = this.#context.workspace;
    input.bytes.set(payload, HEADROOM);
    if (this.#seal(HEADROOM, payload.length)) this.handleEvents(this.plain, 0);
  }

  /**
   * Of a server: payload that was opened with the address is at `output[at, end)` of the workspace, and more may have been received with
   * it.
   */
  startOpened(at: number, end: number): void {
    this.openedBytes += end - at;
    if (at < end && !this.#deliver(this.plain, this.#context.workspace.output, at, end - at)) return;
    this.#unopened = this.#carry.length > 0;
    this.handleEvents(this.cipher, 0);
  }

  handleEvents(end: RelayEnd, events: number): void {
    if (this.#over) return;
    end.socket.note(events);
    if (!end.backlog.empty && !this.#flush(end)) return;
    // The direction that the event is about goes first; the other one may have been waiting for this end's backlog.
    if (end === this.plain) {
      this.#pumpSealing();
      this.#pumpOpening();
    } else {
      this.#pumpOpening();
      this.#pumpSealing();
    }
  }

  #pumpSealing(): void {
    const { plain, cipher } = this;
    for (let i = 0; plain.socket.readable && cipher.backlog.empty && !plain.inputEnded && !this.#over; i++) {
      if (i === RECEIVES_A_TURN) {
        this.#defer(plain);
        return;
      }
      const wanted = plain.reads.count * CHUNK_PAYLOAD;
      const received = plain.socket.receive(this.#context.workspace.input, HEADROOM, wanted);
      if (received === WOULD_BLOCK) return;
      if (received === wanted) plain.reads.more();
      if (received <= 0) this.#inputOver(plain, cipher, received < 0 || plain.reset ? 'ERR_RESET' : 'OK');
      else this.#seal(HEADROOM, received);
    }
  }

  /** Seals payload of the input buffer, with the header where that has not gone yet. @returns false where the relay is over */
  #seal(at: number, length: number): boolean {
    const { input, output } = this.#context.workspace;
    if (this.#headerWaits) {
      this.#headerWaits = false;
      if (this.#firstPayload !== undefined) this.#context.reactor.cancel(this.#firstPayload);
    }
    this.sealedBytes += length;
    const sealed = this.#sealer.seal(input, at, length, output, 0);
    return this.#deliver(this.cipher, output, 0, sealed);
  }

  #pumpOpening(): void {
    const { plain, cipher } = this;
    const { input } = this.#context.workspace;
    if (this.#unopened && plain.backlog.empty) {
      this.#unopened = false;
      if (!this.#open(HEADROOM + this.#carry.restore(input, HEADROOM))) return;
    }
    for (let i = 0; cipher.socket.readable && plain.backlog.empty && !cipher.inputEnded && !this.#over; i++) {
      if (i === RECEIVES_A_TURN) {
        this.#defer(cipher);
        return;
      }
      const carried = this.#carry.restore(input, HEADROOM);
      const wanted = this.#opener.receiveLength(cipher.reads.count) - carried;
      const received = cipher.socket.receive(input, HEADROOM + carried, wanted);
      if (received === WOULD_BLOCK) return;
      if (received === wanted) cipher.reads.more();
      if (received <= 0) {
        const cut = carried > 0 || this.#opener.insideChunk;
        this.#inputOver(cipher, plain, received < 0 || cipher.reset ? 'ERR_RESET' : cut ? 'ERR_TRUNCATED' : 'OK');
        return;
      }
      this.#open(HEADROOM + carried + received);
    }
  }

  /** Opens what is complete of the input buffer up to `end`, and sends it on. @returns false where the relay is over */
  #open(end: number): boolean {
    const { input, output } = this.#context.workspace;
    const opened = this.#opener.open(input, HEADROOM, end, output, 0);
    if (opened < 0) return this.#end('ERR_CIPHER');
    this.#carry.save(input, this.#opener.consumedTo, end);
    this.openedBytes += opened;
    return opened === 0 || this.#deliver(this.plain, output, 0, opened);
  }

  /** Sends `from[at, at + length)`, and keeps what is not taken. @returns false where the relay is over */
  #deliver(end: RelayEnd, from: Region, at: number, length: number): boolean {
    this.#lastActivityMs = this.#context.reactor.nowMs;
    if (end.outputEnded) return !this.#over;
    let sent = end.socket.writable ? end.socket.send(from, at, length) : 0;
    if (sent < 0) {
      if (sent !== WOULD_BLOCK) return this.#outputBroken(end, sent);
      sent = 0;
    }
    if (sent < length) {
      end.backlog.keep(from, at + sent, length - sent);
      (end === this.plain ? this.cipher : this.plain).reads.less();
    }
    return true;
  }

  /** Sends from a backlog, then the FIN that waited behind it. @returns false where the relay is over */
  #flush(end: RelayEnd): boolean {
    this.#lastActivityMs = this.#context.reactor.nowMs;
    const error = end.backlog.flush(end.socket);
    if (error < 0) return this.#outputBroken(end, error);
    const source = end === this.plain ? this.cipher : this.plain;
    if (end.backlog.empty && source.inputEnded) return this.#finishOutput(end);
    return true;
  }

  /** The source of a direction has ended. */
  #inputOver(source: RelayEnd, sink: RelayEnd, status: Status): void {
    if (status !== 'OK') {
      this.#end(status);
      return;
    }
    source.inputEnded = true;
    // A client that ends without a byte of payload still wants its connection made.
    if (this.#headerWaits && source === this.plain && !this.#seal(HEADROOM, 0)) return;
    if (sink.backlog.empty) this.#finishOutput(sink);
  }

  /** Passes a FIN on. Where the other direction has ended before, closing both sockets does it. @returns false where the relay is over */
  #finishOutput(end: RelayEnd): boolean {
    const other = end === this.plain ? this.cipher : this.plain;
    end.outputEnded = true;
    if (other.outputEnded) return this.#end('OK');
    end.socket.finish();
    return true;
  }

  /**
   * A peer takes no more. What it sent before may still be in the receive queue (data, then RST): so its own direction goes on until a
   * receive says what happened.
   */
  #outputBroken(end: RelayEnd, error: number): boolean {
    // EPIPE instead of ECONNRESET: its FIN had come before, so what it sent is whole.
    if (error !== -EPIPE) end.reset = true;
    const source = end === this.plain ? this.cipher : this.plain;
    end.outputEnded = true;
    end.backlog.clear();
    source.inputEnded = true;
    if (end.inputEnded) return this.#end('ERR_RESET');
    end.socket.readable = true;
    this.#defer(end);
    return true;
  }

  #defer(end: RelayEnd): void {
    if (end.deferred) return;
    end.deferred = true;
    this.#context.reactor.defer(end);
  }

  handleTimeout(timer: Timer): void {
    if (this.#over) return;
    if (timer === this.#firstPayload) {
      this.#seal(HEADROOM, 0);
      return;
    }
    const { reactor, idleTimeoutMs, keepAliveMs } = this.#context;
    if (idleTimeoutMs > 0 && reactor.nowMs - this.#lastActivityMs >= idleTimeoutMs) {
      this.#end('ERR_IDLE');
      return;
    }
    if (!this.#keepsAlive && reactor.nowMs - this.#startMs >= keepAliveMs) {
      this.#keepsAlive = true;
      // The accepted one of the two has them from its listener already, which does no harm.
      setKeepAlive(this.plain.socket.fd, keepAliveMs);
      setKeepAlive(this.cipher.socket.fd, keepAliveMs);
    }
    this.#armAge();
  }

  handleFailure(error: unknown): void {
    if (this.#over) return;
    if (error instanceof PoolExhaustedError) {
      this.#end('ERR_MEMORY');
      return;
    }
    this.#context.reportBug(error);
    this.#end('ERR_BUG');
  }

  #end(status: Status): false {
    this.release();
    this.#owner.relayEnded(status);
    return false;
  }

  /** Stops, and gives back memory, timers and keys; the owner is not called any more. Idempotent. */
  release(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#firstPayload !== undefined) this.#context.reactor.cancel(this.#firstPayload);
    this.#context.reactor.cancel(this.#age);
    this.plain.backlog.clear();
    this.cipher.backlog.clear();
    this.#carry.clear();
    this.#sealer.release();
    this.#opener.release();
  }
}
