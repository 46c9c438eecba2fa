/** What `umbra local` and `umbra server` have in common: settings, log, start, and an orderly end on a signal. */

import { MissingPasswordError } from '../config/config-error.js';
import type { Loaded, LoadRequest } from '../config/load.js';
import { PASSWORD_VARIABLES } from '../config/resolve-credentials.js';
import type { FlagSettings } from '../config/sources.js';
import type { CommonSettings } from '../config/types.js';
import type { Running, RunOptions } from '../umbra.js';
import { flagSettings } from './flag-settings.js';
import { dataPlaneLevel, Log } from './log.js';
import type { FlagValues } from './parse-flags.js';
import { EndingSignals } from './signals.js';

export interface Proxy<Settings extends CommonSettings> {
  readonly program: string;
  load(request: LoadRequest): Promise<Loaded<Settings>>;
  start(settings: Settings, options: RunOptions): Promise<Running>;
  /** Logs one line for every address that is listened on. */
  announce(log: Log, settings: Settings, running: Running): void;
}

/** Runs until a signal asks for the end. @returns the exit code */
export async function runProxy<Settings extends CommonSettings>(
  proxy: Proxy<Settings>,
  values: FlagValues,
): Promise<number> {
  // Besides naming the process, this takes a password on the command line out of the sight of other users' `ps`.
  process.title = proxy.program;
  const signals = new EndingSignals();
  const { settings, ...loaded } = await loadAsking(proxy, values);
  const { verbosity, logWithoutTime: withoutTime } = loaded;
  const log = new Log({ verbosity, json: values.has('log-json'), withoutTime });
  for (const warning of loaded.warnings) log.warn(warning);
  if (loaded.file !== undefined && verbosity > 0) log.info(`configuration from ${loaded.file}`);
  const starting = proxy.start(settings, { logLevel: dataPlaneLevel(verbosity), onLog: log.write });
  // The reactor threads start while this thread loads the logger; a failure is met at the `await` below.
  starting.catch(() => {});
  await log.open();
  const running = await starting;
  proxy.announce(log, settings, running);
  const received = await Promise.race([signals.first, running.ended]);
  if (received === undefined) {
    throw new Error('all reactor threads have died; the lines above say of what');
  }
  log.info(`${received}: no new connections; those that are open have ${settings.drainTimeoutMs / 1000} s to finish`);
  return signals.stop((drainTimeoutMs) => running.stop(drainTimeoutMs), settings.drainTimeoutMs);
}

/** Loads the settings; a person at a terminal is asked for a password where that is all that is missing. */
async function loadAsking<Settings extends CommonSettings>(
  proxy: Proxy<Settings>,
  values: FlagValues,
): Promise<Loaded<Settings>> {
  const flags = flagSettings(values);
  const request: LoadRequest = {
    configPath: values.text('config'),
    flags: await withSecrets(flags),
    environment: process.env,
    workingDirectory: process.cwd(),
  };
  try {
    return await proxy.load(request);
  } catch (error) {
    if (!(error instanceof MissingPasswordError) || !process.stdin.isTTY) throw error;
    // It stands in where none is written, as the variable does, and takes the place of no other.
    const environment = { ...process.env, [PASSWORD_VARIABLES[0]]: await askPassword() };
    return proxy.load({ ...request, environment });
  }
}

/** A secret that is "-" is asked for, or read from standard input. */
async function withSecrets(flags: FlagSettings): Promise<FlagSettings> {
  if (flags.serverUrl === '-') return { ...flags, serverUrl: await askPassword('Link: ') };
  return flags.password === '-' ? { ...flags, password: await askPassword() } : flags;
}

async function askPassword(prompt?: string): Promise<string> {
  const { readPassword } = await import('./prompt.js');
  return readPassword(prompt);
}
