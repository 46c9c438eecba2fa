/**
 * The way in: finds and reads a configuration file, puts flags over it, and makes the settings of a client or a server. The reading
 * of files (zod, jsonc-parser) is imported only where there is one, since it costs more time than the rest of a start.
 */

import { availableParallelism } from 'node:os';

import { parseCidr } from '../net/cidr.js';
import { Findings } from './config-error.js';
import type { FileConfig } from './file-shape.js';
import { type Environment, findConfigFile, type Mode, readTextFile } from './find-file.js';
import { milliseconds, resolveCommon } from './resolve-common.js';
import { resolveInlets } from './resolve-inlets.js';
import { resolveServers } from './resolve-servers.js';
import { type ConfigSources, environmentName, type FlagSettings, mergedConfig, nameOf } from './sources.js';
import { DEFAULTS, type LocalSettings, type ServerSettings } from './types.js';

export interface LoadRequest {
  /** A file that was asked for by name. */
  readonly configPath?: string | undefined;
  readonly flags: FlagSettings;
  readonly environment: Environment;
  readonly workingDirectory: string;
}

export interface Loaded<Settings> {
  readonly settings: Settings;
  /** How many `-v` the file and the flags amount to. */
  readonly verbosity: number;
  readonly logWithoutTime: boolean;
  /** Sentences, each with its place in the file. */
  readonly warnings: readonly string[];
  /** The file that was read. */
  readonly file?: string;
}

/** @throws ConfigError naming every problem; MissingPasswordError where a password is all that is missing */
export async function loadLocal(request: LoadRequest): Promise<Loaded<LocalSettings>> {
  const { sources, findings } = await readSources('local', request);
  const common = resolveCommon(sources, 1, findings);
  const inlets = await resolveInlets(sources, findings);
  const servers = resolveServers('local', sources, findings);
  return loaded({ ...common, inlets, servers }, sources, findings);
}

/** @throws ConfigError naming every problem; MissingPasswordError where a password is all that is missing */
export async function loadServer(request: LoadRequest): Promise<Loaded<ServerSettings>> {
  const { sources, findings } = await readSources('server', request);
  const config = mergedConfig(sources);
  const common = resolveCommon(sources, availableParallelism(), findings);
  const listen = resolveServers('server', sources, findings);
  const egressAllow = resolveEgressAllow(sources, config.egress_allow ?? [], findings);
  const probeTimeoutMs = milliseconds(config.probe_timeout) ?? DEFAULTS.probeTimeoutMs;
  return loaded({ ...common, listen, egressAllow, probeTimeoutMs }, sources, findings);
}

function loaded<Settings>(settings: Settings, sources: ConfigSources, findings: Findings): Loaded<Settings> {
  findings.throwIfAny();
  const { file, flags } = sources;
  const log = file?.parsed.config.log;
  return {
    settings,
    verbosity: flags.verbosity || (log?.level ?? 0),
    logWithoutTime: flags.withoutTime === true || log?.format?.without_time === true,
    warnings: findings.warnings,
    ...(file === undefined ? {} : { file: file.path }),
  };
}

async function readSources(mode: Mode, request: LoadRequest): Promise<{ sources: ConfigSources; findings: Findings }> {
  const { flags, environment, workingDirectory } = request;
  const findings = new Findings();
  // Who says on the command line what to connect to wants no file that happens to lie about.
  const saysWhat = [
    flags.server,
    flags.serverUrl,
    flags.local,
    flags.forward,
    flags.password,
    flags.key,
    flags.method,
  ].some((flag) => flag !== undefined);
  const path = request.configPath ?? (saysWhat ? undefined : findConfigFile([mode], environment, workingDirectory));
  if (path === undefined) return { sources: { flags, environment }, findings };
  const { text, readableByOthers } = readTextFile(path);
  const { parseFile } = await import('./parse-file.js');
  const parsed = parseFile(path, text);
  for (const warning of parsed.warnings) findings.warn(warning);
  if (readableByOthers && hasSecret(parsed.config)) {
    findings.warn(`${path}: other users of this machine can read the password in this file: run "chmod 600 ${path}".`);
  }
  return { sources: { file: { path, parsed }, flags, environment }, findings };
}

function hasSecret(config: FileConfig): boolean {
  const holders = [config, ...(config.servers ?? []), ...(config.shadowsocks ?? [])];
  const ofOthers = holders.flatMap(({ users = [], destinations = [] }) => [...users, ...destinations]);
  const passwords = [
    ...[...holders, ...ofOthers].map(({ password }) => password),
    ...Object.values(config.port_password ?? {}),
  ];
  const isLiteral = (text: string | undefined): boolean => text !== undefined && environmentName(text) === undefined;
  return passwords.some(isLiteral) || holders.some(({ key }) => key !== undefined);
}

function resolveEgressAllow(sources: ConfigSources, blocks: readonly string[], findings: Findings): readonly string[] {
  blocks.forEach((block, at) => {
    try {
      parseCidr(block);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const place = sources.flags.values?.egress_allow === undefined ? ['egress_allow', at] : ['egress_allow'];
      findings.problem(`${nameOf(sources, place)}: ${error.message}.`);
    }
  });
  return blocks;
}
