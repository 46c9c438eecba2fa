/** Where a client listens: the top level, `locals[]`, or the flags that take their place. */

import type { Findings } from './config-error.js';
import type { FileConfig, FileLocal } from './file-shape.js';
import { parseHostPort } from './host-port.js';
import type { JsonPath } from './json-document.js';
import { type ConfigSources, mergedConfig, nameOf } from './sources.js';
import { DEFAULTS, type HostPort, INLET_KINDS, type InletKind, type LocalInlet, type TransportMode } from './types.js';
import type { UsersKey } from './users-file.js';

/** One entry a listener; problems and what is not served yet go to `findings`. */
export async function resolveInlets(sources: ConfigSources, findings: Findings): Promise<LocalInlet[]> {
  const config = mergedConfig(sources);
  const inlets = await inletsOfFile(sources, config, findings);
  const { local, protocol, forward } = sources.flags;
  if (local === undefined && protocol === undefined && forward === undefined) return inlets;
  return [inletOfFlags(sources, config, inlets, findings)];
}

/** What the flags leave open is as the file has its first listener, or its default. */
function inletOfFlags(
  sources: ConfigSources,
  config: FileConfig,
  inlets: readonly LocalInlet[],
  findings: Findings,
): LocalInlet {
  const { local, protocol, forward } = sources.flags;
  const first = inlets.at(0);
  const address = local === undefined ? first : parseHostPort(local);
  if (local !== undefined && address === undefined) findings.problem(`--local-addr must be HOST:PORT, not "${local}".`);
  const kind =
    forward !== undefined && protocol === undefined ? 'tunnel' : (kindOf(protocol) ?? first?.kind ?? 'mixed');
  if (protocol !== undefined && kindOf(protocol) === undefined) {
    findings.problem(`--protocol ${protocol} is not served: use one of ${INLET_KINDS.join(', ')}.`);
  }
  const written = forward === undefined ? undefined : parseHostPort(forward);
  if (forward !== undefined && (written?.host === undefined || written.port === undefined)) {
    findings.problem(`--forward-addr must be HOST:PORT, not "${forward}".`);
  }
  const target = written?.host && written.port ? { host: written.host, port: written.port } : first?.forward;
  if (kind === 'tunnel' && target === undefined && forward === undefined) {
    findings.problem('--protocol tunnel needs to know where to: use -f HOST:PORT.');
  }
  // Another address is no reason to let people in without the password that the file asks for.
  const users = inlets.find((inlet) => inlet.users.length > 0)?.users ?? [];
  const mode = modeOf(sources, config, undefined);
  const listen = { host: address?.host ?? DEFAULTS.localHost, port: address?.port ?? DEFAULTS.localPort };
  return { ...listen, kind, users, mode, ...(target === undefined ? {} : { forward: target }) };
}

async function inletsOfFile(sources: ConfigSources, config: FileConfig, findings: Findings): Promise<LocalInlet[]> {
  const entries = (config.locals ?? []).flatMap((entry, at) =>
    entry.disabled === true ? [] : [{ entry, path: ['locals', at] }],
  );
  // As shadowsocks-rust has it, a port at the top is a listener of its own beside the list.
  const hasTop = config.locals === undefined || config.local_port !== undefined;
  const top: { entry: FileLocal; path: JsonPath }[] = hasTop ? [{ entry: topEntry(config), path: [] }] : [];
  const inlets: LocalInlet[] = [];
  for (const { entry, path } of [...top, ...entries]) {
    const inlet = await inletOfEntry(sources, entry, path, config, findings);
    if (inlet !== undefined) inlets.push(inlet);
  }
  if (inlets.length === 0) {
    findings.problem(
      `${nameOf(sources, ['locals'])} leaves nothing to listen on: add an entry with "protocol": "mixed".`,
    );
  }
  return inlets;
}

function topEntry({ local_address, local_port, protocol, mode }: FileConfig): FileLocal {
  return { local_address, local_port, protocol, mode };
}

/** @returns undefined for an entry that is not served */
async function inletOfEntry(
  sources: ConfigSources,
  entry: FileLocal,
  path: JsonPath,
  config: FileConfig,
  findings: Findings,
): Promise<LocalInlet | undefined> {
  const kind = entry.protocol === undefined ? 'mixed' : kindOf(entry.protocol);
  if (kind === undefined) {
    const name = nameOf(sources, [...path, 'protocol']);
    findings.warn(`${name} is "${entry.protocol}", which is not served yet: this listener is left out.`);
    return undefined;
  }
  // The flag may yet say where to.
  const needsTarget = kind === 'tunnel' && sources.flags.forward === undefined;
  const forward = needsTarget ? forwardOf(sources, entry, path, findings) : undefined;
  const host = entry.local_address ?? config.local_address;
  return {
    host: listenHost(host, nameOf(sources, [...path, 'local_address']), findings),
    port: entry.local_port ?? DEFAULTS.localPort,
    kind,
    users: await usersOf(sources, entry, path, findings),
    mode: modeOf(sources, config, entry.mode),
    ...(forward === undefined ? {} : { forward }),
  };
}

/** shadowsocks-rust calls SOCKS5, 4 and 4a `socks`. */
function kindOf(protocol: string | undefined): InletKind | undefined {
  if (protocol === 'socks5' || protocol === 'socks4') return 'socks';
  return INLET_KINDS.find((kind) => kind === protocol);
}

function modeOf({ flags }: ConfigSources, config: FileConfig, own: TransportMode | undefined): TransportMode {
  return flags.values?.mode ?? own ?? config.mode ?? DEFAULTS.mode;
}

function forwardOf(sources: ConfigSources, entry: FileLocal, path: JsonPath, findings: Findings): HostPort | undefined {
  const { forward_address: address, forward_port: port } = entry;
  if (address === undefined || !port) {
    const name = nameOf(sources, [...path, 'protocol']);
    findings.problem(`${name} is "tunnel", which needs "forward_address" and "forward_port" (or -f HOST:PORT).`);
    return undefined;
  }
  return { host: listenHost(address, nameOf(sources, [...path, 'forward_address']), findings), port };
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
  path: JsonPath,
  findings: Findings,
): Promise<LocalInlet['users']> {
  const files: readonly (readonly [UsersKey, 'socks5_auth_config_path' | 'http_auth_config_path'])[] = [
    ['password', 'socks5_auth_config_path'],
    ['basic', 'http_auth_config_path'],
  ];
  const users = new Map<string, LocalInlet['users'][number]>();
  for (const [key, setting] of files) {
    const file = entry[setting];
    if (file === undefined) continue;
    const { readUsersFile } = await import('./users-file.js');
    for (const user of readUsersFile(file, key, nameOf(sources, [...path, setting]), findings)) {
      users.set(JSON.stringify([user.user, user.password]), user);
    }
  }
  return [...users.values()];
}
