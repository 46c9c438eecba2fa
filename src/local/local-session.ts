/**
 * One program's connection to the client: the handshake, the choice and dialing of a server, then the relay.
 *
 *   SOCKS handshake ──request──┐
 *   HTTP conversation ─CONNECT─┼─► dialing ──connected──► relay ──► closed
 *   tunnel ────────────────────┘       └──failed──► reply, then drained
 */

import { copyShort } from '../../native-bindings/bytes.js';
import { EPOLLERR, EPOLLHUP, EPOLLIN } from '../../native-bindings/constants.js';
import { SysError } from '../../native-bindings/errno.js';
import type { Target } from '../net/target.js';
import { TcpSocket, WOULD_BLOCK } from '../net/tcp-socket.js';
import type { EventHandler } from '../reactor/reactor.js';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';
import type { AssociationEnd } from '../relay/association-table.js';
import { PoolExhaustedError } from '../relay/block-pool.js';
import { Carry } from '../relay/carry.js';
import type { Session } from '../relay/context.js';
import { Drain } from '../relay/drain.js';
import { Member } from '../relay/member-list.js';
import { Relay, type RelayOwner } from '../relay/relay.js';
import { dialStatus, type Status } from '../relay/status.js';
import type { SocksAnswers, SocksHandshake, SocksRequest } from '../socks/handshake.js';
import { encodeReply, REP } from '../socks/reply.js';
import { HttpConversation, type HttpOwner } from './http-conversation.js';
import { CONNECT_ANSWERS, type ConnectionAnswers, NO_ANSWERS, recognize } from './inlet.js';
import type { LocalContext, UdpInlet, Upstream } from './local-context.js';
import { ServerDial, type ServerDialOwner } from './server-dial.js';
import { beginAssociation, type UdpAssociation, type UdpAssociationOwner } from './udp-association.js';

/**
 * Bytes of one receive during the handshake: its messages are short, and payload that comes with them (a program that does not wait for
 * the answer) is kept by the session, so it is not taken beyond this.
 */
export const HANDSHAKE_READ_LENGTH = 4096;

/** Of a control connection that should say nothing. */
const RECEIVES_A_TURN = 4;

export class LocalSession
  implements EventHandler, ServerDialOwner, UdpAssociationOwner, TimeoutHandler, RelayOwner, HttpOwner, Session
{
  readonly member: Member<Session> = new Member<Session>(this);
  readonly #context: LocalContext;
  readonly #client: TcpSocket;
  readonly #peer: string;
  readonly #startMs: number;
  readonly #deadline: Timer = new Timer(this);
  /** Of SOCKS: chosen by the first byte. */
  #handshake: SocksHandshake | undefined = undefined;
  /** Of HTTP: has the client's socket until there is a tunnel. */
  #conversation: HttpConversation | undefined = undefined;
  /** Known once the handshake is over. */
  #target: Target | undefined = undefined;
  #answers: ConnectionAnswers = NO_ANSWERS;
  /** Payload that came together with the request. */
  #early: Uint8Array | undefined = undefined;
  #dial: ServerDial | undefined = undefined;
  #server: TcpSocket | undefined = undefined;
  #relay: Relay | undefined = undefined;
  #association: UdpAssociation | undefined = undefined;
  #over = false;

  /** @param peer the program's address, for the log; empty where nobody reads it */
  constructor(context: LocalContext, fd: number, peer: string) {
    this.#context = context;
    this.#peer = peer;
    this.#startMs = context.relay.reactor.nowMs;
    this.#client = TcpSocket.accepted(context.relay.reactor, fd, this);
    context.relay.reactor.arm(this.#deadline, context.handshakeTimeoutMs);
    context.relay.begin(this);
  }

  /** A program speaks first, so its greeting is often here when the connection is: then it needs no event of its own. */
  start(): void {
    const { forward } = this.#context;
    try {
      if (forward === undefined) this.handleEvents(EPOLLIN);
      else this.#connect(forward, NO_ANSWERS, undefined);
    } catch (error) {
      this.handleFailure(error);
    }
  }

  /** Events of the client's socket until the relay has it. */
  handleEvents(events: number): void {
    if (this.#over) return;
    this.#client.note(events);
    if (this.#association !== undefined) this.#discard(this.#association);
    else if (this.#target === undefined) this.#readHandshake();
    // While a server is dialed nothing is read. A half-close is no reason to give up, a reset is, even with the request.
    const isDialing = (this.#dial !== undefined || this.#conversation !== undefined) && this.#relay === undefined;
    if (isDialing && (events & (EPOLLERR | EPOLLHUP)) !== 0) this.#end('ERR_RESET', 'client');
  }

  #readHandshake(): void {
    const { input } = this.#context.relay.workspace;
    while (this.#client.readable && this.#target === undefined && this.#conversation === undefined && !this.#over) {
      const received = this.#client.receive(input, 0, HANDSHAKE_READ_LENGTH);
      if (received === WOULD_BLOCK) return;
      if (received <= 0) this.#end('ERR_SOCKS', received === 0 ? 'closed' : 'reset');
      else if (this.#handshake === undefined) this.#begin(received);
      else this.#feed(this.#handshake, received);
    }
  }

  #begin(received: number): void {
    const { relay, kind, credentials } = this.#context;
    const { input } = relay.workspace;
    const spoken = recognize(input.bytes[0], kind, credentials);
    if (spoken === undefined) {
      this.#refuse(undefined, 'ERR_SOCKS', 'version');
    } else if (spoken === 'http') {
      // It has a deadline of its own, as long as a browser may take that opens connections in advance.
      relay.reactor.cancel(this.#deadline);
      this.#conversation = new HttpConversation(this.#context, this, this.#client);
      this.#conversation.startWith(input, 0, received);
    } else {
      this.#handshake = spoken;
      this.#feed(spoken, received);
    }
  }

  #feed(handshake: SocksHandshake, received: number): void {
    const { input } = this.#context.relay.workspace;
    for (let at = 0; ; ) {
      const outcome = handshake.feed(input.bytes, at, received);
      at += handshake.consumed;
      switch (outcome.kind) {
        case 'more':
          return;
        case 'reply':
          if (!this.#reply(outcome.bytes)) return;
          break;
        case 'failed':
          this.#refuse(outcome.reply, 'ERR_SOCKS', outcome.reason);
          return;
        case 'request':
          this.#serve(outcome.request, handshake, at, received);
          return;
        default:
          outcome satisfies never;
      }
    }
  }

  /** What lies in `input[at, end)` came behind the request. */
  #serve({ command, target }: SocksRequest, { answers }: SocksHandshake, at: number, end: number): void {
    const { relay } = this.#context;
    switch (command) {
      case 'connect':
        if (this.#context.upstreams.length === 0) {
          this.#refuse(answers.unsupported, 'ERR_SOCKS', 'UDP alone is carried');
          return;
        }
        this.#connect(target, answers, at < end ? relay.workspace.input.bytes.slice(at, end) : undefined);
        return;
      case 'bind':
        relay.log.write('warn', 'BIND is refused: a Shadowsocks server cannot be asked to listen', {
          client: this.#peer,
        });
        this.#refuse(answers.unsupported, 'ERR_SOCKS', command);
        return;
      case 'udp-associate':
        if (this.#context.udp === undefined) this.#refuse(answers.unsupported, 'ERR_SOCKS', command);
        else this.#associate(this.#context.udp, target, answers);
        return;
      default:
        command satisfies never;
    }
  }

  tunnelRequested(target: Target, early: Uint8Array | undefined): void {
    this.#client.handOver(this);
    this.#connect(target, CONNECT_ANSWERS, early);
  }

  #connect(target: Target, answers: ConnectionAnswers, early: Uint8Array | undefined): void {
    this.#target = target;
    this.#answers = answers;
    this.#early = early;
    // From here on each dial has its own time: a server that does not answer must not use up that of the next one.
    this.#context.relay.reactor.cancel(this.#deadline);
    this.#dial = ServerDial.begin(this.#context, this);
  }

  /** @param target where the program says that it will send from */
  #associate(udp: UdpInlet, target: Target, answers: SocksAnswers): void {
    this.#context.relay.reactor.cancel(this.#deadline);
    this.#target = target;
    try {
      this.#association = beginAssociation(udp, this, this.#client.fd, target);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.#refuse(answers.refused(error.code), 'ERR_CONNECT', error.code);
      return;
    }
    if (this.#reply(encodeReply(REP.SUCCEEDED, this.#association.bound))) this.#discard(this.#association);
  }

  /** The control connection says nothing more, and its end is the association's. */
  #discard(association: UdpAssociation): void {
    const { input } = this.#context.relay.workspace;
    for (let i = 0; this.#client.readable && i < RECEIVES_A_TURN; i++) {
      const received = this.#client.receive(input, 0, HANDSHAKE_READ_LENGTH);
      if (received > 0 || received === WOULD_BLOCK) continue;
      association.end('closed');
      return;
    }
    if (this.#client.readable) this.#context.relay.reactor.defer(this);
  }

  associationEnded(reason: AssociationEnd): void {
    this.#end(reason === 'idle' ? 'ERR_IDLE' : reason === 'failed' ? 'ERR_BUG' : 'OK', reason);
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

  serverConnected(server: TcpSocket, { protocol }: Upstream): void {
    const { relay: context } = this.#context;
    server.handOver(this);
    this.#server = server;
    if (this.#target === undefined) throw new Error('connected without a target');
    const { granted } = this.#answers;
    if (granted !== undefined && !this.#reply(granted)) return;
    const stream = protocol.connect(this.#target);
    const relay = new Relay(context, this, this.#client, server, stream, new Carry(context.blocks));
    this.#relay = relay;
    if (this.#early === undefined) relay.start();
    else relay.startWith(this.#early);
    this.#early = undefined;
  }

  serversFailed(failure: string): void {
    const reply = this.#answers.refused(failure);
    // Where nothing can be said, a reset is not taken for an empty answer.
    if (reply === undefined) this.#client.abort();
    if (reply === undefined) this.#end(dialStatus(failure), failure);
    else this.#refuse(reply, dialStatus(failure), failure);
  }

  handleTimeout(): void {
    this.#end('ERR_HANDSHAKE_TIMEOUT', '');
  }

  relayEnded(status: Status): void {
    // What the program got must not look like the whole where it is not.
    if (status !== 'OK' && status !== 'ERR_IDLE' && status !== 'ERR_STOPPED') this.#client.abort();
    if (status === 'ERR_RESET') this.#server?.abort();
    if (status === 'ERR_CIPHER' && this.#server !== undefined) {
      // Closed with bytes unread it would send a reset: whoever plays the server could see by that how much was looked at.
      Drain.begin(this.#context.relay, this.#server, 0);
      this.#server = undefined;
    }
    this.#end(status, '');
  }

  conversationEnded(status: Status, reason: string, clientIsDrained: boolean): void {
    this.#end(status, reason, clientIsDrained);
  }

  handleFailure(error: unknown): void {
    const isShortage = error instanceof PoolExhaustedError;
    if (!isShortage) this.#context.relay.reportBug(error);
    this.destroy(isShortage ? 'ERR_MEMORY' : 'ERR_BUG');
  }

  /** Says no to the program, and closes once it has read that. */
  #refuse(reply: Uint8Array | undefined, status: Status, reason: string): void {
    if (reply !== undefined && !this.#reply(reply)) return;
    Drain.begin(this.#context.relay, this.#client, 0);
    this.#end(status, reason, true);
  }

  destroy(status: Status): void {
    if ((this.#relay !== undefined || this.#conversation?.answering) && !this.#over) {
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
    this.#conversation?.release();
    this.#association?.end('closed');
    this.#relay?.release();
    if (!clientIsDrained) this.#client.close();
    this.#server?.close();
    context.end(this, status, {
      client: this.#peer,
      target: this.#target ?? this.#conversation?.target,
      reason,
      startMs: this.#startMs,
      up: (this.#conversation?.sealedBytes ?? 0) + (this.#relay?.sealedBytes ?? 0),
      down: (this.#conversation?.openedBytes ?? 0) + (this.#relay?.openedBytes ?? 0),
    });
  }
}
