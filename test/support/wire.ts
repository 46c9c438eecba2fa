/** Connections as seen from outside, through Node's own sockets: what came, and how it ended. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { ECONNRESET } from '../../native-bindings/errno.js';
import { takeError } from '../../native-bindings/socket.js';
import { freePort } from './proxy-process.js';

/** Longest that a test waits for what should come soon. */
const PATIENCE_MS = 10_000;

/** `fin`: an end that was meant. `reset`: one that must not be taken for the whole. */
export type WireEnd = 'fin' | 'reset';

/**
 * Node takes a reset that comes right behind data for an end, without reading it (libuv, POLLHUP after a partial read): the socket knows.
 * A reset in its place after a FIN is another error, EPIPE.
 */
function metReset(socket: Socket): boolean {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd: number } };
  return handle !== undefined && handle !== null && handle.fd >= 0 && takeError(handle.fd) === ECONNRESET;
}

/** One connection. Half-open ones stay so until the test ends them. */
export class Wire {
  readonly socket: Socket;
  /** When it was made, by `performance.now`. */
  readonly startMs = performance.now();
  receivedLength = 0;
  #received: Buffer[] = [];
  #end: WireEnd | undefined;
  #endMs = Number.POSITIVE_INFINITY;
  #changed: () => void = () => undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#received.push(bytes);
      this.receivedLength += bytes.length;
      this.#changed();
    });
    socket.on('end', () => this.#ended(metReset(socket) ? 'reset' : 'fin'));
    socket.on('error', () => this.#ended('reset'));
    socket.on('close', (hadError) => this.#ended(hadError ? 'reset' : 'fin'));
  }

  static async to(port: number, host = '127.0.0.1'): Promise<Wire> {
    const socket = connect({ port, host, allowHalfOpen: true, noDelay: true });
    await once(socket, 'connect');
    return new Wire(socket);
  }

  #ended(how: WireEnd): void {
    // A reset may follow a FIN; the other way round there is nothing.
    if (this.#end === undefined) this.#endMs = performance.now();
    if (this.#end !== 'reset') this.#end = how;
    this.#changed();
  }

  get ended(): WireEnd | undefined {
    return this.#end;
  }

  /** From its beginning to its end. */
  get lifeMs(): number {
    return this.#endMs - this.startMs;
  }

  get received(): Buffer {
    const all = Buffer.concat(this.#received);
    this.#received = [all];
    return all;
  }

  send(bytes: Uint8Array | string): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** FIN, behind what was to be sent. */
  finish(bytes?: Uint8Array | string): void {
    if (bytes === undefined) this.socket.end();
    else this.socket.end(bytes);
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  close(): void {
    this.socket.destroy();
  }

  /** Waits until the condition holds, looked at whenever something comes. */
  async until(what: string, condition: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
    const deadlineMs = performance.now() + patienceMs;
    while (!condition()) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) {
        throw new Error(
          `waited in vain for ${what}; ${this.receivedLength} bytes came, the end is ${this.#end ?? 'open'}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async bytes(count: number): Promise<Buffer> {
    await this.until(`${count} bytes`, () => this.receivedLength >= count);
    return this.received.subarray(0, count);
  }

  /** @returns how it ended */
  async end(patienceMs = PATIENCE_MS): Promise<WireEnd> {
    await this.until('the end', () => this.#end !== undefined, patienceMs);
    return this.#end as WireEnd;
  }

  async text(): Promise<string> {
    await this.end();
    return this.received.toString();
  }
}

/** A listener that makes a wire of each connection. */
export class Listener {
  readonly port: number;
  readonly wires: Wire[] = [];
  readonly #server: Server;
  #arrived: () => void = () => undefined;
  #given = 0;

  private constructor(server: Server, port: number, onWire: (wire: Wire) => void) {
    this.#server = server;
    this.port = port;
    server.on('connection', (socket) => {
      const wire = new Wire(socket);
      this.wires.push(wire);
      onWire(wire);
      this.#arrived();
    });
  }

  static async open(onWire: (wire: Wire) => void = () => undefined, host = '127.0.0.1'): Promise<Listener> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, host);
    await once(server, 'listening');
    return new Listener(server, (server.address() as AddressInfo).port, onWire);
  }

  /** The next connection that no earlier call has given. */
  async next(): Promise<Wire> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (this.wires.length <= this.#given) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) throw new Error('nobody connected');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#arrived = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.wires[this.#given++];
  }

  async close(): Promise<void> {
    for (const wire of this.wires) wire.close();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}

/** A port of 127.0.0.1 that refuses connections until somebody listens on it. */
export function refusingPort(): Promise<number> {
  return freePort();
}
