/**
 * An echo server on bare epoll, to show the seven steps of it: create, register, wait, act, change the interest, repeat, destroy. It logs
 * each step. docs/EVENT-LOOP.md walks through it; umbra itself uses the reactor of src/reactor, which has the same shape.
 */

import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  MSG_NOSIGNAL,
  MSG_OOB,
  SO_REUSEADDR,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../native-bindings/constants.js';
import { EventBuffer, epollControl, epollCreate } from '../../native-bindings/epoll.js';
import { EAGAIN, ECONNABORTED, EINTR, EMFILE, ENFILE, errnoName, SysError } from '../../native-bindings/errno.js';
import { Region } from '../../native-bindings/memory.js';
import * as sockets from '../../native-bindings/socket.js';
import { EchoConnection, MESSAGE_SIZE, READ_ONLY } from './echo-connection.js';

const LOCALHOST = Uint8Array.of(127, 0, 0, 1);
export const DEFAULT_PORT = 10_000;
/** Connections that the kernel completes before we have accepted them. */
export const BACKLOG = 5;
/** epoll_wait counts in **milliseconds**. A bounded wait also bounds how late a signal is noticed. */
const DEFAULT_WAIT_MS = 1000;
const EVENTS_PER_WAIT = 64;

const FLAG_NAMES = [
  ['IN', EPOLLIN],
  ['PRI', EPOLLPRI],
  ['OUT', EPOLLOUT],
  ['ERR', EPOLLERR],
  ['HUP', EPOLLHUP],
  ['ET', EPOLLET],
] as const;

function flagNames(events: number): string {
  const names = FLAG_NAMES.filter(([, flag]) => (events & flag) !== 0).map(([name]) => name);
  return names.length === 0 ? 'nothing' : names.join('|');
}

/** To a pipe, a file or a terminal Node writes at once, so that the log keeps up with a loop that gives Node little time. */
function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The calls whose rare answers (a partial write, an aborted connection) cannot be provoked at will: tests replace them. */
export interface EchoCalls {
  readonly accept: typeof sockets.accept;
  readonly send: typeof sockets.send;
}

export interface EchoServerOptions {
  /** 0 lets the kernel choose; `port` of the server tells. */
  readonly port?: number;
  readonly edgeTriggered?: boolean;
  readonly waitMs?: number;
  readonly log?: (line: string) => void;
  readonly calls?: EchoCalls;
}

export class EpollEchoServer {
  readonly #mode: number;
  readonly #waitMs: number;
  readonly #log: (line: string) => void;
  readonly #calls: EchoCalls;
  readonly #connections = new Map<number, EchoConnection>();
  readonly #events = new EventBuffer(EVENTS_PER_WAIT);
  readonly #memory = new Region(MESSAGE_SIZE);
  readonly #epfd: number;
  #port: number;
  #listener = -1;
  #listenerGeneration = 0;
  #lastGeneration = 0;
  #paused = false;
  /** A descriptor to give up when there are no others, so that a client can be turned away instead of kept waiting. */
  #reserve: number;

  /**
   * Steps 1 and 2.
   * @throws SysError EADDRINUSE where another program listens on the port
   */
  constructor(options: EchoServerOptions = {}) {
    this.#mode = options.edgeTriggered === true ? EPOLLET : 0;
    this.#waitMs = options.waitMs ?? DEFAULT_WAIT_MS;
    this.#log = options.log ?? printLine;
    this.#calls = options.calls ?? sockets;
    this.#port = options.port ?? DEFAULT_PORT;
    this.#epfd = epollCreate();
    this.#reserve = sockets.trySocket(4, SOCK_STREAM);
    this.#log(`step 1: created the epoll object, ${this.#mode === 0 ? 'level' : 'edge'}-triggered`);
    try {
      this.#openListener();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get port(): number {
    return this.#port;
  }

  get listener(): number {
    return this.#listener;
  }

  /** How many connections the table holds. */
  get connections(): number {
    return this.#connections.size;
  }

  /** What all connections together have still to send. */
  get queuedBytes(): number {
    let sum = 0;
    for (const connection of this.#connections.values()) sum += connection.queuedBytes;
    return sum;
  }

  #openListener(): void {
    const fd = sockets.socket(4, SOCK_STREAM);
    this.#listener = fd;
    // Without it, the port is taken for a minute after a restart, by our own old connections in TIME_WAIT.
    sockets.setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    sockets.bind(fd, { family: 4, bytes: LOCALHOST, port: this.#port });
    sockets.listen(fd, BACKLOG);
    const address = sockets.localAddress(fd);
    if (address?.family === 4) this.#port = address.port;
    this.#listenerGeneration = ++this.#lastGeneration;
    this.#control(EPOLL_CTL_ADD, fd, READ_ONLY, this.#listenerGeneration);
    this.#log(`step 2: listening on 127.0.0.1:${this.#port}, watched for ${flagNames(READ_ONLY)}`);
  }

  #control(operation: number, fd: number, interest: number, generation: number): void {
    const error = epollControl(this.#epfd, operation, fd, interest | this.#mode, generation);
    if (error < 0) throw new SysError('epoll_ctl', -error);
  }

  /** Steps 3 to 5, once. Step 6 is the caller's loop. */
  turn(): void {
    this.act(this.wait());
  }

  /** Step 3. @returns how many descriptors are ready */
  wait(): number {
    this.#log(`step 3: waiting at most ${this.#waitMs} ms`);
    const count = this.#events.wait(this.#epfd, this.#waitMs);
    if (count >= 0) return count;
    if (count !== -EINTR) throw new SysError('epoll_wait', -count);
    this.#log('step 3: interrupted by a signal, nothing is lost');
    return 0;
  }

  /** Steps 4 and 5: act on what is ready, and change the interest where the state has changed. */
  act(count: number): void {
    for (let i = 0; i < count; i++) {
      const fd = this.#events.fd(i);
      const generation = this.#events.generation(i);
      const events = this.#events.events(i);
      const connection = this.#connections.get(fd);
      if (fd === this.#listener && generation === this.#listenerGeneration) this.#handleListener(events);
      // An earlier event of this turn may have closed the descriptor, and a new client may have its number by now.
      else if (connection?.generation === generation) this.#handleConnection(connection, events);
      else this.#log(`step 4: descriptor ${fd} was closed in this turn, its event is stale`);
    }
    if (count === 0) this.#resumeListening();
    this.#log(`step 6: ${count} events handled, around again`);
  }

  #handleListener(events: number): void {
    this.#log(`step 4: the listener is ready: ${flagNames(events)}`);
    if ((events & (EPOLLERR | EPOLLHUP)) !== 0) {
      // It will not accept again, and it would be reported for ever. The connections live on; clients find a new listener.
      this.#log(`step 4: the listener failed (${errnoName(sockets.takeError(this.#listener))}), opening another`);
      sockets.close(this.#listener);
      this.#listener = -1;
      this.#openListener();
      return;
    }
    // Edge-triggered, several connections can come as one event: one left in the queue would wait there for the next to come.
    let more = this.#acceptOne();
    while (more && this.#mode === EPOLLET) more = this.#acceptOne();
  }

  /** @returns whether another connection may be waiting */
  #acceptOne(): boolean {
    const fd = this.#calls.accept(this.#listener);
    if (fd >= 0) {
      this.#addConnection(fd);
      return true;
    }
    switch (-fd) {
      case EAGAIN: // Taken back, or never there: events can be spurious.
        return false;
      case ECONNABORTED: // That client has gone. The next one has not.
      case EINTR:
        return true;
      case EMFILE:
      case ENFILE:
        return this.#turnOneAway(-fd);
      default:
        this.#pauseListening(-fd);
        return false;
    }
  }

  #addConnection(fd: number): void {
    const address = sockets.acceptedPeer();
    const peer = address?.family === 4 ? `${address.bytes.join('.')}:${address.port}` : 'an unknown peer';
    const connection = new EchoConnection(fd, ++this.#lastGeneration, peer);
    this.#connections.set(fd, connection);
    this.#control(EPOLL_CTL_ADD, fd, connection.interest, connection.generation);
    this.#log(`step 4: accepted ${peer} as descriptor ${fd}, watched for ${flagNames(connection.interest)}`);
  }

  /** No descriptor is left: with the reserve one, accept the client and close it, since an unaccepted one is reported for ever. */
  #turnOneAway(reason: number): boolean {
    if (this.#reserve >= 0) sockets.close(this.#reserve);
    const fd = this.#calls.accept(this.#listener);
    if (fd >= 0) sockets.close(fd);
    this.#reserve = sockets.trySocket(4, SOCK_STREAM);
    if (fd >= 0) this.#log(`step 4: turned a client away (${errnoName(reason)})`);
    else if (fd !== -EAGAIN) this.#pauseListening(reason);
    return fd >= 0;
  }

  #pauseListening(reason: number): void {
    this.#log(`step 5: no accepting for now (${errnoName(reason)})`);
    this.#paused = true;
    this.#control(EPOLL_CTL_MOD, this.#listener, 0, this.#listenerGeneration);
  }

  #resumeListening(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // EPOLL_CTL_MOD looks at the descriptor anew: clients that came meanwhile are reported, edge-triggered or not.
    this.#control(EPOLL_CTL_MOD, this.#listener, READ_ONLY, this.#listenerGeneration);
    this.#log('step 5: accepting again');
  }

  /** Every flag is looked at: several come at once, and none of them excludes the others. */
  #handleConnection(connection: EchoConnection, events: number): void {
    this.#log(`step 4: ${connection.peer} is ready: ${flagNames(events)}`);
    if ((events & EPOLLPRI) !== 0) this.#takeUrgentByte(connection);
    if ((events & (EPOLLERR | EPOLLHUP)) !== 0) {
      this.#cleanUp(connection);
      return;
    }
    if ((events & EPOLLIN) !== 0 && !this.#receive(connection)) return;
    if ((events & EPOLLOUT) !== 0 && !this.#sendQueued(connection)) return;
    if (connection.finished && connection.queuedBytes === 0) {
      this.#close(connection, 'it has finished and has its echo');
      return;
    }
    this.#changeInterest(connection);
  }

  /** An out-of-band byte is not part of the stream: an ordinary read says EAGAIN. It is taken, so that PRI ends, and not echoed. */
  #takeUrgentByte(connection: EchoConnection): void {
    const got = sockets.recv(connection.fd, this.#memory, 0, 1, MSG_OOB);
    this.#log(
      `step 4: ${connection.peer} sent ${got === 1 ? 'an out-of-band byte, dropped' : 'no out-of-band byte after all'}`,
    );
  }

  /** @returns whether the connection is still open */
  #receive(connection: EchoConnection): boolean {
    do {
      const got = sockets.recv(connection.fd, this.#memory, 0, MESSAGE_SIZE, 0);
      if (got === -EAGAIN || got === -EINTR) return true;
      if (got < 0) return this.#close(connection, errnoName(-got));
      if (got === 0) {
        this.#log(`step 4: ${connection.peer} has sent its last byte`);
        connection.finished = true;
        return true;
      }
      connection.enqueue(this.#memory.bytes.slice(0, got));
      this.#log(`step 4: received ${got} bytes from ${connection.peer}`);
      // Edge-triggered, what is left unread is not reported again until the mask changes. Leaving some is right with a full queue
      // only: the mask changes then, at the latest when the queue has gone out.
    } while (this.#mode === EPOLLET && connection.hasRoom);
    return true;
  }

  /** @returns whether the connection is still open */
  #sendQueued(connection: EchoConnection): boolean {
    do {
      const message = connection.nextMessage();
      if (message === undefined) return true;
      this.#memory.bytes.set(message);
      const sent = this.#calls.send(connection.fd, this.#memory, 0, message.length, MSG_NOSIGNAL);
      if (sent === -EAGAIN || sent === -EINTR) return true;
      if (sent < 0) return this.#close(connection, errnoName(-sent));
      // It may have taken a part only: the rest is the next message.
      connection.consume(sent);
      this.#log(`step 4: sent ${sent} bytes to ${connection.peer}`);
    } while (this.#mode === EPOLLET);
    return true;
  }

  /** Step 5. */
  #changeInterest(connection: EchoConnection): void {
    const wanted = connection.wantedInterest;
    if (wanted === connection.interest) return;
    connection.interest = wanted;
    this.#control(EPOLL_CTL_MOD, connection.fd, wanted, connection.generation);
    this.#log(`step 5: ${connection.peer} is watched for ${flagNames(wanted)}`);
  }

  /** ERR or HUP: nothing can be sent any more, but bytes that came before the reset are still there to be read. */
  #cleanUp(connection: EchoConnection): void {
    let drained = 0;
    let got = sockets.recv(connection.fd, this.#memory, 0, MESSAGE_SIZE, 0);
    while (got > 0) {
      drained += got;
      got = sockets.recv(connection.fd, this.#memory, 0, MESSAGE_SIZE, 0);
    }
    if (drained > 0) this.#log(`step 4: read the last ${drained} bytes of ${connection.peer}`);
    const pending = got < 0 ? -got : sockets.takeError(connection.fd);
    this.#close(connection, pending === 0 || pending === EAGAIN ? 'both directions are shut' : errnoName(pending));
  }

  /** The one way out of the table. @returns false, for `return this.#close(…)`: it is not open any more */
  #close(connection: EchoConnection, reason: string): false {
    this.#connections.delete(connection.fd);
    this.#control(EPOLL_CTL_DEL, connection.fd, 0, 0);
    sockets.close(connection.fd);
    const dropped = connection.queuedBytes;
    connection.dropQueue();
    this.#log(`step 5: closed ${connection.peer}: ${reason}${dropped > 0 ? `; ${dropped} bytes were not sent` : ''}`);
    this.#resumeListening();
    return false;
  }

  /** Step 7. */
  close(): void {
    for (const connection of [...this.#connections.values()]) this.#close(connection, 'the server stops');
    if (this.#listener >= 0) sockets.close(this.#listener);
    if (this.#reserve >= 0) sockets.close(this.#reserve);
    sockets.close(this.#epfd);
    this.#events.release();
    this.#memory.release();
    this.#log('step 7: destroyed the epoll object');
  }
}
