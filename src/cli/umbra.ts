/** `umbra`: picks the command by its name; only that command's file is loaded. */

import { nearest } from '../config/nearest.js';
import { type Command, printVersion, runCommand } from './command.js';
import { HELP, VERSION } from './flags.js';
import { main } from './main.js';
import { spellings } from './parse-flags.js';
import { UsageError } from './usage-error.js';

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  local: async () => (await import('./local.js')).localCommand,
  server: async () => (await import('./server.js')).serverCommand,
  quickstart: async () => (await import('./quickstart.js')).quickstartCommand,
  check: async () => (await import('./check.js')).checkCommand,
  url: async () => (await import('./url.js')).urlCommand,
  genkey: async () => (await import('./genkey.js')).genkeyCommand,
};

await main('umbra', async ([name, ...args]) => {
  if (name !== undefined && Object.hasOwn(COMMANDS, name)) {
    return runCommand(`umbra ${name}`, await COMMANDS[name](), args);
  }
  if (name !== undefined && spellings(VERSION).includes(name)) return printVersion();
  if (name === 'completion' || name === '--get-yargs-completions') {
    const { complete } = await import('./help.js');
    return complete(await loadAll(), [name, ...args]);
  }
  if (name === undefined || name === 'help' || spellings(HELP).includes(name)) {
    const { renderOverview } = await import('./help.js');
    const overview = await renderOverview(await loadAll());
    (name === undefined ? process.stderr : process.stdout).write(overview);
    return name === undefined ? 1 : 0;
  }
  const guess = nearest(name, Object.keys(COMMANDS));
  const instead = guess === undefined ? Object.keys(COMMANDS).join(', ') : `${guess}, perhaps`;
  throw new UsageError(`"${name}" is no command of umbra: try ${instead}.`);
});

async function loadAll(): Promise<Record<string, Command>> {
  const loaded = await Promise.all(Object.entries(COMMANDS).map(async ([name, load]) => [name, await load()] as const));
  return Object.fromEntries(loaded);
}
