/**
 * A destination for many connections at once, as a process of its own: a port that echoes, and one that sends. Usage:
 * `node origin.js BYTES-TO-SEND`; prints `{"echoPort":…,"sourcePort":…}` and runs until it is killed.
 */

import { writeSync } from 'node:fs';
import { EPOLLIN, EPOLLOUT, MSG_NOSIGNAL, SHUT_WR } from '../../../native-bindings/constants.js';
import { EAGAIN } from '../../../native-bindings/errno.js';
import { raiseOpenFileLimit } from '../../../native-bindings/limits.js';
import { Region } from '../../../native-bindings/memory.js';
import { accept, bind, listen, recv, send, shutdown, socket } from '../../../native-bindings/socket.js';
import { type EventHandler, Reactor } from '../../../src/reactor/reactor.js';
import { LOOPBACK, portOf } from '../loopback-sockets.js';

/** What it prints. */
export interface Origin {
  readonly echoPort: number;
  readonly sourcePort: number;
}

const SCRATCH_SIZE = 256 * 1024;
const reactor = new Reactor();
const scratch = new Region(SCRATCH_SIZE);
for (let i = 0; i < SCRATCH_SIZE; i++) scratch.bytes[i] = i * 7;

abstract class Connection implements EventHandler {
  readonly fd: number;
  #interest: number;

  constructor(fd: number, interest: number) {
    this.fd = fd;
    this.#interest = interest;
    reactor.register(fd, interest, this);
  }

  abstract handleEvents(events: number): void;

  handleFailure(): void {
    reactor.closeDescriptor(this.fd);
  }

  protected watch(interest: number): void {
    if (interest !== this.#interest) reactor.modify(this.fd, interest);
    this.#interest = interest;
  }

  protected close(): void {
    reactor.closeDescriptor(this.fd);
  }
}

class Echo extends Connection {
  #unsent: Uint8Array = new Uint8Array(0);

  constructor(fd: number) {
    super(fd, EPOLLIN);
  }

  handleEvents(): void {
    if (this.#unsent.length > 0) {
      scratch.bytes.set(this.#unsent);
      this.#reply(this.#unsent.length);
      return;
    }
    const got = recv(this.fd, scratch, 0, SCRATCH_SIZE, 0);
    if (got === -EAGAIN) return;
    if (got <= 0) this.close();
    else this.#reply(got);
  }

  #reply(length: number): void {
    const sent = send(this.fd, scratch, 0, length, MSG_NOSIGNAL);
    if (sent < 0 && sent !== -EAGAIN) {
      this.close();
      return;
    }
    this.#unsent = scratch.bytes.slice(Math.max(0, sent), length);
    this.watch(this.#unsent.length > 0 ? EPOLLOUT : EPOLLIN);
  }
}

class Source extends Connection {
  #left: number;

  constructor(fd: number, length: number) {
    super(fd, EPOLLIN | EPOLLOUT);
    this.#left = length;
  }

  handleEvents(events: number): void {
    if ((events & EPOLLIN) !== 0) {
      const got = recv(this.fd, scratch, 0, 0, 0) === 0 ? recv(this.fd, discarded, 0, discarded.size, 0) : -1;
      if (got <= 0 && got !== -EAGAIN) {
        this.close();
        return;
      }
    }
    if ((events & EPOLLOUT) === 0 || this.#left === 0) return;
    const sent = send(this.fd, scratch, 0, Math.min(SCRATCH_SIZE, this.#left), MSG_NOSIGNAL);
    if (sent < 0 && sent !== -EAGAIN) {
      this.close();
      return;
    }
    this.#left -= Math.max(0, sent);
    if (this.#left > 0) return;
    shutdown(this.fd, SHUT_WR);
    this.watch(EPOLLIN);
  }
}

const discarded = new Region(65_536);

function open(make: (fd: number) => void): number {
  const listener = socket(4, 1);
  bind(listener, { family: 4, bytes: LOOPBACK[4], port: 0 });
  listen(listener, 4096);
  const handleEvents = (): void => {
    for (let fd = accept(listener); fd >= 0; fd = accept(listener)) make(fd);
  };
  reactor.register(listener, EPOLLIN, {
    handleEvents,
    handleFailure(error) {
      throw error;
    },
  });
  return portOf(listener);
}

raiseOpenFileLimit();
const bytesToSend = Number(process.argv[2] ?? 0);
const echoPort = open((fd) => new Echo(fd));
const sourcePort = open((fd) => new Source(fd, bytesToSend));
writeSync(1, `${JSON.stringify({ echoPort, sourcePort } satisfies Origin)}\n`);
reactor.run();
