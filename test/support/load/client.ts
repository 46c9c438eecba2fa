/**
 * Many programs at once, as a process of its own that is told over IPC what to do. Each connection goes through a SOCKS inlet, sends a
 * payload of its own, and checks every byte of what comes back.
 */

import { randomFillSync } from 'node:crypto';
import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  MSG_NOSIGNAL,
  SO_LINGER,
  SOL_SOCKET,
} from '../../../native-bindings/constants.js';
import { EAGAIN, EINPROGRESS, errnoName } from '../../../native-bindings/errno.js';
import { raiseOpenFileLimit } from '../../../native-bindings/limits.js';
import { Region } from '../../../native-bindings/memory.js';
import { close, connectInet, recv, send, setOptionPair, socket, takeError } from '../../../native-bindings/socket.js';
import { type EventHandler, Reactor } from '../../../src/reactor/reactor.js';
import { LOOPBACK } from '../loopback-sockets.js';

const REPLY = Buffer.from('050005000001000000000000', 'hex');
/** Payloads are parts of these bytes, each connection's from a place of its own. */
const NOISE_LENGTH = 1024 * 1024;

export interface LoadTask {
  /** Ports of SOCKS inlets, used in turn. */
  readonly inlets: readonly number[];
  /** The port of the origin. */
  readonly port: number;
  readonly connections: number;
  /** How many of them are open at the same time. */
  readonly parallel: number;
  readonly payloadLength: number;
}

export type LoadCommand =
  /** Connections that are made, used once and closed. */
  | { readonly kind: 'run'; readonly task: LoadTask }
  /** Connections that are made, used once and kept. */
  | { readonly kind: 'hold'; readonly task: LoadTask }
  /** Uses all that are kept once more. */
  | { readonly kind: 'use' }
  /** Connections that never read what they ask for. */
  | { readonly kind: 'stall'; readonly task: LoadTask }
  | { readonly kind: 'close' };

export interface LoadResult {
  /** Connections on which everything was right. */
  readonly right: number;
  /** What went wrong, with how often. */
  readonly wrong: Readonly<Record<string, number>>;
  readonly seconds: number;
}

const reactor = new Reactor();
const noise = new Region(2 * NOISE_LENGTH);
const scratch = new Region(256 * 1024);
randomFillSync(noise.bytes, 0, NOISE_LENGTH);
noise.bytes.copyWithin(NOISE_LENGTH, 0, NOISE_LENGTH);

const kept: Program[] = [];
let right = 0;
let underWay = 0;
let wrong: Record<string, number> = {};

class Program implements EventHandler {
  readonly #fd: number;
  readonly #head: Uint8Array;
  readonly #keep: boolean;
  readonly #payloadLength: number;
  #payloadAt: number;
  #headSent = 0;
  #replyLeft = REPLY.length;
  #sent = 0;
  #received = 0;
  #connected = false;

  constructor(inlet: number, { port, payloadLength }: LoadTask, index: number, keep: boolean) {
    this.#keep = keep;
    this.#payloadLength = payloadLength;
    this.#payloadAt = (index * 4099) % NOISE_LENGTH;
    this.#head = Uint8Array.of(5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 0xff);
    this.#fd = socket(4, 1);
    const result = connectInet(this.#fd, LOOPBACK[4], inlet);
    reactor.register(this.#fd, EPOLLIN | EPOLLOUT, this);
    underWay++;
    if (result < 0 && result !== -EINPROGRESS) this.#over(errnoName(-result));
  }

  /** One more payload, and its echo. */
  use(): void {
    this.#payloadAt = (this.#payloadAt + 7919) % NOISE_LENGTH;
    this.#sent = 0;
    this.#received = 0;
    underWay++;
    reactor.modify(this.#fd, EPOLLIN | EPOLLOUT);
  }

  handleEvents(events: number): void {
    if (!this.#connected && (events & (EPOLLERR | EPOLLHUP)) !== 0) {
      this.#over(`connect ${errnoName(takeError(this.#fd))}`);
      return;
    }
    this.#connected = true;
    if ((events & EPOLLIN) !== 0) this.#receive();
    else if ((events & EPOLLOUT) !== 0) this.#send();
    else this.#over('hung up');
  }

  #send(): void {
    if (this.#headSent === 0) {
      scratch.bytes.set(this.#head);
      this.#headSent = send(this.#fd, scratch, 0, this.#head.length, MSG_NOSIGNAL);
      if (this.#headSent !== this.#head.length) {
        this.#over('send');
        return;
      }
    }
    while (this.#sent < this.#payloadLength) {
      const length = Math.min(65_536, this.#payloadLength - this.#sent);
      const at = (this.#payloadAt + this.#sent) % NOISE_LENGTH;
      const sent = send(this.#fd, noise, at, length, MSG_NOSIGNAL);
      if (sent === -EAGAIN) return;
      if (sent < 0) {
        this.#over(errnoName(-sent));
        return;
      }
      this.#sent += sent;
    }
    reactor.modify(this.#fd, EPOLLIN);
  }

  #receive(): void {
    const got = recv(this.#fd, scratch, 0, scratch.size, 0);
    if (got === -EAGAIN) return;
    if (got <= 0) {
      this.#over(got === 0 ? 'closed early' : errnoName(-got));
      return;
    }
    const skipped = Math.min(this.#replyLeft, got);
    const reply = REPLY.subarray(REPLY.length - this.#replyLeft).subarray(0, skipped);
    if (Buffer.compare(reply, scratch.bytes.subarray(0, skipped)) !== 0) {
      this.#over('SOCKS refusal');
      return;
    }
    this.#replyLeft -= skipped;
    const at = (this.#payloadAt + this.#received) % NOISE_LENGTH;
    const expected = noise.bytes.subarray(at, at + got - skipped);
    if (Buffer.compare(expected, scratch.bytes.subarray(skipped, got)) !== 0) {
      this.#over('wrong bytes');
      return;
    }
    this.#received += got - skipped;
    if (this.#received === this.#payloadLength) this.#over(undefined);
  }

  #over(fault: string | undefined): void {
    underWay--;
    if (fault === undefined) right++;
    else wrong[fault] = (wrong[fault] ?? 0) + 1;
    if (fault === undefined && this.#keep) kept.push(this);
    else this.close();
  }

  handleFailure(error: unknown): void {
    this.#over(String(error));
  }

  close(): void {
    reactor.closeDescriptor(this.#fd);
  }

  /** For one that must not read: it is left as it is, with its handshake sent. */
  static stalled(inlet: number, port: number): number {
    const fd = socket(4, 1);
    connectInet(fd, LOOPBACK[4], inlet);
    const head = Uint8Array.of(5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 0xff);
    reactor.register(fd, EPOLLOUT, {
      handleEvents() {
        scratch.bytes.set(head);
        // One that the proxy has turned away meanwhile stays among them: the crowd is as large as it was asked to be.
        send(fd, scratch, 0, head.length, MSG_NOSIGNAL);
        reactor.unregister(fd);
        right++;
      },
      handleFailure(error) {
        throw error;
      },
    });
    return fd;
  }
}

const stalled: number[] = [];

function drive(condition: () => boolean): void {
  while (!condition()) reactor.turn(1000);
}

function open(task: LoadTask, keep: boolean): void {
  for (let i = 0; i < task.connections; i++) {
    drive(() => underWay < task.parallel);
    new Program(task.inlets[i % task.inlets.length], task, i, keep);
    // The listener's queue is finite: what is under way gets its turns.
    if (i % 64 === 0) reactor.turn(0);
  }
  drive(() => underWay === 0);
}

function perform(command: LoadCommand): void {
  switch (command.kind) {
    case 'run':
    case 'hold':
      open(command.task, command.kind === 'hold');
      return;
    case 'use': {
      const all = kept.splice(0);
      for (const program of all) program.use();
      drive(() => underWay === 0);
      return;
    }
    case 'stall': {
      const { task } = command;
      for (let i = 0; i < task.connections; i++) {
        stalled.push(Program.stalled(task.inlets[i % task.inlets.length], task.port));
      }
      drive(() => right === task.connections);
      return;
    }
    case 'close':
      for (const program of kept.splice(0)) program.close();
      for (const fd of stalled.splice(0)) {
        setOptionPair(fd, SOL_SOCKET, SO_LINGER, 1, 0);
        close(fd);
      }
      return;
    default:
      command satisfies never;
  }
}

raiseOpenFileLimit();
process.on('message', (command: LoadCommand) => {
  right = 0;
  wrong = {};
  const startMs = performance.now();
  perform(command);
  const result: LoadResult = { right, wrong, seconds: (performance.now() - startMs) / 1000 };
  process.send?.(result);
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
