/** `umbra check`: says whether a configuration is in order and what it would do, without starting anything. */

import { ConfigError } from '../config/config-error.js';
import { findConfigFile, type Mode } from '../config/find-file.js';
import { formatHostPort } from '../config/host-port.js';
import { type Loaded, type LoadRequest, loadLocal, loadServer } from '../config/load.js';
import type { LocalInlet, LocalSettings, ServerSettings, TransportMode } from '../config/types.js';
import type { Command } from './command.js';
import { CHECK_FLAGS } from './flags.js';
import type { FlagValues } from './parse-flags.js';
import { UsageError } from './usage-error.js';

export const checkCommand: Command = {
  summary: 'Check a configuration file and say what it does, without starting anything.',
  flags: CHECK_FLAGS,
  async run(_program, values) {
    if (values.has('schema')) return printSchema();
    const modes = chosenModes(values);
    const path = values.text('config') ?? findConfigFile(modes, process.env, process.cwd());
    if (path === undefined) {
      throw new UsageError('There is no configuration file in any of the usual places: name one with -c FILE.');
    }
    return check(path, modes);
  },
};

interface Outcome {
  readonly mode: Mode;
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
}

/** A file is in order if it serves one of the modes: many are for one alone. */
async function check(path: string, modes: readonly Mode[]): Promise<number> {
  const request: LoadRequest = {
    configPath: path,
    flags: {},
    environment: process.env,
    workingDirectory: process.cwd(),
  };
  const outcomes: Outcome[] = [];
  const problems: string[] = [];
  for (const mode of modes) {
    try {
      outcomes.push(await outcomeOf(mode, request));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (outcomes.length === 0) throw new ConfigError([...new Set(problems)]);
  for (const warning of new Set(outcomes.flatMap(({ warnings }) => warnings))) {
    process.stderr.write(`warning: ${warning}\n`);
  }
  process.stdout.write(`${path} is in order.\n`);
  for (const { mode, lines } of outcomes) {
    process.stdout.write(`As ${mode === 'local' ? 'a client (umbra local)' : 'a server (umbra server)'}:\n`);
    for (const line of lines) process.stdout.write(`  ${line}\n`);
  }
  return 0;
}

async function outcomeOf(mode: Mode, request: LoadRequest): Promise<Outcome> {
  if (mode === 'local') {
    const loaded = await loadLocal(request);
    return { mode, lines: localLines(loaded), warnings: loaded.warnings };
  }
  const loaded = await loadServer(request);
  return { mode, lines: serverLines(loaded), warnings: loaded.warnings };
}

function localLines({ settings }: Loaded<LocalSettings>): string[] {
  const inlets = settings.inlets.map((inlet) => {
    const users = inlet.users.length > 0 ? `, ${inlet.users.length} users` : '';
    return `${spoken(inlet)} on ${formatHostPort(inlet)}${transport(inlet.mode)}${users}`;
  });
  const servers = settings.servers.map((server) => `through ${formatHostPort(server)} (${server.method})`);
  return [...inlets, ...servers];
}

function spoken({ kind, forward }: LocalInlet): string {
  if (kind === 'tunnel') return `a tunnel to ${forward === undefined ? 'nowhere' : formatHostPort(forward)}`;
  if (kind === 'socks') return 'SOCKS';
  return kind === 'http' ? 'HTTP' : 'SOCKS and HTTP';
}

/** Nothing of TCP alone, which is what everybody expects. */
function transport(mode: TransportMode | undefined): string {
  if (mode === 'udp_only') return ', UDP alone';
  return mode === 'tcp_and_udp' ? ', TCP and UDP' : '';
}

function serverLines({ settings }: Loaded<ServerSettings>): string[] {
  const listen = settings.listen.map(({ mode, users = [], destinations = [], ...server }) => {
    const hop = destinations.length > 0 ? `, a hop to ${destinations.map(({ name }) => name).join(', ')}` : '';
    const count = users.length > 0 ? `, ${users.length} users` : hop;
    return `listens on ${formatHostPort(server)} (${server.method})${transport(mode)}${count}`;
  });
  const egress = settings.egressAllow.length > 0 ? settings.egressAllow.join(', ') : 'none';
  return [...listen, `loopback, private and link-local blocks that may be reached: ${egress}`];
}

function chosenModes(values: FlagValues): readonly Mode[] {
  const mode = values.text('as');
  if (mode === undefined) return ['local', 'server'];
  if (mode === 'local' || mode === 'server') return [mode];
  throw new UsageError(`--as must be local or server, not "${mode}".`);
}

async function printSchema(): Promise<number> {
  const { configJsonSchema } = await import('../config/json-schema.js');
  process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  return 0;
}
