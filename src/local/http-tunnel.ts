/** A connection through a server to an origin server, which carries one request after another. */

import { EPIPE } from '../../native-bindings/errno.js';
import { setKeepAlive } from '../net/tcp-options.js';
import { type TcpSocket, WOULD_BLOCK } from '../net/tcp-socket.js';
import type { EventHandler } from '../reactor/reactor.js';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';
import { Backlog } from '../relay/backlog.js';
import { Carry } from '../relay/carry.js';
import type { RelayContext } from '../relay/context.js';
import { Drain } from '../relay/drain.js';
import { ReadChunks } from '../relay/read-chunks.js';
import type { Status } from '../relay/status.js';
import { HEADROOM } from '../relay/workspace.js';
import type { Stream } from '../shadowsocks/protocol.js';

/** Of `receive`: an event will come. */
const TUNNEL_WAITS = -1;
/** Of `receive`: nothing more will come; `end` says why. */
export const TUNNEL_ENDED = -2;

export interface HttpTunnelOwner {
  /** Something may be received or sent. */
  tunnelReady(): void;
  /** A bug below; end the session. */
  handleFailure(error: unknown): void;
}

export class HttpTunnel implements EventHandler, TimeoutHandler {
  /** Host and port of the origin server. */
  readonly authority: string;
  /** Requests that it has been given. */
  requests = 0;
  /** `OK`: by a FIN that may have been meant. */
  end: Status | undefined = undefined;
  /** Nothing more is sent: the server refuses. What it sent before may still be here. */
  outputBroken = false;
  sealedBytes = 0;
  openedBytes = 0;
  readonly reads: ReadChunks;
  readonly #context: RelayContext;
  readonly #owner: HttpTunnelOwner;
  readonly #socket: TcpSocket;
  readonly #stream: Stream;
  readonly #backlog: Backlog;
  readonly #carry: Carry;
  readonly #keepAlive: Timer = new Timer(this);
  #reset = false;
  /** A drain has the socket. */
  #drained = false;

  /** @param socket as a dialer has given it */
  constructor(context: RelayContext, owner: HttpTunnelOwner, socket: TcpSocket, stream: Stream, authority: string) {
    this.#context = context;
    this.#owner = owner;
    this.#stream = stream;
    this.authority = authority;
    this.#backlog = new Backlog(context.blocks);
    this.#carry = new Carry(context.blocks);
    this.reads = new ReadChunks(context);
    this.#socket = socket;
    socket.handOver(this);
    if (context.keepAliveMs > 0) context.reactor.arm(this.#keepAlive, context.keepAliveMs);
  }

  /** A receive may yield something. */
  get readable(): boolean {
    return this.end === undefined && this.#socket.readable;
  }

  /** Nothing may be sent now. */
  get congested(): boolean {
    return !this.#backlog.empty;
  }

  /** Seals and sends `input[HEADROOM, HEADROOM + length)`, and keeps what is not taken. */
  send(length: number): void {
    const { input, output } = this.#context.workspace;
    this.sealedBytes += length;
    const sealed = this.#stream.sealer.seal(input, HEADROOM, length, output, 0);
    if (this.outputBroken) return;
    const sent = this.#socket.writable ? this.#socket.send(output, 0, sealed) : WOULD_BLOCK;
    if (sent < 0 && sent !== WOULD_BLOCK) this.#breakOutput(sent);
    else if (sent < sealed) this.#backlog.keep(output, Math.max(0, sent), sealed - Math.max(0, sent));
  }

  /** As in a relay: an answer may have come before the reset that a send met, and a receive says how it ended. */
  #breakOutput(error: number): void {
    this.outputBroken = true;
    this.#reset = error !== -EPIPE;
    this.#backlog.clear();
    this.#socket.readable = true;
  }

  /**
   * @param longest in chunks: what there is room for
   * @returns how many bytes were opened into `output[at]`, perhaps none; or TUNNEL_WAITS; or TUNNEL_ENDED
   */
  receive(at: number, longest: number): number {
    const { input, output } = this.#context.workspace;
    const { opener } = this.#stream;
    const carried = this.#carry.restore(input, HEADROOM);
    const wanted = opener.receiveLength(Math.min(longest, this.reads.count)) - carried;
    const received = this.#socket.receive(input, HEADROOM + carried, wanted);
    if (received === WOULD_BLOCK) return TUNNEL_WAITS;
    if (received === wanted) this.reads.more();
    if (received < 0 || (received === 0 && this.#reset)) return this.#ended('ERR_RESET');
    if (received === 0) return this.#ended(carried > 0 || opener.insideChunk ? 'ERR_TRUNCATED' : 'OK');
    const end = HEADROOM + carried + received;
    const opened = opener.open(input, HEADROOM, end, output, at);
    if (opened < 0) return this.#ended('ERR_CIPHER');
    this.#carry.save(input, opener.consumedTo, end);
    this.openedBytes += opened;
    return opened;
  }

  #ended(status: Status): typeof TUNNEL_ENDED {
    this.end = status;
    return TUNNEL_ENDED;
  }

  handleEvents(events: number): void {
    this.#socket.note(events);
    const error = this.#backlog.flush(this.#socket);
    if (error < 0) this.#breakOutput(error);
    this.#owner.tunnelReady();
  }

  handleTimeout(): void {
    setKeepAlive(this.#socket.fd, this.#context.keepAliveMs);
  }

  handleFailure(error: unknown): void {
    this.#owner.handleFailure(error);
  }

  /** Idempotent. */
  close(): void {
    this.#release();
    if (this.#drained) return;
    if (this.end !== 'ERR_CIPHER') {
      this.#socket.close();
      return;
    }
    // Closed with bytes unread it would send a reset: whoever plays the server could see by that how much was looked at.
    this.#drained = true;
    Drain.begin(this.#context, this.#socket, 0);
  }

  /** Closes with RST: the origin server is not to take what it got for the whole. Idempotent. */
  abort(): void {
    this.#release();
    if (this.#drained) return;
    this.#socket.abort();
  }

  #release(): void {
    this.end ??= 'OK';
    this.#context.reactor.cancel(this.#keepAlive);
    this.#backlog.clear();
    this.#carry.clear();
    this.#stream.sealer.release();
    this.#stream.opener.release();
  }
}
