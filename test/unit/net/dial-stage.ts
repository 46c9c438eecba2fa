/** A dialer with everything around it that a test decides on: the clock, the answers of the resolver, and addresses that behave. */

import { EPOLLIN, SOCK_STREAM } from '../../../native-bindings/constants.js';
import { accept, bind, connectInet, listen, socket } from '../../../native-bindings/socket.js';
import type { EgressPolicy } from '../../../src/net/egress-policy.js';
import { type IpAddress, parseIpAddress } from '../../../src/net/ip-address.js';
import type { Lookup, NameResolver, ResolvedName } from '../../../src/net/name-resolver.js';
import type { Target } from '../../../src/net/target.js';
import { type Dial, type DialHandler, TcpDialer } from '../../../src/net/tcp-dialer.js';
import type { TcpSocket } from '../../../src/net/tcp-socket.js';
import { awaitReady, type Descriptors, portOf } from '../../support/loopback-sockets.js';
import { DrivenReactor } from '../../support/reactor-drive.js';

export const CONNECT_TIMEOUT_MS = 5000;

export function addressOf(text: string): IpAddress {
  return (
    parseIpAddress(text) ??
    (() => {
      throw new Error(`${text} is no address`);
    })()
  );
}

/** Answers when and what the test says. */
class ScriptedResolver implements NameResolver {
  readonly asked: string[] = [];
  cancelled = 0;
  /** Given before `resolve` returns, as from a cache. */
  immediate: ResolvedName | undefined = undefined;
  #callback: ((answer: ResolvedName) => void) | undefined = undefined;

  resolve(name: string, callback: (answer: ResolvedName) => void): Lookup {
    this.asked.push(name);
    if (this.immediate === undefined) return this.#wait(callback);
    callback(this.immediate);
    return { cancel: () => {} };
  }

  get waiting(): boolean {
    return this.#callback !== undefined;
  }

  /** Answers with one family's addresses; the next answer is the whole one. */
  answerEarly(...texts: string[]): void {
    this.answer(this.early(...texts));
  }

  /** For `immediate`. */
  early(...texts: string[]): ResolvedName {
    const wait = (callback: (answer: ResolvedName) => void): Lookup => this.#wait(callback);
    return { status: 'ok', addresses: texts.map(addressOf), late: { wait } };
  }

  #wait(callback: (answer: ResolvedName) => void): Lookup {
    this.#callback = callback;
    return {
      cancel: () => {
        this.cancelled++;
        this.#callback = undefined;
      },
    };
  }

  answer(answer: ResolvedName): void {
    const callback = this.#callback;
    this.#callback = undefined;
    callback?.(answer);
  }
}

export function resolvedTo(...texts: string[]): ResolvedName {
  return { status: 'ok', addresses: texts.map(addressOf) };
}

/** What a dial came to. A connection is taken over, as a session would. */
class DialRecorder implements DialHandler {
  readonly failures: string[] = [];
  readonly bugs: unknown[] = [];
  readonly sockets: TcpSocket[] = [];
  /** Thrown at the next call, as by a session with a fault. */
  fault: Error | undefined = undefined;

  handleConnected(socket: TcpSocket): void {
    socket.handOver(this);
    this.sockets.push(socket);
    if (this.fault !== undefined) throw this.fault;
  }

  handleEvents(events: number): void {
    for (const socket of this.sockets) socket.note(events);
  }

  handleDialFailure(failure: string): void {
    this.failures.push(failure);
    if (this.fault !== undefined) throw this.fault;
  }

  handleFailure(error: unknown): void {
    this.bugs.push(error);
  }

  /** How many of its methods that end a dial were called. */
  get calls(): number {
    return this.failures.length + this.bugs.length + this.sockets.length;
  }
}

export interface StageOptions {
  readonly egress?: EgressPolicy;
  readonly ipv6First?: boolean;
  readonly sendsFirst?: boolean;
}

export class DialStage {
  readonly driven = new DrivenReactor();
  readonly resolver = new ScriptedResolver();
  readonly handler = new DialRecorder();
  readonly #descriptors: Descriptors;

  constructor(descriptors: Descriptors) {
    this.#descriptors = descriptors;
  }

  dialName(port: number, options: StageOptions = {}): Dial {
    const target: Target = { kind: 'name', name: 'host.test', port };
    return this.#dialer(options).dial(target, this.handler, options.sendsFirst ?? false);
  }

  dialAddress(text: string, port: number, options: StageOptions = {}): Dial {
    const target: Target = { kind: 'ip', address: addressOf(text), port };
    return this.#dialer(options).dial(target, this.handler, options.sendsFirst ?? false);
  }

  #dialer({ egress, ipv6First = false }: StageOptions): TcpDialer {
    const options = { connectTimeoutMs: CONNECT_TIMEOUT_MS, ipv6First, noDelay: true };
    return new TcpDialer(this.driven.reactor, this.resolver, egress, options);
  }

  /**
   * Listens on the address.
   * @param port 0: any
   */
  listen(text: string, port = 0, backlog = 16): { fd: number; port: number } {
    const address = addressOf(text);
    const fd = this.#descriptors.keep(socket(address.family, SOCK_STREAM));
    bind(fd, { ...address, port });
    listen(fd, backlog);
    return { fd, port: portOf(fd) };
  }

  /**
   * An address that answers nothing: its accept queue is full, so the kernel drops what comes, as a firewall would.
   * @param port 0: any
   */
  async listenSilently(text: string, port = 0): Promise<{ fd: number; port: number }> {
    const { bytes, family } = addressOf(text);
    const listener = this.listen(text, port, 0);
    for (let i = 0; i < 2; i++) {
      connectInet(this.#descriptors.keep(socket(family, SOCK_STREAM)), bytes, listener.port);
      await this.driven.settle();
    }
    return listener;
  }

  /** Ends the silence: the queue has room for all who wait to be let in, those who had filled it included. */
  makeRoom(listener: { readonly fd: number }): void {
    listen(listener.fd, 16);
  }

  /** Connections that the listener got. */
  accepted(listener: { readonly fd: number }): number {
    let count = 0;
    for (let fd = accept(listener.fd); fd >= 0; fd = accept(listener.fd)) {
      this.#descriptors.keep(fd);
      count++;
    }
    return count;
  }

  /** Waits for a connection. */
  accept(listener: { readonly fd: number }): number {
    awaitReady(listener.fd, EPOLLIN);
    return this.#descriptors.keep(accept(listener.fd));
  }

  close(): void {
    for (const taken of this.handler.sockets) taken.close();
    this.driven.reactor.close();
  }
}
