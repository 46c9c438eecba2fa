/** Where a client listens: the top level, `locals[]`, or the flag that takes their place. */

import type { Findings } from './config-error.js';
import type { FileConfig, FileLocal } from './file-shape.js';
import { parseHostPort } from './host-port.js';
import { type ConfigSources, mergedConfig, nameOf } from './sources.js';
import { DEFAULTS, type LocalInlet } from './types.js';

/** One entry a listener; problems and what is not served yet go to `findings`. */
export async function resolveInlets(sources: ConfigSources, findings: Findings): Promise<LocalInlet[]> {
  const config = mergedConfig(sources);
  const inlets = await inletsOfFile(sources, config, findings);
  const { local } = sources.flags;
  if (local === undefined) return inlets;
  const address = parseHostPort(local);
  if (address === undefined) findings.problem(`--local-addr must be HOST:PORT, not "${local}".`);
  // Another address is no reason to let people in without the password that the file asks for.
  const users = inlets.find((inlet) => inlet.users.length > 0)?.users ?? [];
  return [{ host: address?.host ?? DEFAULTS.localHost, port: address?.port ?? DEFAULTS.localPort, users }];
}

async function inletsOfFile(sources: ConfigSources, config: FileConfig, findings: Findings): Promise<LocalInlet[]> {
  const isTopServed = isSocks(sources, config.protocol, ['protocol'], findings);
  const host = config.local_address;
  const port = config.local_port;
  const entries = (config.locals ?? [])
    .map((entry, at) => ({ entry, at }))
    .filter(({ entry }) => entry.disabled !== true);
  const listed = entries.filter(({ entry, at }) =>
    isSocks(sources, entry.protocol, ['locals', at, 'protocol'], findings),
  );
  const inlets: LocalInlet[] = [];
  // As shadowsocks-rust has it, a port at the top is a listener of its own beside the list.
  if (isTopServed && (config.locals === undefined || port !== undefined)) {
    const name = nameOf(sources, ['local_address']);
    inlets.push({ host: listenHost(host, name, findings), port: port ?? DEFAULTS.localPort, users: [] });
  }
  for (const { entry, at } of listed) inlets.push(await inletOfEntry(sources, entry, at, host, findings));
  if (inlets.length === 0) {
    findings.problem(
      `${nameOf(sources, ['locals'])} leaves nothing to listen on: add an entry with "protocol": "socks".`,
    );
  }
  return inlets;
}

async function inletOfEntry(
  sources: ConfigSources,
  entry: FileLocal,
  at: number,
  topHost: string | undefined,
  findings: Findings,
): Promise<LocalInlet> {
  const name = nameOf(sources, ['locals', at, 'local_address']);
  return {
    host: listenHost(entry.local_address ?? topHost, name, findings),
    port: entry.local_port ?? DEFAULTS.localPort,
    users: await usersOf(sources, entry, at, findings),
  };
}

function isSocks(
  sources: ConfigSources,
  protocol: string | undefined,
  path: (string | number)[],
  findings: Findings,
): boolean {
  if (protocol === undefined || protocol === 'socks' || protocol === 'socks5') return true;
  findings.warn(`${nameOf(sources, path)} is "${protocol}", which is not served yet: this listener is left out.`);
  return false;
}

function listenHost(host: string | undefined, name: string, findings: Findings): string {
  if (host === undefined) return DEFAULTS.localHost;
  const parsed = parseHostPort(host);
  if (parsed?.host === undefined || parsed.port !== undefined) {
    findings.problem(`${name} must be a host name or an IP address without a port, not "${host}".`);
  }
  return parsed?.host ?? DEFAULTS.localHost;
}

async function usersOf(
  sources: ConfigSources,
  entry: FileLocal,
  at: number,
  findings: Findings,
): Promise<LocalInlet['users']> {
  const path = entry.socks5_auth_config_path;
  if (path === undefined) return [];
  const { readSocksUsers } = await import('./socks-users.js');
  return readSocksUsers(path, nameOf(sources, ['locals', at, 'socks5_auth_config_path']), findings);
}
