/**
 * A reactor with everything that its sessions share, on the test's own thread, so that a test decides what happens between two turns:
 * what has arrived together, what is already closed, how late it is.
 */

import { EPOLLIN } from '../../native-bindings/constants.js';
import { EAGAIN } from '../../native-bindings/errno.js';
import * as sockets from '../../native-bindings/socket.js';
import type { LocalSettings, ServerSettings, ShadowsocksEndpoint } from '../../src/config/types.js';
import { DEFAULTS } from '../../src/config/types.js';
import { createSubkeyDerivation } from '../../src/crypto/hkdf.js';
import { createRandomSource } from '../../src/crypto/random.js';
import { startLocalMode } from '../../src/local/local-mode.js';
import { parseIpAddress } from '../../src/net/ip-address.js';
import type { NameResolver, ResolvedName } from '../../src/net/name-resolver.js';
import { openTcpListener } from '../../src/net/tcp-listener.js';
import { TcpSocket } from '../../src/net/tcp-socket.js';
import { type EventHandler, Reactor } from '../../src/reactor/reactor.js';
import { type LogFields, RelayContext } from '../../src/relay/context.js';
import type { Mode, ModeParts } from '../../src/relay/mode.js';
import { LoggingClock } from '../../src/relay/wall-clock.js';
import { startServerMode } from '../../src/server/server-mode.js';
import type { WallClock } from '../../src/shadowsocks/aead-2022/time.js';
import { allocateReplayMemory, openReplayFilters } from '../../src/shadowsocks/replay.js';
import { awaitReady, Descriptors, LOOPBACK, PATIENCE_MS, portOf } from './loopback-sockets.js';
import { Peer } from './peer.js';

/** A name's answer; a name that is not in the table is answered by `answerName` alone. */
export type KnownNames = Readonly<Record<string, readonly string[] | 'ENOTFOUND'>>;

const TURN_MS = 5;
/** They live as long as their thread. */
const derivation = createSubkeyDerivation();
const random = createRandomSource();

export class ReactorBench {
  readonly descriptors = new Descriptors();
  readonly reactor: Reactor;
  readonly context: RelayContext;
  readonly logLines: { readonly level: string; readonly message: string; readonly fields: LogFields }[] = [];
  names: KnownNames = {};
  /** How far the wall clock of what runs here is ahead of the machine's. */
  wallAheadMs = 0;
  readonly #peers: Peer[] = [];
  readonly #questions = new Set<{ readonly name: string; readonly callback: (answer: ResolvedName) => void }>();
  readonly #modes: Mode[] = [];
  readonly #clock: WallClock;
  #aheadMs = 0;

  constructor(idleTimeoutMs = 0, keepAliveMs = 0) {
    this.reactor = new Reactor({ clock: () => performance.now() + this.#aheadMs });
    const log = {
      enabled: () => true,
      write: (level: string, message: string, fields: LogFields) => this.logLines.push({ level, message, fields }),
    };
    this.context = new RelayContext(this.reactor, log, idleTimeoutMs, keepAliveMs);
    this.#clock = new LoggingClock(
      log,
      () => Date.now() + this.wallAheadMs,
      () => this.reactor.nowMs,
    );
  }

  /** Time that has passed without anything happening. */
  advance(durationMs: number): void {
    this.#aheadMs += durationMs;
    this.reactor.turn(0);
  }

  /** Turns, and moves the peers on, until the condition holds. */
  until(what: string, condition: () => boolean): void {
    const deadlineMs = performance.now() + PATIENCE_MS;
    this.poll();
    while (!condition()) {
      if (performance.now() > deadlineMs) throw new Error(`waited ${PATIENCE_MS} ms in vain for: ${what}`);
      this.reactor.turn(TURN_MS);
      this.poll();
    }
  }

  /** Turns until nothing has happened for a while: for what must not happen. */
  settle(): void {
    for (let quiet = 0; quiet < 10; ) {
      const { events } = this.reactor.statistics;
      const before = this.#received();
      this.reactor.turn(TURN_MS);
      this.poll();
      quiet = this.reactor.statistics.events === events && this.#received() === before ? quiet + 1 : 0;
    }
  }

  poll(): void {
    for (const peer of this.#peers) peer.poll();
  }

  #received(): number {
    return this.#peers.reduce((sum, peer) => sum + peer.receivedLength, 0);
  }

  /** A peer on a descriptor that is already connected. */
  peer(fd: number): Peer {
    const peer = new Peer(this.descriptors, fd);
    this.#peers.push(peer);
    return peer;
  }

  connect(port: number): Peer {
    return this.peer(this.descriptors.connect(port));
  }

  /** The next connection of a listening descriptor, turning until it is there. */
  accept(listener: number): Peer {
    let fd = -1;
    this.until('a connection', () => {
      fd = sockets.accept(listener);
      if (fd < 0 && fd !== -EAGAIN) throw new Error(`accept: ${fd}`);
      return fd >= 0;
    });
    return this.peer(fd);
  }

  /** A socket of the program's, as if it had been accepted, and the peer at its other end. */
  acceptedPair(): { readonly socket: TcpSocket; readonly peer: Peer } {
    const { client, server } = this.descriptors.pair();
    const noting: EventHandler = {
      handleEvents: (events) => socket.note(events),
      handleFailure: (error) => {
        throw error;
      },
    };
    const socket = TcpSocket.accepted(this.reactor, this.descriptors.release(server), noting);
    return { socket, peer: this.peer(client) };
  }

  /**
   * A port of 127.0.0.1 that answers no connection attempt, not even by a refusal: its queue is full.
   */
  blackHole(): number {
    const { fd, port } = this.descriptors.listen(4, 0);
    for (let i = 0; i < 2; i++) {
      const filler = this.descriptors.keep(sockets.socket(4, 1));
      sockets.connectInet(filler, LOOPBACK[4], port);
    }
    awaitReady(fd, EPOLLIN);
    return port;
  }

  /** A port of 127.0.0.1 that refuses. */
  refusingPort(): number {
    return this.descriptors.refusing();
  }

  #resolver(): NameResolver {
    return {
      resolve: (name, callback) => {
        const answer = this.names[name];
        const question = { name, callback };
        if (answer === 'ENOTFOUND') callback({ status: 'failed', code: 'ENOTFOUND' });
        else if (answer !== undefined) callback(resolved(answer));
        else this.#questions.add(question);
        return { cancel: () => this.#questions.delete(question) };
      },
    };
  }

  /** To those who have asked and still wait. */
  answerName(name: string, addresses: readonly string[]): void {
    for (const question of this.#questions) {
      if (question.name !== name) continue;
      this.#questions.delete(question);
      question.callback(resolved(addresses));
    }
  }

  /** Each mode as if it had a process to itself. */
  #parts(): ModeParts {
    return {
      context: this.context,
      resolver: this.#resolver(),
      means: { derivation, random, clock: this.#clock, replay: openReplayFilters(allocateReplayMemory('server')) },
    };
  }

  #listener(): number {
    const options = { noDelay: true, keepAliveMs: 0, reusePort: false, delayAcks: false };
    return openTcpListener({ family: 4, bytes: LOOPBACK[4], port: 0 }, options);
  }

  /** @returns its port */
  startServer(endpoint: Omit<ShadowsocksEndpoint, 'host' | 'port'>, settings: Partial<ServerSettings> = {}): number {
    const fd = this.#listener();
    const port = portOf(fd);
    const listen = [{ host: '127.0.0.1', port, ...endpoint }];
    const defaults = { ...common(), listen, egressAllow: ['127.0.0.0/8'], probeTimeoutMs: 2000 };
    this.#modes.push(startServerMode({ ...defaults, ...settings }, [{ tcp: fd, udp: -1 }], this.#parts()));
    return port;
  }

  /** @returns its port */
  startLocal(servers: readonly ShadowsocksEndpoint[], settings: Partial<LocalSettings> = {}): number {
    const fd = this.#listener();
    const port = portOf(fd);
    const inlets = [{ host: '127.0.0.1', port, users: [] }];
    this.#modes.push(
      startLocalMode({ ...common(), inlets, servers, ...settings }, [{ tcp: fd, udp: -1 }], this.#parts()),
    );
    return port;
  }

  stopListening(): void {
    for (const mode of this.#modes) mode.stopListening();
  }

  /** Ends everything: what is left over after it has leaked. */
  close(): void {
    this.stopListening();
    for (const session of this.context.sessions.all()) session.destroy('ERR_STOPPED');
    this.context.endDraining();
    for (const mode of this.#modes) mode.release();
    this.descriptors.closeAll();
    this.context.release();
    this.reactor.close();
  }
}

function common() {
  const { noDelay, keepAliveMs, connectTimeoutMs, idleTimeoutMs, drainTimeoutMs, ipv6First } = DEFAULTS;
  const { udpTimeoutMs, udpMaxAssociations } = DEFAULTS;
  return {
    workers: 1,
    noDelay,
    keepAliveMs,
    connectTimeoutMs,
    idleTimeoutMs,
    udpTimeoutMs,
    udpMaxAssociations,
    drainTimeoutMs,
    ipv6First,
    nameServers: [],
  };
}

function resolved(addresses: readonly string[]): ResolvedName {
  return {
    status: 'ok',
    addresses: addresses.map((text) => {
      const address = parseIpAddress(text);
      if (address === undefined) throw new Error(`not an address: ${text}`);
      return address;
    }),
  };
}
