/** Runs one of the programs in bin/ to its end and collects what it said, as a shell would see it. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = new URL('../../../bin/', import.meta.url);

/** A program that should have ended by itself long before is killed, and the test fails on its exit code. */
const PATIENCE_MS = 15_000;

export type Program = 'umbra' | 'sslocal' | 'ssserver' | 'ssurl';

export interface CliResult {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  /** In place of the environment; PATH is kept. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Standard input; none by default. */
  readonly input?: string;
}

/** The start of an argv that runs a program of bin/. */
export function programCommand(program: Program): [string, string] {
  return [process.execPath, fileURLToPath(new URL(`${program}.js`, BIN))];
}

export function runCli(program: Program, args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const [node, script] = programCommand(program);
  return new Promise((resolve, reject) => {
    const child = spawn(node, [script, ...args], {
      cwd: options.cwd ?? process.cwd(),
      env: { PATH: process.env['PATH'] ?? '', ...options.environment },
      stdio: 'pipe',
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
