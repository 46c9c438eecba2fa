/** What a command is, and what every one of them does before its own work: help, version, flags. */

import { readFileSync } from 'node:fs';

import { type Flag, HELP, type LaterFlag, VERSION } from './flags.js';
import { asksFor, type FlagValues, parseFlags } from './parse-flags.js';

export interface Command {
  /** One sentence for the help. */
  readonly summary: string;
  readonly flags: readonly Flag[];
  readonly later?: readonly LaterFlag[];
  /** @returns the exit code */
  run(program: string, values: FlagValues): Promise<number>;
}

/** @param program the words that call it, such as `umbra local` */
export async function runCommand(program: string, command: Command, args: readonly string[]): Promise<number> {
  if (asksFor(HELP, args)) {
    const { renderHelp } = await import('./help.js');
    process.stdout.write(await renderHelp(program, command));
    return 0;
  }
  if (asksFor(VERSION, args)) return printVersion();
  return command.run(program, parseFlags(args, command.flags, command.later));
}

export function printVersion(): number {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : '';
  process.stdout.write(`umbra ${version}\n`);
  return 0;
}
