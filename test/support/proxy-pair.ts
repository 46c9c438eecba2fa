/** Client and server in this process, each on its own threads, and what a program does with them. */

import {
  AEAD_2017_METHODS,
  AEAD_2022_METHODS,
  type LocalSettings,
  type MethodName,
  type ServerSettings,
  type ShadowsocksEndpoint,
} from '../../src/config/types.js';
import { METHODS } from '../../src/crypto/methods.js';
import { type LogLine, type Running, startLocal, startServer } from '../../src/umbra.js';
import { oracleAddress } from './aead-oracle.js';
import { Wire } from './wire.js';

export const PASSWORD = 'between friends';
/** Those that authenticate what they carry. */
export const AEAD_METHODS = [...AEAD_2017_METHODS, ...AEAD_2022_METHODS] as const;
const LOOPBACK = '127.0.0.1';

export const GREETING = Buffer.of(5, 1, 0);
/** Choice of method and success, without an address. */
export const SOCKS_REPLY_LENGTH = 12;

/** A SOCKS5 request; CONNECT where no command is given. */
export function socksRequest(host: string, port: number, command = 1): Buffer {
  return Buffer.concat([Buffer.of(5, command, 0), oracleAddress(host, port)]);
}

/** What both ends know: a password, or the key that a method of 2022 wants in its place. */
export function secretOf(method: MethodName): string {
  const { family, keyLength } = METHODS[method];
  return family === 'aead-2022' ? Buffer.alloc(keyLength, PASSWORD).toString('base64') : PASSWORD;
}

export function endpoint(port: number, method: MethodName): ShadowsocksEndpoint {
  return { host: LOOPBACK, port, method, password: secretOf(method) };
}

/** What a test has started, ended after it in the opposite order. */
export class Stage {
  readonly logLines: LogLine[] = [];
  readonly #ends: (() => unknown)[] = [];
  readonly #running: Running[] = [];
  #questions = 0;

  /** @param end called by `close` */
  onClose(end: () => unknown): void {
    this.#ends.push(end);
  }

  /** With every destination of this machine allowed unless the settings say otherwise. */
  async server(settings: Partial<ServerSettings> & { readonly method?: MethodName } = {}): Promise<Running> {
    const { method = 'aes-256-gcm', ...rest } = settings;
    const defaults = { listen: [endpoint(0, method)], workers: 1, egressAllow: ['127.0.0.0/8'] };
    const running = await startServer({ ...defaults, ...rest }, this.#options());
    this.#running.push(running);
    this.onClose(() => running.stop(0));
    return running;
  }

  /** @param ports of Shadowsocks servers on 127.0.0.1 */
  async local(
    ports: readonly number[],
    settings: Partial<LocalSettings> & { readonly method?: MethodName } = {},
  ): Promise<Running> {
    const { method = 'aes-256-gcm', ...rest } = settings;
    const servers = ports.map((port) => endpoint(port, method));
    const inlets = [{ host: LOOPBACK, port: 0, users: [] }];
    const running = await startLocal({ inlets, servers, ...rest }, this.#options());
    this.#running.push(running);
    this.onClose(() => running.stop(0));
    return running;
  }

  /** Both ends. @returns the port of the client's inlet */
  async pair(method: MethodName = 'aes-256-gcm'): Promise<number> {
    const server = await this.server({ method });
    const local = await this.local([server.addresses[0].port], { method });
    return local.addresses[0].port;
  }

  #options() {
    return { logLevel: 'debug', onLog: (line: LogLine) => this.logLines.push(line) } as const;
  }

  async wire(port: number): Promise<Wire> {
    const wire = await Wire.to(port);
    this.onClose(() => wire.close());
    return wire;
  }

  /** A connection through the client's inlet, as far as SOCKS goes; what is received comes behind the reply. */
  async through(inlet: number, port: number, host = LOOPBACK): Promise<Wire> {
    const wire = await this.wire(inlet);
    wire.send(Buffer.concat([GREETING, socksRequest(host, port)]));
    const reply = await wire.bytes(SOCKS_REPLY_LENGTH);
    if (reply[3] !== 0) throw new Error(`SOCKS reply ${reply.toString('hex')}`);
    return wire;
  }

  /** Waits until so many lines of log say this. */
  async logged(message: string, count = 1): Promise<readonly LogLine[]> {
    const deadlineMs = performance.now() + 10_000;
    for (;;) {
      const lines = this.logLines.filter((line) => line.message === message);
      if (lines.length >= count) return lines;
      if (performance.now() > deadlineMs) throw new Error(`"${message}" was logged ${lines.length} times only`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Waits until the proxies have moved nothing for a while: for states that no event announces. */
  async quiet(): Promise<void> {
    for (let before = -1, same = 0; same < 3; ) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const all = await Promise.all(this.#running.map((running) => running.statistics()));
      // Each question is an event as well.
      const now = all.reduce((sum, { events }) => sum + events, 0) - this.#questions;
      this.#questions += this.#running.length;
      same = now === before ? same + 1 : 0;
      before = now;
    }
  }

  async close(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
    this.#ends.length = 0;
    this.#running.length = 0;
    this.#questions = 0;
    this.logLines.length = 0;
  }
}
