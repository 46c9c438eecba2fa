/** The Shadowsocks servers that file and flags speak of: those a client connects to, or those a server listens on. */

import { ConfigError, type Findings } from './config-error.js';
import type { FileConfig, FileServer } from './file-shape.js';
import type { Mode } from './find-file.js';
import { formatHostPort, parseHostPort } from './host-port.js';
import type { JsonPath } from './json-document.js';
import { insecurityWarning } from './methods.js';
import {
  orElse,
  resolveCredentials,
  type WrittenCredentials,
  writtenAt,
  writtenInFlags,
} from './resolve-credentials.js';
import { resolveDestinations, type WrittenDestinations } from './resolve-destinations.js';
import { resolveUsers, type WrittenUsers } from './resolve-users.js';
import { type ConfigSources, mergedConfig, nameOf } from './sources.js';
import { parseSsLink } from './ss-link.js';
import { DEFAULTS, type HostPort, type MethodName, type ShadowsocksEndpoint, type TransportMode } from './types.js';

interface WrittenServer {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly label?: string | undefined;
  readonly credentials: WrittenCredentials;
  readonly users?: WrittenUsers | undefined;
  readonly destinations?: WrittenDestinations | undefined;
  readonly mode?: TransportMode | undefined;
  /** Begin sentences about its host and its port. */
  readonly hostName: string;
  readonly portName: string;
}

/** One entry a server, in the order of the file; problems go to `findings`. */
export function resolveServers(mode: Mode, sources: ConfigSources, findings: Findings): ShadowsocksEndpoint[] {
  const written = writtenServers(mode, sources, findings);
  if (written.length === 0) {
    const where = sources.file === undefined ? '' : `add "server" and "server_port" to ${sources.file.path}, or `;
    findings.problem(`No server is given: ${where}use -s HOST:PORT.`);
  }
  return written.flatMap((server) => {
    const address = resolveAddress(mode, server, findings);
    // A client may have the same file; users are none of its business.
    const hasUsers = mode === 'server' && server.users !== undefined;
    const owner = { mode, address: formatHostPort(address), hasUsers };
    const credentials = resolveCredentials(sources, server.credentials, owner, findings);
    if (credentials === undefined) return [];
    const warning = insecurityWarning(credentials.method);
    if (warning !== undefined) findings.warn(warning);
    const label = server.label ? { name: server.label } : {};
    const clients = mode === 'server' ? resolveClients(sources, server, credentials.method, findings) : {};
    return [{ ...address, ...credentials, ...label, ...clients, mode: resolveMode(mode, sources, server.mode) }];
  });
}

/** Whom a server takes, and where a hop sends them. */
function resolveClients(
  sources: ConfigSources,
  { users, destinations }: WrittenServer,
  method: MethodName,
  findings: Findings,
): Pick<ShadowsocksEndpoint, 'users' | 'destinations'> {
  if (users !== undefined && destinations !== undefined) {
    findings.problem(
      `${nameOf(sources, destinations.path)}: a hop knows keys of servers and none of "users": give each a port of its own.`,
    );
  }
  return {
    ...(users === undefined ? {} : { users: resolveUsers(sources, users, method, findings) }),
    ...(destinations === undefined
      ? {}
      : { destinations: resolveDestinations(sources, destinations, method, findings) }),
  };
}

/** What a flag says holds for all. A client's servers take UDP where nobody says anything: its listeners decide. */
function resolveMode(mode: Mode, sources: ConfigSources, own: TransportMode | undefined): TransportMode {
  const { file, flags } = sources;
  const everywhere = flags.values?.mode;
  if (everywhere !== undefined) return everywhere;
  return own ?? file?.parsed.config.mode ?? (mode === 'local' ? 'tcp_and_udp' : DEFAULTS.mode);
}

/** The entries of `servers`, or of its alias, that are not disabled, each with its place. */
export function enabledEntries(config: FileConfig): { readonly entry: FileServer; readonly path: JsonPath }[] {
  const listKey = config.servers === undefined ? 'shadowsocks' : 'servers';
  return (config[listKey] ?? []).flatMap((entry, at) =>
    entry.disabled === true ? [] : [{ entry, path: [listKey, at] }],
  );
}

function writtenServers(mode: Mode, sources: ConfigSources, findings: Findings): WrittenServer[] {
  const config = mergedConfig(sources);
  if (config.servers !== undefined && config.shadowsocks !== undefined) {
    findings.problem(`${nameOf(sources, ['shadowsocks'])} says the same as "servers": keep one of the two.`);
  }
  const inFlags = writtenInFlags(sources);
  if (sources.flags.serverUrl !== undefined) {
    if (sources.flags.server !== undefined) findings.problem('--server-url and --server-addr: give one of the two.');
    return serverOfLink(sources.flags.serverUrl, inFlags, findings);
  }
  const atTop = writtenAt(sources, config, []);
  const entries = enabledEntries(config);
  if (sources.flags.server !== undefined) {
    const first = entries.length > 0 ? writtenAt(sources, entries[0].entry, entries[0].path) : {};
    const server = serverOfFlag(sources.flags.server, orElse(inFlags, orElse(atTop, first)), findings);
    const own = clientsAt(config, []);
    const isOwn = own.users !== undefined || own.destinations !== undefined;
    return [{ ...server, ...(isOwn || entries.length === 0 ? own : clientsAt(entries[0].entry, entries[0].path)) }];
  }
  const listed = entries.map(({ entry, path }) => serverOfEntry(sources, entry, path, config.server_port));
  return [...serversOfTop(mode, sources, config, listed.length > 0), ...listed].map((server) => ({
    ...server,
    credentials: orElse(inFlags, orElse(server.credentials, atTop)),
  }));
}

function clientsAt(
  { users, destinations }: Pick<FileServer, 'users' | 'destinations'>,
  path: JsonPath,
): Pick<WrittenServer, 'users' | 'destinations'> {
  return {
    users: users === undefined ? undefined : { entries: users, path: [...path, 'users'] },
    destinations: destinations === undefined ? undefined : { entries: destinations, path: [...path, 'destinations'] },
  };
}

function serverOfFlag(text: string, credentials: WrittenCredentials, findings: Findings): WrittenServer {
  const address = parseHostPort(text);
  if (address === undefined) findings.problem(`--server-addr must be HOST:PORT, not "${text}".`);
  const name = '--server-addr';
  return { host: address?.host, port: address?.port, credentials, hostName: name, portName: name };
}

/** What other flags say goes before the link. */
function serverOfLink(text: string, inFlags: WrittenCredentials, findings: Findings): WrittenServer[] {
  const name = '--server-url';
  const result = parseSsLink(text);
  // Nothing else can be said without a server.
  if ('problem' in result) throw new ConfigError([`${name} ${result.problem}.`]);
  const { host, port, method, password, plugin, tag } = result.link;
  if (plugin !== undefined) {
    findings.problem(`${name} needs the plugin "${plugin.name}", and plugins are not served yet: use another server.`);
  }
  const credentials = { method: { text: method, name }, password: { text: password, name } };
  return [{ host, port, label: tag, credentials: orElse(inFlags, credentials), hostName: name, portName: name }];
}

function serverOfEntry(
  sources: ConfigSources,
  entry: FileServer,
  path: JsonPath,
  topPort: number | undefined,
): WrittenServer {
  return {
    host: entry.server ?? entry.address,
    port: entry.server_port ?? entry.port ?? topPort,
    label: entry.remarks || entry.name || entry.id,
    credentials: writtenAt(sources, entry, path),
    ...clientsAt(entry, path),
    mode: entry.mode,
    hostName: nameOf(sources, [...path, entry.server === undefined ? 'address' : 'server']),
    portName: nameOf(sources, [...path, entry.server_port === undefined ? 'port' : 'server_port']),
  };
}

/** Those of the top level: `server` may be an array, and `port_password` gives several ports. */
function serversOfTop(mode: Mode, sources: ConfigSources, config: FileConfig, hasList: boolean): WrittenServer[] {
  const hosts = typeof config.server === 'string' ? [config.server] : config.server;
  // A server without an address listens on all; a client without one has nowhere to go. A port at the top of a file
  // with a list only completes the entries of that list.
  if (hosts === undefined && (mode === 'local' || (hasList && config.port_password === undefined))) return [];
  const ports = mode === 'server' ? portPasswords(sources, config) : undefined;
  return (hosts ?? [undefined]).flatMap((host) =>
    (ports ?? [{ port: config.server_port, credentials: {}, portName: nameOf(sources, ['server_port']) }]).map(
      (port) => ({
        ...port,
        host,
        label: config.remarks,
        // A port that has a password of its own is one user's.
        ...(ports === undefined ? clientsAt(config, []) : {}),
        hostName: nameOf(sources, ['server']),
      }),
    ),
  );
}

function portPasswords(sources: ConfigSources, config: FileConfig) {
  if (config.port_password === undefined) return undefined;
  return Object.entries(config.port_password).map(([port, password]) => {
    const name = nameOf(sources, ['port_password', port]);
    return {
      // A key that is no port becomes one that the check of the address refuses.
      port: /^\d{1,5}$/.test(port) ? Number(port) : -1,
      credentials: { password: { text: password, name } },
      portName: name,
    };
  });
}

function resolveAddress(mode: Mode, server: WrittenServer, findings: Findings): HostPort {
  const host = server.host ?? (mode === 'server' ? DEFAULTS.serverHost : undefined);
  const parsed = host === undefined ? undefined : parseHostPort(host);
  const port = server.port ?? DEFAULTS.serverPort;
  if (host === undefined) {
    findings.problem(`${server.hostName} is missing: give the host name or IP address of the server.`);
  } else if (parsed?.host === undefined || parsed.port !== undefined) {
    findings.problem(`${server.hostName} must be a host name or an IP address without a port, not "${host}".`);
  }
  // Port 0 lets the kernel choose one to listen on.
  if (port < (mode === 'server' ? 0 : 1) || port > 0xffff) {
    findings.problem(`${server.portName} must be a port from 1 to 65535.`);
  }
  return { host: parsed?.host ?? '', port };
}
