/**
 * One program's connection to the client: the SOCKS5 handshake, the choice and dialing of a server, then the relay.
 *
 *   socks ──request──► dialing ──connected──► relay ──► closed
 *                        └──failed──► reply, then drained
 */

import { copyShort } from '../../native-bindings/bytes.js';
import { EPOLLERR, EPOLLHUP, EPOLLIN } from '../../native-bindings/constants.js';
import type { ShadowsocksEndpoint } from '../config/types.js';
import type { Target } from '../net/target.js';
import type { Dial, DialHandler, TcpDialer } from '../net/tcp-dialer.js';
import { TcpSocket, WOULD_BLOCK } from '../net/tcp-socket.js';
import type { EventHandler } from '../reactor/reactor.js';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';
import { Carry } from '../relay/carry.js';
import type { RelayContext, Session } from '../relay/context.js';
import { Drain } from '../relay/drain.js';
import { Relay, type RelayOwner } from '../relay/relay.js';
import { dialStatus, type Status } from '../relay/status.js';
import type { ClientProtocol } from '../shadowsocks/protocol.js';
import type { SocksCredentials } from '../socks/credentials.js';
import { encodeReply, REP, replyForErrno } from '../socks/reply.js';
import { Socks5Handshake, type SocksOutcome } from '../socks/socks5.js';

/** A server that the client may use. */
export interface Upstream {
  readonly endpoint: ShadowsocksEndpoint;
  readonly target: Target;
  readonly protocol: ClientProtocol;
}

/** What all sessions of the client share. */
export interface LocalContext {
  readonly relay: RelayContext;
  readonly dialer: TcpDialer;
  /** In the order in which they are tried. */
  readonly upstreams: readonly Upstream[];
  readonly credentials: SocksCredentials;
  readonly handshakeTimeoutMs: number;
}

/**
 * Bytes of one receive during the handshake: its messages are short, and payload that comes with them (a program that does not wait for
 * the answer) is kept by the session, so it is not taken beyond this.
 */
export const HANDSHAKE_READ_LENGTH = 4096;

export class LocalSession implements EventHandler, DialHandler, TimeoutHandler, RelayOwner, Session {
  readonly #context: LocalContext;
  readonly #client: TcpSocket;
  readonly #peer: string;
  readonly #startMs: number;
  readonly #deadline: Timer = new Timer(this);
  #handshake: Socks5Handshake | undefined;
  #target: Target | undefined = undefined;
  /** Payload that came together with the request. */
  #early: Uint8Array | undefined = undefined;
  #upstreamIndex = 0;
  #dial: Dial | undefined = undefined;
  #server: TcpSocket | undefined = undefined;
  #relay: Relay | undefined = undefined;
  #over = false;

  /** @param peer the program's address, for the log; empty where nobody reads it */
  constructor(context: LocalContext, fd: number, peer: string) {
    this.#context = context;
    this.#peer = peer;
    this.#startMs = context.relay.reactor.nowMs;
    this.#handshake = new Socks5Handshake(context.credentials);
    this.#client = TcpSocket.accepted(context.relay.reactor, fd, this);
    context.relay.reactor.arm(this.#deadline, context.handshakeTimeoutMs);
    context.relay.begin(this);
  }

  /** A program speaks first, so its greeting is often here when the connection is: then it needs no event of its own. */
  start(): void {
    try {
      this.handleEvents(EPOLLIN);
    } catch (error) {
      this.handleFailure(error);
    }
  }

  /** Events of the client's socket until the relay has it. */
  handleEvents(events: number): void {
    this.#client.note(events);
    if (this.#handshake !== undefined) this.#readHandshake(this.#handshake);
    // While a server is dialed nothing is read. A half-close is no reason to give up, a reset is.
    else if (this.#relay === undefined && (events & (EPOLLERR | EPOLLHUP)) !== 0) this.#end('ERR_RESET', 'client');
  }

  #readHandshake(handshake: Socks5Handshake): void {
    const { input } = this.#context.relay.workspace;
    while (this.#client.readable && this.#handshake !== undefined && !this.#over) {
      const received = this.#client.receive(input, 0, HANDSHAKE_READ_LENGTH);
      if (received === WOULD_BLOCK) return;
      if (received <= 0) this.#end('ERR_SOCKS', received === 0 ? 'closed' : 'reset');
      else this.#feed(handshake, received);
    }
  }

  #feed(handshake: Socks5Handshake, received: number): void {
    const { input } = this.#context.relay.workspace;
    let at = 0;
    for (;;) {
      const outcome: SocksOutcome = handshake.feed(input.bytes, at, received);
      at += handshake.consumed;
      if (outcome.kind === 'more') return;
      if (outcome.kind === 'reply') {
        if (!this.#reply(outcome.bytes)) return;
      } else if (outcome.kind === 'failed') {
        this.#refuse(outcome.reply, 'ERR_SOCKS', outcome.reason);
        return;
      } else if (outcome.request.command !== 'connect') {
        this.#refuse(encodeReply(REP.COMMAND_NOT_SUPPORTED), 'ERR_SOCKS', outcome.request.command);
        return;
      } else {
        this.#handshake = undefined;
        // From here on each dial has its own time: a server that does not answer must not use up that of the next one.
        this.#context.relay.reactor.cancel(this.#deadline);
        if (at < received) this.#early = input.bytes.slice(at, received);
        this.#target = outcome.request.target;
        this.#dialNext();
        return;
      }
    }
  }

  /** @returns false where the session has ended */
  #reply(bytes: Uint8Array): boolean {
    const { output } = this.#context.relay.workspace;
    copyShort(bytes, 0, bytes.length, output.bytes, 0);
    // A socket that has sent nothing yet has room for a reply; a program that closed meanwhile gives an error.
    if (this.#client.send(output, 0, bytes.length) === bytes.length) return true;
    this.#end('ERR_SOCKS', 'reset');
    return false;
  }

  /** Tries the servers in their order until one connects. */
  #dialNext(): void {
    const upstream = this.#context.upstreams[this.#upstreamIndex];
    const dial = this.#context.dialer.dial(upstream.target, this);
    // One that failed at once has had its answer, and the dial of the next server may be under way.
    if (!dial.over) this.#dial = dial;
  }

  handleConnected(fd: number, events: number): void {
    const { relay: context, upstreams } = this.#context;
    this.#dial = undefined;
    const server = TcpSocket.connected(context.reactor, fd, this, events);
    this.#server = server;
    if (!this.#reply(encodeReply(REP.SUCCEEDED))) return;
    if (this.#target === undefined) throw new Error('connected without a target');
    const stream = upstreams[this.#upstreamIndex].protocol.connect(this.#target);
    const relay = new Relay(context, this, this.#client, server, stream, new Carry(context.blocks));
    this.#relay = relay;
    if (this.#early === undefined) relay.start();
    else relay.startWith(this.#early);
    this.#early = undefined;
  }

  handleDialFailure(failure: string): void {
    this.#dial = undefined;
    const { endpoint } = this.#context.upstreams[this.#upstreamIndex];
    this.#context.relay.log.write('warn', 'the server cannot be reached', {
      server: `${endpoint.host}:${endpoint.port}`,
      reason: failure,
    });
    this.#upstreamIndex++;
    if (this.#upstreamIndex < this.#context.upstreams.length) this.#dialNext();
    else this.#refuse(encodeReply(replyForErrno(failure)), dialStatus(failure), failure);
  }

  handleTimeout(): void {
    this.#end('ERR_HANDSHAKE_TIMEOUT', '');
  }

  relayEnded(status: Status): void {
    // What the program got must not look like the whole where it is not.
    if (status !== 'OK' && status !== 'ERR_IDLE' && status !== 'ERR_STOPPED') this.#client.abort();
    if (status === 'ERR_RESET') this.#server?.abort();
    this.#end(status, '');
  }

  handleFailure(error: unknown): void {
    this.#context.relay.reportBug(error);
    this.destroy('ERR_BUG');
  }

  /** Says no to the program, and closes once it has read that. */
  #refuse(reply: Uint8Array | undefined, status: Status, reason: string): void {
    if (reply !== undefined && !this.#reply(reply)) return;
    Drain.begin(this.#context.relay, this.#client, 0);
    this.#end(status, reason, true);
  }

  destroy(status: Status): void {
    if (this.#relay !== undefined && !this.#over) {
      // Cut off in the middle: neither side may take what it got for the whole.
      this.#client.abort();
      this.#server?.abort();
    }
    this.#end(status, '');
  }

  #end(status: Status, reason: string, clientIsDrained = false): void {
    if (this.#over) return;
    this.#over = true;
    const { relay: context } = this.#context;
    context.reactor.cancel(this.#deadline);
    this.#dial?.cancel();
    this.#relay?.release();
    if (!clientIsDrained) this.#client.close();
    this.#server?.close();
    context.end(this, status, {
      client: this.#peer,
      target: this.#target,
      reason,
      startMs: this.#startMs,
      up: this.#relay?.sealedBytes ?? 0,
      down: this.#relay?.openedBytes ?? 0,
    });
  }
}
