/**
 * The entry of a reactor thread. The thread blocks in epoll_wait, so Node's own loop never turns here: messages are taken synchronously
 * after a wake-up, and nothing may be awaited once the reactor runs.
 */

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { scheduleAsBatch } from '../../native-bindings/scheduler.js';
import { close } from '../../native-bindings/socket.js';
import type { LogLevel } from '../config/types.js';
import { needsLibsodium } from '../crypto/ciphers.js';
import { createSubkeyDerivation } from '../crypto/hkdf.js';
import { loadLibsodium } from '../crypto/libsodium-cipher.js';
import { METHODS, type Method } from '../crypto/methods.js';
import { createRandomSource } from '../crypto/random.js';
import { loadSalsa20 } from '../crypto/salsa20-cipher.js';
import { Resolver } from '../dns/resolver.js';
import { startLocalMode } from '../local/local-mode.js';
import { Reactor } from '../reactor/reactor.js';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';
import { type Log, RelayContext } from '../relay/context.js';
import type { Mode, ModeParts } from '../relay/mode.js';
import { LoggingClock } from '../relay/wall-clock.js';
import { startServerMode } from '../server/server-mode.js';
import { openReplayFilters } from '../shadowsocks/replay.js';
import { logEnabled } from './log-level.js';
import type { FromReactor, ReactorTask, Statistics, ToReactor } from './messages.js';

const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');
const task = workerData as ReactorTask;

function tell(message: FromReactor): void {
  port?.postMessage(message);
}

function createLog(level: LogLevel): Log {
  return {
    enabled: (wanted) => logEnabled(level, wanted),
    write(lineLevel, message, fields) {
      if (logEnabled(level, lineLevel)) tell({ kind: 'log', level: lineLevel, message, fields });
    },
  };
}

/** Turns until the control plane says stop and the last session has gone. */
class ReactorThread implements TimeoutHandler {
  readonly #reactor = new Reactor();
  readonly #context: RelayContext;
  readonly #mode: Mode;
  readonly #resolver: Resolver;
  readonly #wakeFd: number;
  readonly #drainDeadline: Timer = new Timer(this);
  #stopping = false;

  constructor() {
    const log = createLog(task.logLevel);
    this.#context = new RelayContext(this.#reactor, log, task.settings.idleTimeoutMs, task.settings.keepAliveMs);
    const { nameServers, ipv6First } = task.settings;
    this.#resolver = new Resolver(this.#reactor, { nameServers, ipv6First });
    const parts: ModeParts = {
      context: this.#context,
      resolver: this.#resolver,
      means: {
        derivation: createSubkeyDerivation(),
        random: createRandomSource(),
        clock: new LoggingClock(log, Date.now, () => this.#reactor.nowMs),
        replay: openReplayFilters(task.replay),
      },
    };
    try {
      this.#mode =
        task.mode === 'local'
          ? startLocalMode(task.settings, task.listeners, parts)
          : startServerMode(task.settings, task.listeners, parts);
    } catch (error) {
      this.#releaseShared();
      throw error;
    }
    this.#context.onSessionEnd = () => this.#endIfIdle();
    this.#wakeFd = this.#reactor.createWakeup(
      () => this.#receive(),
      (error) => log.write('error', 'a message failed', { error: String(error) }),
    );
  }

  run(): void {
    scheduleAsBatch();
    tell({ kind: 'ready', wakeFd: this.#wakeFd });
    try {
      this.#reactor.run();
    } finally {
      // Also where the loop itself failed: a port on which nobody accepts any more must not stay open.
      this.#release();
    }
  }

  #receive(): void {
    for (let next = receiveMessageOnPort(port as NonNullable<typeof port>); next !== undefined; ) {
      this.#handle(next.message as ToReactor);
      next = receiveMessageOnPort(port as NonNullable<typeof port>);
    }
  }

  #handle(message: ToReactor): void {
    switch (message.kind) {
      case 'stop':
        this.#stop(message.drainTimeoutMs);
        return;
      case 'statistics':
        tell({ kind: 'statistics', request: message.request, report: this.#report() });
        return;
      default:
        message satisfies never;
    }
  }

  #stop(drainTimeoutMs: number): void {
    if (!this.#stopping) this.#mode.stopListening();
    this.#stopping = true;
    // Told again with a shorter time (a second signal), the shorter one counts.
    if (!(drainTimeoutMs > 0)) this.handleTimeout();
    else this.#reactor.arm(this.#drainDeadline, drainTimeoutMs);
    this.#endIfIdle();
  }

  #endIfIdle(): void {
    if (this.#stopping && this.#context.sessions.size === 0) this.#reactor.stop();
  }

  /** The drain time-out: what still lives is ended. */
  handleTimeout(): void {
    for (const session of this.#context.sessions.all()) session.destroy('ERR_STOPPED');
    this.#reactor.stop();
  }

  handleFailure(): void {
    this.#reactor.stop();
  }

  #report(): Statistics {
    const { statistics } = this.#reactor;
    const { counters } = this.#context;
    return {
      turns: statistics.turns,
      events: statistics.events,
      longestTurnMs: statistics.longestTurnMs,
      connections: counters.connections,
      activeConnections: counters.active,
      bytesUp: counters.bytesUp,
      bytesDown: counters.bytesDown,
      outcomes: Object.fromEntries(counters.outcomes),
      udp: this.#context.packetCounters,
      users: Object.fromEntries(counters.users),
    };
  }

  #release(): void {
    this.#mode.stopListening();
    for (const session of this.#context.sessions.all()) session.destroy('ERR_STOPPED');
    this.#context.endDraining();
    this.#reactor.cancel(this.#drainDeadline);
    // The control plane may be about to signal it, so it is the one that closes it.
    this.#reactor.unregister(this.#wakeFd);
    this.#mode.release();
    this.#releaseShared();
  }

  #releaseShared(): void {
    this.#resolver.close();
    this.#context.release();
    this.#reactor.close();
  }
}

async function start(): Promise<ReactorThread | undefined> {
  try {
    const endpoints = task.mode === 'local' ? task.settings.servers : task.settings.listen;
    const methods = endpoints.map((endpoint): Method => METHODS[endpoint.method]);
    // With ChaCha20 the datagrams of the 2022 edition are XChaCha20's.
    const ciphers = methods.some(({ name }) => name === '2022-blake3-chacha20-poly1305')
      ? [...methods, METHODS['xchacha20-ietf-poly1305']]
      : methods;
    if (ciphers.some((method) => 'cipher' in method && needsLibsodium(method))) await loadLibsodium();
    if (methods.some(({ name }) => name === 'salsa20')) await loadSalsa20();
    return new ReactorThread();
  } catch (error) {
    for (const { tcp, udp } of task.listeners) for (const fd of [tcp, udp]) if (fd >= 0) close(fd);
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

// What ends a loop that runs is no failure to start: it ends the thread, and the control plane logs it.
(await start())?.run();
