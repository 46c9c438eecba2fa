/** Help texts and shell completion, both by yargs from the same tables that the parser reads. */

import type { Argv, Options } from 'yargs';
import yargs from 'yargs';

import type { Command } from './command.js';
import { type Flag, HELP, VERSION } from './flags.js';
import { spellings } from './parse-flags.js';

/** Lines longer than this are hard to read, however wide the terminal is. */
const MAX_WIDTH = 110;

export async function renderHelp(program: string, command: Command): Promise<string> {
  const page = blankPage(program).usage(`${program} [flags]\n\n${command.summary}`).options(optionsOf(command.flags));
  const later = (command.later ?? []).flatMap((flag) => spellings(flag));
  if (later.length > 0) page.epilogue(`Known to shadowsocks-rust and not served yet: ${later.join(' ')}`);
  return `${await page.getHelp()}\n`;
}

export async function renderOverview(commands: Readonly<Record<string, Command>>): Promise<string> {
  const page = blankPage('umbra').usage(
    'umbra COMMAND [flags]\n\nAn encrypted SOCKS5 proxy, compatible with Shadowsocks.',
  );
  for (const [name, command] of Object.entries(commands)) page.command(name, command.summary);
  page.command('completion', 'Print a completion script for bash or zsh.').options(optionsOf([]));
  return `${await page.epilogue('"umbra COMMAND --help" shows the flags of a command.').getHelp()}\n`;
}

/** Prints the script for a shell's start-up file, or the candidates that this script asks for. */
export async function complete(commands: Readonly<Record<string, Command>>, args: readonly string[]): Promise<number> {
  const page = blankPage('umbra').completion('completion', 'Print a completion script for bash or zsh.');
  for (const [name, command] of Object.entries(commands)) {
    page.command(name, command.summary, (below: Argv) => below.options(optionsOf(command.flags, 'long')));
  }
  await page.parseAsync([...args]);
  return 0;
}

function blankPage(program: string): Argv {
  const page = yargs([]).scriptName(program).detectLocale(false).help(false).version(false).exitProcess(false);
  return page.wrap(Math.min(MAX_WIDTH, page.terminalWidth()));
}

function optionsOf(flags: readonly Flag[], spelling: 'all' | 'long' = 'all'): Record<string, Options> {
  return Object.fromEntries([...flags, HELP, VERSION].map((flag) => [flag.name, optionOf(flag, spelling)]));
}

function optionOf(flag: Flag, spelling: 'all' | 'long'): Options {
  const types = { switch: 'boolean', count: 'count', list: 'array', value: 'string' } as const;
  return {
    type: types[flag.kind],
    // Completion would offer a short flag with two dashes.
    alias: [...(flag.short === undefined || spelling === 'long' ? [] : [flag.short]), ...(flag.aliases ?? [])],
    describe: flag.argument === undefined ? flag.describe : `${flag.argument}: ${flag.describe}`,
  };
}
