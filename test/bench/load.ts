/** The load generator as the bench sees it: builds `load.c` and runs its clients; what they do is told at the head of that file. */

import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Above the deadline that the clients set themselves, which gives the better message. */
const CLIENT_TIMEOUT_MS = 150_000;

export interface OriginPorts {
  readonly source: number;
  readonly sink: number;
  readonly echo: number;
}

export interface ClientResult {
  /** The measured span. */
  readonly seconds: number;
  /** CPU time of the proxies' processes in that span. */
  readonly cpuSeconds: number;
  readonly bytes?: number;
  readonly count?: number;
  readonly p50Us?: number;
  readonly p99Us?: number;
}

export interface ClientCall {
  readonly mode: 'down' | 'up' | 'connect' | 'pingpong';
  readonly proxyPort: number;
  readonly targetPort: number;
  /** Connections at a time. */
  readonly flows: number;
  /** Bytes (down, up), connections (connect) or milliseconds (pingpong). */
  readonly amount: number;
  readonly pids: readonly number[];
}

export class Load {
  readonly ports: OriginPorts;
  readonly #binary: string;
  readonly #origin: ChildProcess;

  private constructor(binary: string, origin: ChildProcess, ports: OriginPorts) {
    this.#binary = binary;
    this.#origin = origin;
    this.ports = ports;
  }

  /** Compiles the program where its source is newer, and starts the origin. */
  static async start(root: string): Promise<Load> {
    const binary = buildProgram(root, 'load');
    const origin = spawn(binary, ['origin'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ports: OriginPorts = JSON.parse(await firstLine(origin));
    return new Load(binary, origin, ports);
  }

  async client(call: ClientCall): Promise<ClientResult> {
    const numbers = [call.proxyPort, call.targetPort, call.flows, call.amount].map(String);
    const { stdout } = await run(this.#binary, [call.mode, ...numbers, call.pids.join(',')], {
      timeout: CLIENT_TIMEOUT_MS,
    });
    return JSON.parse(stdout);
  }

  /** Opens `count` relays, calls `whileHeld` while nothing moves on them, then checks that each is still alive. */
  async holdIdle(proxyPort: number, count: number, whileHeld: () => void | Promise<void>): Promise<void> {
    const args = ['idle', String(proxyPort), String(this.ports.echo), String(count), '0', '-'];
    const child = spawn(this.#binary, args, { stdio: ['pipe', 'pipe', 'inherit'], timeout: CLIENT_TIMEOUT_MS });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    if ((await firstLine(child)) !== 'ready') throw new Error('the idle client did not get ready');
    await whileHeld();
    child.stdin?.end();
    if ((await ended) !== 0) throw new Error('idle relays did not survive');
  }

  /** Milliseconds from spawning `command` until `port` takes a connection; the program is ended again. */
  async timeToListening(port: number, command: readonly string[]): Promise<number> {
    const { stdout } = await run(this.#binary, ['start', String(port), ...command], { timeout: CLIENT_TIMEOUT_MS });
    const result: { millis: number } = JSON.parse(stdout);
    return result.millis;
  }

  stop(): void {
    this.#origin.stdin?.end();
  }
}

/** Compiles a program where its source, or the header beside it, is newer. @returns its path */
export function buildProgram(root: string, name: string): string {
  const folder = join(root, '.cache/bench');
  const binary = join(folder, name);
  const source = join(root, 'test/bench', `${name}.c`);
  const sources = [source, join(root, 'test/bench/common.h')];
  if (existsSync(binary) && sources.every((each) => statSync(binary).mtimeMs > statSync(each).mtimeMs)) return binary;
  mkdirSync(folder, { recursive: true });
  const compiled = spawnSync('cc', ['-O2', '-Wall', '-Wextra', '-o', binary, source], { encoding: 'utf8' });
  if (compiled.error !== undefined) throw new Error('The benchmark needs a C compiler: install gcc (or another `cc`).');
  if (compiled.status !== 0) throw new Error(`${name}.c does not compile:\n${compiled.stderr}`);
  return binary;
}

export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) throw new Error('no stdout');
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the load generator ended with ${code}`)));
  });
}
