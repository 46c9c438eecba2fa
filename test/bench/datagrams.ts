/** The load of the UDP measures as the bench sees it: builds `datagrams.c`, runs its echo and its client; see the head of that file. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { buildProgram, firstLine } from './load.js';

const run = promisify(execFile);
/** Above the deadline that the client sets itself, which gives the better message. */
const CLIENT_TIMEOUT_MS = 90_000;

export interface WindowResult {
  /** The measured span. */
  readonly seconds: number;
  /** CPU time of the proxies' processes in that span. */
  readonly cpuSeconds: number;
  /** Answers that came. */
  readonly count: number;
  readonly lost: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

export class Datagrams {
  readonly #binary: string;
  readonly #echo: ChildProcess;
  readonly #port: number;

  private constructor(binary: string, echo: ChildProcess, port: number) {
    this.#binary = binary;
    this.#echo = echo;
    this.#port = port;
  }

  static async start(root: string): Promise<Datagrams> {
    const binary = buildProgram(root, 'datagrams');
    const echo = spawn(binary, ['echo'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const { echo: port }: { echo: number } = JSON.parse(await firstLine(echo));
    return new Datagrams(binary, echo, port);
  }

  /** Keeps `size` datagrams under way through a proxy. */
  async window(proxyPort: number, size: number, millis: number, pids: readonly number[]): Promise<WindowResult> {
    const numbers = [proxyPort, this.#port, size, millis].map(String);
    const { stdout } = await run(this.#binary, ['window', ...numbers, pids.join(',')], { timeout: CLIENT_TIMEOUT_MS });
    return JSON.parse(stdout);
  }

  stop(): void {
    this.#echo.stdin?.end();
  }
}
