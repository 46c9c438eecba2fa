/** Starts reactor threads, passes messages, gathers logs and counters, and brings everything to an end. */

import { Worker } from 'node:worker_threads';
import { eventfdSignal } from '../../native-bindings/epoll.js';
import { raiseOpenFileLimit } from '../../native-bindings/limits.js';
import { close } from '../../native-bindings/socket.js';
import {
  DEFAULTS,
  type HostPort,
  type LocalInlet,
  type LocalSettings,
  type LogLevel,
  type ServerSettings,
  type ShadowsocksEndpoint,
} from '../config/types.js';
import type { LogFields } from '../relay/context.js';
import { allocateReplayMemory } from '../shadowsocks/replay.js';
import { type ListenAddress, openListeners } from './listen.js';
import type { FromReactor, ReactorTask, Statistics, ToReactor } from './messages.js';
import { StartError } from './start-error.js';

export type ModeSettings =
  | { readonly mode: 'local'; readonly settings: LocalSettings }
  | { readonly mode: 'server'; readonly settings: ServerSettings };

export type LogSink = (level: Exclude<LogLevel, 'silent'>, message: string, fields: LogFields) => void;

/**
 * New objects of a reactor die young, a few kilobytes a connection. By default V8 lets 48 MiB of them gather before it looks, and takes resident
 * memory for that in a step of 16 MiB or more; that much is also walked over again and again, through all caches. In one alternating run on
 * a busy machine the bound took CPU time of a connection from 366 to 341 µs, and of a ping-pong from 58 to 53.
 */
const YOUNG_GENERATION_MIB = 4;

/** The threads of all supervisors. */
const running = new Set<ReactorHandle>();

/**
 * Node waits for its threads when the process exits, for whatever reason; one that blocks in epoll_wait must be told, or it waits for ever.
 */
function stopRunning(): void {
  for (const handle of running) handle.stop(0);
}

/** One reactor thread, seen from the control plane. */
class ReactorHandle {
  readonly ready: Promise<void>;
  /** Resolves when the thread has gone, for whatever reason. */
  readonly gone: Promise<void>;
  readonly #worker: Worker;
  readonly #reports = new Map<number, (report: Statistics | undefined) => void>();
  #wakeFd = -1;
  #requests = 0;
  #ended = false;

  constructor(task: ReactorTask, onLog: LogSink) {
    // Without the program's own flags: `--input-type`, for one, is an error for a thread.
    const options = {
      workerData: task,
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
    };
    this.#worker = new Worker(new URL('./reactor-thread.js', import.meta.url), options);
    if (running.size === 0) process.on('exit', stopRunning);
    running.add(this);
    let resolveReady: () => void = () => {};
    let rejectReady: (error: Error) => void = () => {};
    this.ready = new Promise((resolve, reject) => {
      resolveReady = resolve;
      rejectReady = reject;
    });
    this.#worker.on('message', (message: FromReactor) => {
      switch (message.kind) {
        case 'ready':
          this.#wakeFd = message.wakeFd;
          resolveReady();
          return;
        case 'failed':
          // Before it was ready this is the start's failure; afterwards it is a thread's death.
          if (this.#wakeFd < 0) rejectReady(new StartError(message.message));
          else onLog('error', 'a reactor thread died', { worker: task.worker, error: message.message });
          return;
        case 'log':
          onLog(message.level, message.message, { worker: task.worker, ...message.fields });
          return;
        case 'statistics':
          this.#reports.get(message.request)?.(message.report);
          this.#reports.delete(message.request);
          return;
        default:
          message satisfies never;
      }
    });
    this.#worker.on('error', (error) => {
      rejectReady(error);
      onLog('error', 'a reactor thread died', { worker: task.worker, error: error.stack ?? error.message });
    });
    this.gone = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#ended = true;
        running.delete(this);
        if (running.size === 0) process.off('exit', stopRunning);
        if (this.#wakeFd >= 0) close(this.#wakeFd);
        rejectReady(new StartError('a reactor thread ended before it was ready'));
        for (const answer of this.#reports.values()) answer(undefined);
        this.#reports.clear();
        resolve();
      });
    });
  }

  #send(message: ToReactor): void {
    if (this.#ended || this.#wakeFd < 0) return;
    this.#worker.postMessage(message);
    eventfdSignal(this.#wakeFd);
  }

  stop(drainTimeoutMs: number): void {
    this.#send({ kind: 'stop', drainTimeoutMs });
  }

  /** Undefined where the thread has gone. */
  report(): Promise<Statistics | undefined> {
    if (this.#ended) return Promise.resolve(undefined);
    const request = this.#requests++;
    return new Promise((resolve) => {
      this.#reports.set(request, resolve);
      this.#send({ kind: 'statistics', request });
    });
  }
}

function serverPorts(endpoint: ShadowsocksEndpoint): ListenAddress {
  const { host, port, mode = DEFAULTS.mode } = endpoint;
  return { host, port, tcp: mode !== 'udp_only', udp: mode !== 'tcp_only' };
}

/** A SOCKS5 program asks for UDP over TCP, and is given a port of its own; a tunnel's UDP has the port of its TCP. */
function inletPorts({ host, port, kind, mode = DEFAULTS.mode }: LocalInlet): ListenAddress {
  const isTunnel = kind === 'tunnel';
  return { host, port, tcp: !isTunnel || mode !== 'udp_only', udp: isTunnel && mode !== 'tcp_only' };
}

export class Supervisor {
  readonly addresses: readonly HostPort[];
  readonly #handles: readonly ReactorHandle[];
  readonly #drainTimeoutMs: number;

  private constructor(handles: readonly ReactorHandle[], addresses: readonly HostPort[], drainTimeoutMs: number) {
    this.#handles = handles;
    this.addresses = addresses;
    this.#drainTimeoutMs = drainTimeoutMs;
  }

  /**
   * Listens, then starts the threads.
   * @throws StartError
   */
  static async start(what: ModeSettings, logLevel: LogLevel, onLog: LogSink): Promise<Supervisor> {
    const { settings } = what;
    raiseOpenFileLimit();
    const { byWorker, bound } = openListeners(
      what.mode === 'local' ? what.settings.inlets.map(inletPorts) : what.settings.listen.map(serverPorts),
      settings.workers,
      // A server's clients have a request to make. What programs send to a client, and whether they wait for an answer, is open.
      { ...settings, delayAcks: what.mode === 'server' },
    );
    const replay = allocateReplayMemory(what.mode);
    const handles = byWorker.map((listeners, worker) => {
      const task = { worker, listeners, logLevel, replay };
      return new ReactorHandle(
        what.mode === 'local'
          ? { ...task, mode: 'local', settings: what.settings }
          : { ...task, mode: 'server', settings: what.settings },
        onLog,
      );
    });
    const started = await Promise.allSettled(handles.map((handle) => handle.ready));
    const failure = started.find((result) => result.status === 'rejected');
    const supervisor = new Supervisor(handles, bound, settings.drainTimeoutMs);
    if (failure !== undefined) {
      await supervisor.stop(0);
      throw failure.reason;
    }
    return supervisor;
  }

  /** Resolves once every thread has gone. May be called again with a shorter time. */
  async stop(drainTimeoutMs = this.#drainTimeoutMs): Promise<void> {
    for (const handle of this.#handles) handle.stop(drainTimeoutMs);
    await Promise.all(this.#handles.map((handle) => handle.gone));
  }

  /** Resolves when all threads have gone, asked to or not. */
  async ended(): Promise<void> {
    await Promise.all(this.#handles.map((handle) => handle.gone));
  }

  async reports(): Promise<readonly Statistics[]> {
    const reports = await Promise.all(this.#handles.map((handle) => handle.report()));
    return reports.filter((report) => report !== undefined);
  }
}
