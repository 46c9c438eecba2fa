/** The other end of a connection under test, on the test's own thread: it never blocks and is moved on by `poll`. */

import { MSG_NOSIGNAL, SHUT_WR } from '../../native-bindings/constants.js';
import { EAGAIN, ECONNRESET, EPIPE, SysError } from '../../native-bindings/errno.js';
import { Region } from '../../native-bindings/memory.js';
import * as sockets from '../../native-bindings/socket.js';
import type { Descriptors } from './loopback-sockets.js';

const scratch = new Region(64 * 1024);

/** How a connection ended as its peer sees it. */
export type PeerEnd = 'open' | 'fin' | 'reset';

export class Peer {
  readonly fd: number;
  /** What the other side did last: a FIN is an end that was meant, a reset one that must not be taken for the whole. */
  end: PeerEnd = 'open';
  /** Whether `poll` receives. */
  reading = true;
  receivedLength = 0;
  readonly #descriptors: Descriptors;
  #received: Buffer[] = [];
  #taken = 0;
  #unsent: Buffer = Buffer.alloc(0);
  #finishing = false;
  #closed = false;

  constructor(descriptors: Descriptors, fd: number) {
    this.#descriptors = descriptors;
    this.fd = descriptors.keep(fd);
  }

  /** Everything since the beginning. */
  get received(): Buffer {
    const all = Buffer.concat(this.#received);
    this.#received = [all];
    this.#taken = 1;
    return all;
  }

  /** What has come since the last `take`; only this or `received` is used on one peer. */
  take(): Buffer {
    const fresh = Buffer.concat(this.#received.slice(this.#taken));
    this.#taken = this.#received.length;
    return fresh;
  }

  get text(): string {
    return this.received.toString();
  }

  /** Everything that was to be sent is in the kernel's hands. */
  get flushed(): boolean {
    return this.#unsent.length === 0;
  }

  /** Sends as far as the socket takes it now; `poll` goes on. */
  send(bytes: Uint8Array | string): void {
    this.#unsent = Buffer.concat([this.#unsent, typeof bytes === 'string' ? Buffer.from(bytes) : bytes]);
    this.#flush();
  }

  #flush(): void {
    while (this.#unsent.length > 0 && this.end !== 'reset') {
      const part = this.#unsent.subarray(0, scratch.size);
      scratch.bytes.set(part);
      const sent = sockets.send(this.fd, scratch, 0, part.length, MSG_NOSIGNAL);
      if (sent === -EAGAIN) return;
      if (sent === -ECONNRESET || sent === -EPIPE) {
        this.end = 'reset';
        return;
      }
      if (sent < 0) throw new SysError('send', -sent);
      this.#unsent = this.#unsent.subarray(sent);
    }
    if (this.#finishing) sockets.shutdown(this.fd, SHUT_WR);
    this.#finishing = false;
  }

  /** FIN, behind everything that was to be sent. */
  finish(): void {
    this.#finishing = true;
    this.#flush();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#descriptors.close(this.fd);
  }

  /** Closes with RST. */
  reset(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#descriptors.reset(this.fd);
  }

  poll(): void {
    if (this.#closed) return;
    this.#flush();
    while (this.reading && this.end === 'open') {
      const got = sockets.recv(this.fd, scratch, 0, scratch.size, 0);
      if (got === -EAGAIN) return;
      if (got > 0) {
        this.#received.push(Buffer.from(scratch.bytes.slice(0, got)));
        this.receivedLength += got;
      } else if (got === 0) {
        this.end = 'fin';
      } else if (got === -ECONNRESET || got === -EPIPE) {
        this.end = 'reset';
      } else {
        throw new SysError('recv', -got);
      }
    }
  }
}
