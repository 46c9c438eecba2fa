/**
 * The echo server under test on this thread: it turns until something that the test waits for has happened. Its clients are native sockets,
 * so that one thread can be both ends.
 */

import { type EchoServerOptions, EpollEchoServer } from '../../../docs/examples/echo-server.js';
import { SHUT_WR } from '../../../native-bindings/constants.js';
import { EAGAIN, ECONNRESET } from '../../../native-bindings/errno.js';
import * as sockets from '../../../native-bindings/socket.js';
import { Descriptors, PATIENCE_MS, portOf, sendBytes, tryReceive } from '../../support/loopback-sockets.js';

export const MODES = [
  { mode: 'level-triggered', edgeTriggered: false },
  { mode: 'edge-triggered', edgeTriggered: true },
] as const;

/** Short waits: the test is the only client, so what it waits for has happened already or comes at once. */
const WAIT_MS = 5;

export class EchoDrive {
  readonly descriptors = new Descriptors();
  readonly log: string[] = [];
  readonly server: EpollEchoServer;

  constructor(edgeTriggered: boolean, options: EchoServerOptions = {}) {
    const log = (line: string): void => {
      this.log.push(line);
    };
    this.server = new EpollEchoServer({ port: 0, waitMs: WAIT_MS, log, edgeTriggered, ...options });
  }

  connect(): EchoClient {
    return new EchoClient(this.descriptors, this.descriptors.connect(this.server.port));
  }

  /** A client that the server has accepted. */
  connectAccepted(): EchoClient {
    const before = this.server.connections;
    const client = this.connect();
    this.until('the client is accepted', () => this.server.connections > before);
    return client;
  }

  /** Turns until the condition holds. */
  until(what: string, condition: () => boolean): void {
    const deadline = performance.now() + PATIENCE_MS;
    while (!condition()) {
      if (performance.now() > deadline) throw new Error(`never came: ${what}\n${this.log.slice(-12).join('\n')}`);
      this.server.turn();
    }
  }

  untilLogged(pattern: RegExp): string {
    const find = (): string | undefined => this.log.find((line) => pattern.test(line));
    this.until(`a line like ${pattern}`, () => find() !== undefined);
    return find() ?? '';
  }

  /** The server still does its work: a new client gets its echo. */
  expectAlive(): void {
    const client = this.connect();
    client.send('are you there?');
    this.untilEchoed(client, 'are you there?');
    client.close();
  }

  untilEchoed(client: EchoClient, text: string): void {
    this.until(`the echo of ${text.length} bytes`, () => client.poll().text === text);
  }

  end(): void {
    this.descriptors.closeAll();
    this.server.close();
  }
}

export class EchoClient {
  readonly fd: number;
  readonly port: number;
  /** All that has come back. */
  text = '';
  /** The server's FIN has come. */
  ended = false;
  /** The server has reset the connection. */
  wasReset = false;
  readonly #descriptors: Descriptors;

  constructor(descriptors: Descriptors, fd: number) {
    this.#descriptors = descriptors;
    this.fd = fd;
    this.port = portOf(fd);
  }

  send(text: string, flags = 0): void {
    sendBytes(this.fd, new TextEncoder().encode(text), flags);
  }

  /** Reads what is there, without waiting. */
  poll(): this {
    const got = tryReceive(this.fd);
    if (got === -EAGAIN) return this;
    if (got === -ECONNRESET) this.wasReset = true;
    else if (typeof got === 'number') throw new Error(`recv failed with errno ${-got}`);
    else if (got.length === 0) this.ended = true;
    else this.text += new TextDecoder().decode(got);
    return this;
  }

  /** FIN, with the other direction left open. */
  finish(): void {
    sockets.shutdown(this.fd, SHUT_WR);
  }

  close(): void {
    this.#descriptors.close(this.fd);
  }

  reset(): void {
    this.#descriptors.reset(this.fd);
  }
}
