/** A dialer on a clock that the test sets, and connections of which it has both ends. */

import { expect } from 'chai';
import { EPOLLIN, SOCK_STREAM } from '../../../native-bindings/constants.js';
import { Region } from '../../../native-bindings/memory.js';
import * as native from '../../../native-bindings/socket.js';
import { EgressPolicy } from '../../../src/net/egress-policy.js';
import { type DialHandler, TcpDialer } from '../../../src/net/tcp-dialer.js';
import type { TcpSocket } from '../../../src/net/tcp-socket.js';
import { DIALS_COUNTED_MS, MANY_DIALS } from '../../../src/net/used-sockets.js';
import { type EventHandler, Reactor } from '../../../src/reactor/reactor.js';
import { awaitReady, Descriptors, portOf } from '../../support/loopback-sockets.js';
import { addressOf, CONNECT_TIMEOUT_MS } from './dial-stage.js';

export interface Connection {
  readonly near: TcpSocket;
  readonly far: number;
  /** What the near end was told. */
  readonly events: number[];
}

export interface Listener {
  readonly host: string;
  readonly fd: number;
  readonly port: number;
}

/** What became of a dial. */
export class DialResult implements DialHandler, EventHandler {
  readonly events: number[] = [];
  socket: TcpSocket | undefined = undefined;
  failure: string | undefined = undefined;

  handleConnected(socket: TcpSocket): void {
    socket.handOver(this);
    this.socket = socket;
  }

  handleEvents(events: number): void {
    this.events.push(events);
    this.socket?.note(events);
  }

  handleDialFailure(failure: string): void {
    this.failure = failure;
  }

  handleFailure(error: unknown): void {
    throw error;
  }
}

export class UsedSocketsStage {
  readonly descriptors = new Descriptors();
  readonly region = new Region(4096);
  readonly reactor: Reactor;
  readonly dialer: TcpDialer;
  /** As the first one, for connections on whose way somebody may watch. */
  readonly careful: TcpDialer;
  readonly listener: Listener;
  #nowMs = 1000;

  constructor() {
    this.reactor = new Reactor({ clock: () => this.#nowMs });
    const resolver = {
      resolve: () => {
        throw new Error('nothing is looked up here');
      },
    };
    const options = { connectTimeoutMs: CONNECT_TIMEOUT_MS, ipv6First: false, noDelay: true };
    this.dialer = new TcpDialer(this.reactor, resolver, undefined, options);
    const everywhere = new EgressPolicy(['0.0.0.0/0']);
    this.careful = new TcpDialer(this.reactor, resolver, undefined, options, everywhere);
    this.listener = this.listen('127.0.0.1');
  }

  listen(host: string, backlog = 64): Listener {
    const fd = this.descriptors.keep(native.socket(4, SOCK_STREAM));
    native.bind(fd, { family: 4, bytes: addressOf(host).bytes, port: 0 });
    native.listen(fd, backlog);
    return { host, fd, port: portOf(fd) };
  }

  advance(durationMs: number): void {
    this.#nowMs += durationMs;
    this.reactor.turn(0);
  }

  /** Turns until it holds; the kernel's time is not the reactor's. */
  until(what: string, holds: () => boolean): void {
    for (let turns = 0; !holds(); turns++) {
      if (turns === 500) throw new Error(`waited in vain for: ${what}`);
      this.reactor.turn(10);
    }
  }

  dial({ host, port }: Omit<Listener, 'fd'>, dialer = this.dialer, sendsFirst = false): DialResult {
    const result = new DialResult();
    dialer.dial({ kind: 'ip', address: addressOf(host), port }, result, sendsFirst);
    return result;
  }

  /** Within one machine a connection stands at once. */
  connect(listener = this.listener, dialer = this.dialer, sendsFirst = false): Connection {
    const result = this.dial(listener, dialer, sendsFirst);
    if (result.socket === undefined) throw new Error(`not connected: ${result.failure}`);
    awaitReady(listener.fd, EPOLLIN);
    return {
      near: result.socket,
      far: this.descriptors.keep(native.accept(listener.fd)),
      events: result.events,
    };
  }

  receiveEnd({ near }: Connection): void {
    awaitReady(near.fd, EPOLLIN);
    expect(near.receive(this.region, 0, 16)).to.equal(0);
  }

  /** As it mostly is: the program has closed, so our FIN is the first one. */
  endByUs(connection: Connection): void {
    connection.near.finish();
    this.descriptors.close(connection.far);
    this.receiveEnd(connection);
    connection.near.close();
  }

  /** From here on there are many dials. */
  dialMany(dialer = this.dialer): void {
    this.advance(DIALS_COUNTED_MS);
    for (let i = 0; i < MANY_DIALS; i++) this.#dialAndReset(dialer);
    this.advance(DIALS_COUNTED_MS);
    this.#dialAndReset(dialer);
  }

  #dialAndReset(dialer: TcpDialer): void {
    const { near, far } = this.connect(this.listener, dialer);
    near.abort();
    this.descriptors.close(far);
  }

  close(): void {
    this.dialer.used.close();
    this.reactor.close();
    this.descriptors.closeAll();
    this.region.release();
  }
}
