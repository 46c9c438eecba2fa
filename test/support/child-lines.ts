/** A Node program as a child process whose output is awaited line by line, with a bound in time. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const PATIENCE_MS = 10_000;

export class ChildLines {
  readonly process: ChildProcess;
  /** Everything that it has printed, standard error included. */
  readonly lines: string[] = [];
  readonly #exit: Promise<unknown>;
  #read = 0;
  #wake: () => void = () => undefined;

  /** @param command argv; `process.execPath` for Node */
  constructor(command: readonly [string, ...string[]], environment: NodeJS.ProcessEnv = process.env) {
    const [file, ...parameters] = command;
    this.process = spawn(file, parameters, { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
    this.#exit = once(this.process, 'close');
    for (const stream of [this.process.stdout, this.process.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#add(line));
    }
  }

  #add(line: string): void {
    this.lines.push(line);
    this.#wake();
  }

  get pid(): number {
    const { pid } = this.process;
    if (pid === undefined) throw new Error('the child did not start');
    return pid;
  }

  /** The next line, after those that earlier calls went past, that matches. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      while (this.#read < this.lines.length) {
        const match = pattern.exec(this.lines[this.#read++] ?? '');
        if (match !== null) return match;
      }
      await this.#nextLine(pattern, deadline);
    }
  }

  async #nextLine(pattern: RegExp, deadline: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const arrived = new Promise<void>((resolve, reject) => {
      this.#wake = resolve;
      timer = setTimeout(() => {
        reject(new Error(`no line like ${pattern} came; the last were:\n${this.lines.slice(-10).join('\n')}`));
      }, deadline - Date.now());
    });
    await arrived.finally(() => clearTimeout(timer));
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }

  /** @returns the exit code, or the signal that ended it; a child that does not end is killed and that is an error */
  async exit(): Promise<number | string> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.process.kill('SIGKILL');
    }, PATIENCE_MS);
    await this.#exit;
    clearTimeout(timer);
    if (late) throw new Error(`the child did not end in ${PATIENCE_MS} ms`);
    return this.process.exitCode ?? this.process.signalCode ?? 'unknown';
  }

  /** For the end of a test: gone, whatever state it was in. */
  async kill(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGKILL');
    await this.#exit;
  }
}
