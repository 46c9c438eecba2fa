/** The settings that client and server share. */

import type { Findings } from './config-error.js';
import type { FileConfig } from './file-shape.js';
import { parseNameServers, SERVED_NAME_SERVERS } from './name-servers.js';
import { enabledEntries } from './resolve-servers.js';
import { type ConfigSources, mergedConfig, nameOf } from './sources.js';
import { type CommonSettings, DEFAULTS } from './types.js';

/** @param defaultWorkers reactor threads where nobody says how many */
export function resolveCommon(sources: ConfigSources, defaultWorkers: number, findings: Findings): CommonSettings {
  const config = mergedConfig(sources);
  return {
    workers: config.runtime?.worker_count ?? config.workers ?? defaultWorkers,
    noDelay: config.no_delay ?? DEFAULTS.noDelay,
    keepAliveMs: milliseconds(config.keep_alive) ?? DEFAULTS.keepAliveMs,
    connectTimeoutMs: resolveTimeout(sources, config, findings),
    idleTimeoutMs: milliseconds(config.idle_timeout) ?? DEFAULTS.idleTimeoutMs,
    udpTimeoutMs: milliseconds(config.udp_timeout) ?? DEFAULTS.udpTimeoutMs,
    udpMaxAssociations: config.udp_max_associations ?? DEFAULTS.udpMaxAssociations,
    drainTimeoutMs: milliseconds(config.drain_timeout) ?? DEFAULTS.drainTimeoutMs,
    nameServers: resolveNameServers(sources, config, findings),
    ipv6First: config.ipv6_first ?? DEFAULTS.ipv6First,
  };
}

export function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.round(seconds * 1000);
}

function resolveTimeout(sources: ConfigSources, config: FileConfig, findings: Findings): number {
  const top = milliseconds(config.timeout) ?? DEFAULTS.connectTimeoutMs;
  if (
    sources.flags.values?.timeout !== undefined ||
    sources.flags.server !== undefined ||
    sources.flags.serverUrl !== undefined
  )
    return top;
  const entries = enabledEntries(config);
  const bounds = entries.map(({ entry }) => milliseconds(entry.timeout) ?? top);
  const longest = Math.max(...bounds);
  const differing = entries.findIndex((_, at) => bounds[at] !== longest);
  if (differing >= 0) {
    const name = nameOf(sources, [...entries[differing].path, 'timeout']);
    findings.warn(`${name} differs between servers: ${longest / 1000} s, the largest, holds for all of them.`);
  }
  return bounds.length === 0 ? top : longest;
}

function resolveNameServers(sources: ConfigSources, config: FileConfig, findings: Findings): readonly string[] {
  const key = config.dns === undefined ? 'nameserver' : 'dns';
  const written = config.dns ?? config.nameserver;
  if (written === undefined) return [];
  if (typeof written !== 'string') {
    findings.warn(`${nameOf(sources, [key])} as an object is not served yet: the system's name servers are asked.`);
    return [];
  }
  const name = nameOf(sources, [key]);
  const { nameServers, isLater, problem } = parseNameServers(written);
  if (problem !== undefined) findings.problem(`${name} ${problem}.`);
  if (isLater === true && sources.flags.values?.dns !== undefined) {
    // Who types this does not want to be asked for in clear.
    findings.problem(`${name} ${written} is not served yet: give ${SERVED_NAME_SERVERS}.`);
  } else if (isLater === true) {
    findings.warn(`${name}: "${written}" is not served yet, so the system's name servers are asked over UDP.`);
  }
  return nameServers;
}
