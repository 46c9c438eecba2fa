/**
 * One client of the echo server: its queue of messages that still go out, and the interest mask that follows from its state.
 * No system call is made here, so this is the part to read for "when do we want what".
 */

import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI } from '../../native-bindings/constants.js';

/** Most bytes of one read, and so of one message. */
export const MESSAGE_SIZE = 1024;
/** A client that sends and never reads fills this much, then its sends stall: 64 full messages. */
export const QUEUE_LIMIT = 64 * MESSAGE_SIZE;

/** The kernel reports HUP and ERR whether they are asked for or not; they are named to say that they are expected. */
export const READ_ONLY = EPOLLIN | EPOLLPRI | EPOLLHUP | EPOLLERR;
export const READ_WRITE = READ_ONLY | EPOLLOUT;
/** Something to send, and no room (or no reason) to read more. */
export const WRITE_ONLY = READ_WRITE & ~EPOLLIN;

export class EchoConnection {
  readonly fd: number;
  /** Goes beside the descriptor into `epoll_data`: descriptor numbers are reused, generations are not. */
  readonly generation: number;
  /** Its own name, so that every line of the log, the last one too, speaks of the right client. */
  readonly peer: string;
  /** What the kernel was last told to watch for. */
  interest = READ_ONLY;
  /** The client's FIN has been read: nothing more comes, but the queue still goes out. */
  finished = false;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;

  constructor(fd: number, generation: number, peer: string) {
    this.fd = fd;
    this.generation = generation;
    this.peer = peer;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** There is room for one more message of full size. */
  get hasRoom(): boolean {
    return this.#queuedBytes + MESSAGE_SIZE <= QUEUE_LIMIT;
  }

  /** Back-pressure and half-close are both here: the mask is never set by hand, it is derived from the state. */
  get wantedInterest(): number {
    if (this.#queuedBytes === 0) return READ_ONLY;
    return this.finished || !this.hasRoom ? WRITE_ONLY : READ_WRITE;
  }

  enqueue(message: Uint8Array): void {
    this.#queue.push(message);
    this.#queuedBytes += message.length;
  }

  /** The message whose turn it is, or what a partial write left of it. */
  nextMessage(): Uint8Array | undefined {
    return this.#queue[0];
  }

  /** Takes what the kernel took off the queue. @param sent bytes, at most the length of `nextMessage()` */
  consume(sent: number): void {
    const message = this.#queue[0];
    if (message === undefined) return;
    this.#queuedBytes -= sent;
    if (sent < message.length) this.#queue[0] = message.subarray(sent);
    else this.#queue.shift();
  }

  dropQueue(): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }
}
