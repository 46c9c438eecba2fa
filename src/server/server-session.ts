/**
 * One client's connection to the server: the first chunks up to the whole target address, the dialing of the target, then the relay.
 *
 *   handshake ──address──► dialing ──connected──► relay ──► closed
 *       └── not authentic ──► drained (never answered)
 */

import { EPOLLERR, EPOLLHUP } from '../../native-bindings/constants.js';
import type { Target } from '../net/target.js';
import type { Dial, DialHandler, TcpDialer } from '../net/tcp-dialer.js';
import { TcpSocket, WOULD_BLOCK } from '../net/tcp-socket.js';
import type { EventHandler } from '../reactor/reactor.js';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';
import { PoolExhaustedError } from '../relay/block-pool.js';
import { Carry } from '../relay/carry.js';
import type { Handshake, RelayContext, Session } from '../relay/context.js';
import { Drain } from '../relay/drain.js';
import { Member } from '../relay/member-list.js';
import { Relay, type RelayOwner } from '../relay/relay.js';
import { dialStatus, type Status } from '../relay/status.js';
import { HEADROOM } from '../relay/workspace.js';
import type { RequestReader, ServerProtocol, Stream } from '../shadowsocks/protocol.js';

/** What all sessions of one port share. */
export interface ServerContext {
  readonly relay: RelayContext;
  readonly dialer: TcpDialer;
  readonly protocol: ServerProtocol;
  /**
   * The port is a hop's. What it reads of a request does not age, so whoever has recorded one gets as far as the dial, and must not see how
   * that ends where it fails.
   */
  readonly isHop: boolean;
  /** From accept, the same for every way to fail; Infinity: never. */
  readonly probeTimeoutMs: number;
}

export class ServerSession implements EventHandler, DialHandler, TimeoutHandler, RelayOwner, Session, Handshake {
  readonly member: Member<Session> = new Member<Session>(this);
  readonly handshakeMember: Member<Handshake> = new Member<Handshake>(this);
  readonly #context: ServerContext;
  readonly #client: TcpSocket;
  readonly #peer: string;
  readonly #startMs: number;
  readonly #deadline: Timer = new Timer(this);
  readonly #request: RequestReader;
  readonly #carry: Carry;
  #target: Target | undefined = undefined;
  #user: string | undefined = undefined;
  #stream: Stream | undefined = undefined;
  /** Payload that came in the chunk of the address: where it is in the output buffer while a connection may stand at once, then a copy. */
  #earlyAt = 0;
  #earlyEnd = 0;
  #early: Uint8Array | undefined = undefined;
  #dial: Dial | undefined = undefined;
  #upstream: TcpSocket | undefined = undefined;
  #relay: Relay | undefined = undefined;
  /** Has the client's socket, and the deadline, once the session is over. */
  #drain: Drain | undefined = undefined;
  #over = false;

  /** @param peer the client's address, for the log; empty where nobody reads it */
  constructor(context: ServerContext, fd: number, peer: string) {
    this.#context = context;
    this.#peer = peer;
    const { relay, protocol, probeTimeoutMs } = context;
    this.#startMs = relay.reactor.nowMs;
    this.#request = protocol.newRequest();
    this.#carry = new Carry(relay.blocks);
    this.#client = TcpSocket.accepted(relay.reactor, fd, this);
    if (probeTimeoutMs !== Number.POSITIVE_INFINITY) relay.reactor.arm(this.#deadline, probeTimeoutMs);
    relay.begin(this);
    relay.beginHandshake(this);
  }

  /** Events of the client's socket until the relay has it. */
  handleEvents(events: number): void {
    this.#client.note(events);
    if (this.#target === undefined) this.#readHandshake();
    // While the target is dialed nothing is read. A half-close is no reason to give up, a reset is, even with the request.
    if (this.#dial !== undefined && (events & (EPOLLERR | EPOLLHUP)) !== 0) this.#end('ERR_RESET', 'client');
  }

  #readHandshake(): void {
    const { input } = this.#context.relay.workspace;
    while (this.#client.readable && this.#target === undefined && !this.#over) {
      const carried = this.#carry.restore(input, HEADROOM);
      const received = this.#client.receive(input, HEADROOM + carried, this.#request.longestUnit - carried);
      if (received === WOULD_BLOCK) return;
      // The client's FIN before a request is answered by ours, whatever came before.
      if (received <= 0) this.#end('ERR_TRUNCATED', received === 0 ? 'closed' : 'reset');
      else this.#openHandshake(HEADROOM + carried + received);
    }
  }

  /** Offers `input[HEADROOM, end)` to the reader of requests; what it leaves stays sealed for now. */
  #openHandshake(end: number): void {
    const { input, output } = this.#context.relay.workspace;
    const outcome = this.#request.read(input, HEADROOM, end, output);
    if (outcome.kind === 'rejected') {
      this.#absorb(outcome.status, outcome.reason);
      return;
    }
    this.#carry.save(input, this.#request.consumedTo, end);
    if (outcome.kind === 'more') return;
    this.#stream = outcome.stream;
    this.#user = outcome.user;
    this.#earlyAt = outcome.payloadAt;
    this.#earlyEnd = outcome.payloadEnd;
    this.#connectTo(outcome.target);
  }

  #connectTo(target: Target): void {
    this.#target = target;
    this.#context.relay.endHandshake(this);
    if (!this.#context.isHop) this.#context.relay.reactor.cancel(this.#deadline);
    const hasEarly = this.#earlyAt < this.#earlyEnd;
    const dial = this.#context.dialer.dial(target, this, hasEarly || this.#carry.length > 0);
    if (dial.over) return;
    this.#dial = dial;
    const { output } = this.#context.relay.workspace;
    if (hasEarly) this.#early = output.bytes.slice(this.#earlyAt, this.#earlyEnd);
  }

  handleConnected(upstream: TcpSocket): void {
    this.#dial = undefined;
    const { relay: context } = this.#context;
    if (this.#stream === undefined) throw new Error('connected without a stream');
    context.reactor.cancel(this.#deadline);
    this.#upstream = upstream;
    const relay = new Relay(context, this, upstream, this.#client, this.#stream, this.#carry);
    this.#relay = relay;
    if (this.#early !== undefined) {
      context.workspace.output.bytes.set(this.#early, this.#earlyAt);
      this.#early = undefined;
    }
    relay.startOpened(this.#earlyAt, this.#earlyEnd);
  }

  handleDialFailure(failure: string): void {
    this.#dial = undefined;
    if (this.#context.isHop) {
      this.#absorb(dialStatus(failure), failure);
      return;
    }
    // Only a holder of the key gets here (or, where nothing is authenticated, one probe in a hundred): so the FIN may be prompt.
    Drain.begin(this.#context.relay, this.#client, 0);
    this.#end(dialStatus(failure), failure, true);
  }

  /** Whatever the client sent or did not send: at the deadline it gets FIN and nothing else. */
  handleTimeout(): void {
    if (this.#drain !== undefined) {
      this.#drain.handleTimeout();
      return;
    }
    this.finish();
  }

  /** As at the deadline, but now: too many clients are unknown. */
  finish(): void {
    const { relay } = this.#context;
    relay.endHandshake(this);
    Drain.begin(relay, this.#client, 0);
    this.#end('ERR_HANDSHAKE_TIMEOUT', '', true);
  }

  /** Not a client of ours, or one that is being tampered with: it learns nothing. */
  #absorb(status: Status, reason: string): void {
    // The deadline from accept goes on. A new timer for what is left of it would have a length, and so a timer list, of its own.
    const { relay } = this.#context;
    relay.endHandshake(this);
    this.#drain = Drain.beginUntil(relay, this.#client, this.#deadline);
    this.#end(status, reason, true);
  }

  relayEnded(status: Status): void {
    // What the target got must not look like the whole where it is not.
    if (status !== 'OK' && status !== 'ERR_IDLE' && status !== 'ERR_STOPPED') this.#upstream?.abort();
    if (status === 'ERR_RESET') this.#client.abort();
    if (status === 'ERR_CIPHER') {
      // Stop forwarding and answering; a FIN comes as late as for any other probe, a RST never.
      Drain.begin(this.#context.relay, this.#client, Math.max(1, this.#context.probeTimeoutMs));
      this.#end(status, '', true);
      return;
    }
    this.#end(status, '');
  }

  handleFailure(error: unknown): void {
    if (error instanceof PoolExhaustedError) {
      // Of a client that is not known yet the end must not be seen, for this reason either.
      if (this.#target === undefined) this.#absorb('ERR_MEMORY', '');
      else this.destroy('ERR_MEMORY');
      return;
    }
    this.#context.relay.reportBug(error);
    this.destroy('ERR_BUG');
  }

  destroy(status: Status): void {
    if (this.#relay !== undefined && !this.#over) {
      // Cut off in the middle: neither side may take what it got for the whole.
      this.#client.abort();
      this.#upstream?.abort();
    }
    this.#end(status, '');
  }

  #end(status: Status, reason: string, clientIsDrained = false): void {
    if (this.#over) return;
    this.#over = true;
    const { relay: context } = this.#context;
    context.endHandshake(this);
    if (this.#drain === undefined) context.reactor.cancel(this.#deadline);
    this.#dial?.cancel();
    if (this.#relay === undefined) {
      this.#carry.clear();
      this.#request.release();
    } else {
      this.#relay.release();
    }
    if (!clientIsDrained) this.#client.close();
    this.#upstream?.close();
    context.end(this, status, {
      client: this.#peer,
      user: this.#user,
      target: this.#target,
      reason,
      startMs: this.#startMs,
      up: this.#relay?.openedBytes ?? 0,
      down: this.#relay?.sealedBytes ?? 0,
    });
  }
}
