/**
 * What the types of the settings do not say, or say to nobody where a program is JavaScript. The command line has checked all of it before, by the
 * names of its flags and keys.
 */

import { MAX_WORKERS } from '../config/bounds.js';
import type { CommonSettings, HostPort, ServerSettings, ShadowsocksEndpoint } from '../config/types.js';
import { METHODS } from '../crypto/methods.js';
import { StartError } from './start-error.js';
import type { ModeSettings } from './supervisor.js';

const MAX_PORT = 65_535;

/** The least that each of them may be; 0 where that turns something off. */
const LEAST: readonly (readonly [keyof CommonSettings | 'probeTimeoutMs', number])[] = [
  ['keepAliveMs', 0],
  ['connectTimeoutMs', 1],
  ['idleTimeoutMs', 0],
  ['udpTimeoutMs', 1],
  ['udpMaxAssociations', 1],
  ['drainTimeoutMs', 0],
  ['probeTimeoutMs', 0],
];

/** @throws StartError with a sentence that names the first setting that cannot be, and what it may be */
export function checkSettings({ mode, settings }: ModeSettings): void {
  checkWhole('workers', settings.workers, 1, MAX_WORKERS);
  const values: Partial<ServerSettings> = settings;
  for (const [name, least] of LEAST) {
    const value = values[name];
    if (value !== undefined) checkWhole(name, value, least, Number.MAX_SAFE_INTEGER);
  }
  if (mode === 'server') {
    checkList('listen', settings.listen, (endpoint, name) => checkEndpoint(endpoint, name, 0));
    return;
  }
  checkList('servers', settings.servers, (endpoint, name) => checkEndpoint(endpoint, name, 1));
  checkList('inlets', settings.inlets, (inlet, name) => checkAddress(inlet, name, 0));
}

function checkWhole(name: string, value: unknown, least: number, most: number): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  const bound = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`;
  throw new StartError(`${name} is ${told(value)}: it must be a whole number from ${least}${bound}.`);
}

function checkList<T>(name: string, list: readonly T[], check: (item: T, name: string) => void): void {
  if (!Array.isArray(list) || list.length === 0)
    throw new StartError(`${name} must be a list with at least one entry.`);
  list.forEach((item, i) => {
    if (typeof item !== 'object' || item === null)
      throw new StartError(`${name}[${i}] is ${told(item)}: it must be an object.`);
    check(item, `${name}[${i}]`);
  });
}

function checkAddress({ host, port }: HostPort, name: string, leastPort: number): void {
  if (typeof host !== 'string' || host === '') {
    throw new StartError(`${name}.host is ${told(host)}: it must be a host name or an address.`);
  }
  checkWhole(`${name}.port`, port, leastPort, MAX_PORT);
}

function checkEndpoint(endpoint: ShadowsocksEndpoint, name: string, leastPort: number): void {
  checkAddress(endpoint, name, leastPort);
  if (!Object.hasOwn(METHODS, endpoint.method)) {
    throw new StartError(
      `${name}.method is ${told(endpoint.method)}: it must be one of ${Object.keys(METHODS).join(', ')}.`,
    );
  }
  if (endpoint.key === undefined && typeof endpoint.password !== 'string') {
    throw new StartError(`${name}.password must be a text.`);
  }
}

function told(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}
