/** Where a hop of SIP023 passes its clients on to: addresses, and the keys by which clients name them. */

import { METHODS } from '../crypto/methods.js';
import type { Findings } from './config-error.js';
import type { FileServer } from './file-shape.js';
import { formatHostPort, parseHostPort } from './host-port.js';
import type { JsonPath } from './json-document.js';
import { hasIdentities, keyProblem } from './methods.js';
import { passwordWritten } from './resolve-credentials.js';
import { complainOfRepeats } from './resolve-users.js';
import { type ConfigSources, nameOf } from './sources.js';
import { DEFAULTS, type MethodName, type NextHop } from './types.js';

/** What a file has of the destinations of a server. */
export interface WrittenDestinations {
  readonly entries: NonNullable<FileServer['destinations']>;
  readonly path: JsonPath;
}

export function resolveDestinations(
  sources: ConfigSources,
  { entries, path }: WrittenDestinations,
  method: MethodName,
  findings: Findings,
): readonly NextHop[] {
  const name = nameOf(sources, path);
  if (!hasIdentities(METHODS[method])) {
    findings.problem(
      `${name} need a method with identity headers, which ${method} has not: use 2022-blake3-aes-256-gcm.`,
    );
    return [];
  }
  const hops = entries.flatMap((entry, at) => resolveDestination(sources, entry, [...path, at], method, findings));
  complainOfRepeats(hops, 'destinations', 'name', name, findings);
  complainOfRepeats(hops, 'destinations', 'password', name, findings);
  return hops;
}

function resolveDestination(
  sources: ConfigSources,
  entry: WrittenDestinations['entries'][number],
  path: JsonPath,
  method: MethodName,
  findings: Findings,
): NextHop[] {
  const { server, server_port: port = DEFAULTS.serverPort, password: text } = entry;
  if (server === undefined || text === undefined) {
    findings.problem(`${nameOf(sources, path)}: each destination needs a "server" and a "password".`);
    return [];
  }
  const host = hostOf(server, nameOf(sources, [...path, 'server']), findings);
  if (port === 0) findings.problem(`${nameOf(sources, [...path, 'server_port'])} must be a port from 1 to 65535.`);
  const passwordName = nameOf(sources, [...path, 'password']);
  const password = passwordWritten(sources, { text, name: passwordName }, findings);
  if (host === undefined || password === undefined) return [];
  const problem = keyProblem(password, method);
  if (problem !== undefined) {
    findings.problem(`${passwordName} ${problem}.`);
    return [];
  }
  return [{ name: entry.name ?? formatHostPort({ host, port }), host, port, password }];
}

function hostOf(written: string, name: string, findings: Findings): string | undefined {
  const parsed = parseHostPort(written);
  if (parsed?.host !== undefined && parsed.port === undefined) return parsed.host;
  findings.problem(`${name} must be a host name or an IP address without a port, not "${written}".`);
  return undefined;
}
