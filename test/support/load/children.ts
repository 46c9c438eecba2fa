/** The processes of a load test, from the test's side. */

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Statistics } from '../../../src/umbra.js';
import { endpoint } from '../proxy-pair.js';
import type { LoadCommand, LoadResult } from './client.js';
import type { Origin } from './origin.js';
import type { ProxyCommand, ProxyStarted, ProxyTask } from './proxy.js';

/** The kernel's ticks of processor time (USER_HZ), the same on every Linux that Node runs on. */
const TICKS_A_SECOND = 100;
const LONGEST_ANSWER_MS = 90_000;
/** Longest that a test waits for what comes by itself. */
const PATIENCE_MS = 20_000;
const MIB = 1024 * 1024;

function path(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url));
}

/** What the kernel says of a process. */
class Process {
  readonly pid: number;
  protected readonly child: ChildProcess;

  constructor(child: ChildProcess) {
    if (child.pid === undefined) throw new Error('the child did not start');
    this.child = child;
    this.pid = child.pid;
  }

  get rssMiB(): number {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'));
    return Number(match?.[1]) / 1024;
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Waits until it has no more of them. */
  async descriptorsAtMost(wanted: number): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    for (let now = this.descriptors; now > wanted; now = this.descriptors) {
      if (performance.now() > deadlineMs) throw new Error(`${now} descriptors are left, ${wanted} were wanted`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  get cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    // utime and stime, the 14th and 15th field; the second is the name in parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}

/** A child that answers each message by one. */
class Answering extends Process {
  protected async ask(message: unknown): Promise<unknown> {
    const cancelled = new AbortController();
    const timer = setTimeout(() => cancelled.abort(), LONGEST_ANSWER_MS);
    const answered = once(this.child, 'message', { signal: cancelled.signal });
    const died = once(this.child, 'exit', { signal: cancelled.signal }).then(() => {
      throw new Error('the child died');
    });
    this.child.send(message as object);
    try {
      const [answer] = (await Promise.race([answered, died])) as [unknown];
      if (typeof answer === 'object' && answer !== null && 'error' in answer) throw new Error(String(answer.error));
      return answer;
    } finally {
      clearTimeout(timer);
      cancelled.abort();
      await Promise.allSettled([answered, died]);
    }
  }
}

export class LoadClient extends Answering {
  async tell(command: LoadCommand): Promise<LoadResult> {
    return (await this.ask(command)) as LoadResult;
  }
}

export class ProxyChild extends Answering {
  ports: readonly number[] = [];

  async start(task: ProxyTask): Promise<void> {
    const command: ProxyCommand = { kind: 'start', task };
    this.ports = ((await this.ask(command)) as ProxyStarted).ports;
  }

  async statistics(): Promise<Statistics & { readonly messages: readonly string[] }> {
    return (await this.ask({ kind: 'statistics' } satisfies ProxyCommand)) as Statistics & {
      readonly messages: readonly string[];
    };
  }

  /** Waits until so many sessions are left. */
  async settled(sessions = 0): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const { activeConnections } = await this.statistics();
      if (activeConnections === sessions) return;
      if (performance.now() > deadlineMs) throw new Error(`${activeConnections} sessions are left`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** All processes of one test; they end with it. */
export class Children {
  readonly #all: Process[] = [];

  #environment(): NodeJS.ProcessEnv {
    // Checked memory keeps released pages, which is not what is measured here.
    return { ...process.env, UMBRA_DEBUG: '0', NODE_V8_COVERAGE: '' };
  }

  /** @param bytesToSend by the source port, to each connection */
  async origin(bytesToSend = 0): Promise<Origin> {
    const child = spawn(process.execPath, [path('origin'), String(bytesToSend)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: this.#environment(),
    });
    this.#all.push(new Process(child));
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    return JSON.parse(line) as Origin;
  }

  async client(): Promise<LoadClient> {
    const client = new LoadClient(await this.#fork('client', undefined));
    this.#all.push(client);
    return client;
  }

  /** @param openFiles a limit below the one that this process has */
  async proxy(task: ProxyTask, openFiles?: number): Promise<ProxyChild> {
    const proxy = new ProxyChild(await this.#fork('proxy', openFiles));
    this.#all.push(proxy);
    await proxy.start(task);
    return proxy;
  }

  async server(openFiles?: number): Promise<ProxyChild> {
    const listen = [endpoint(0, 'aes-256-gcm')];
    return this.proxy({ mode: 'server', settings: { listen, workers: 1, egressAllow: ['127.0.0.0/8'] } }, openFiles);
  }

  /** A client of that server. */
  async local(server: ProxyChild, openFiles?: number): Promise<ProxyChild> {
    const servers = server.ports.map((port) => endpoint(port, 'aes-256-gcm'));
    const inlets = [{ host: '127.0.0.1', port: 0, users: [] }];
    return this.proxy({ mode: 'local', settings: { servers, inlets } }, openFiles);
  }

  async #fork(name: string, openFiles: number | undefined): Promise<ChildProcess> {
    const env = this.#environment();
    const child =
      openFiles === undefined
        ? fork(path(name), { env, execArgv: [] })
        : spawn('/bin/sh', ['-c', `ulimit -n ${openFiles}; exec "$0" "$1"`, process.execPath, path(name)], {
            stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
            env,
          });
    await once(child, 'message');
    return child;
  }

  async killAll(): Promise<void> {
    for (const child of this.#all.splice(0).reverse()) await child.kill();
  }
}

export function mebibytes(bytes: number): number {
  return bytes / MIB;
}
