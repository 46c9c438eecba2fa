/**
 * The frame around every program: an expected failure is one sentence and exit code 1, a bug is a stack and 70 (EX_SOFTWARE of
 * sysexits.h), and the process ends when its command does.
 */

import { UnsupportedPlatformError } from '../../native-bindings/unsupported-platform.js';
import { ConfigError } from '../config/config-error.js';
import { StartError } from '../control/start-error.js';
import { UsageError } from './usage-error.js';

/** What is not a bug: their messages are sentences for the user. */
const EXPECTED = [UsageError, ConfigError, StartError, UnsupportedPlatformError];
const EXIT_EXPECTED = 1;
const EXIT_BUG = 70;

/**
 * Runs `command` with the arguments of this process and exits with the code that it returns.
 *
 * @param program the name in front of error sentences
 */
export async function main(program: string, command: (args: readonly string[]) => Promise<number>): Promise<never> {
  // Holds where the event loop runs dry before the command is done, which is a bug.
  process.exitCode = EXIT_BUG;
  process.on('uncaughtException', (error) => process.exit(report(program, error)));
  // A reader of the log that goes away (`umbra local 2>&1 | head`) is no reason to end.
  process.stderr.on('error', () => {});
  process.stdout.on('error', () => {});
  try {
    process.exit(await command(process.argv.slice(2)));
  } catch (error) {
    process.exit(report(program, error));
  }
}

function report(program: string, error: unknown): number {
  if (EXPECTED.some((kind) => error instanceof kind)) {
    for (const line of (error as Error).message.split('\n')) process.stderr.write(`${program}: ${line}\n`);
    return EXIT_EXPECTED;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${program}: this is a bug in umbra, please report it:\n${stack}\n`);
  return EXIT_BUG;
}
