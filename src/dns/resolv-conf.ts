/**
 * /etc/resolv.conf: which name servers to ask and how (resolv.conf(5)). Unknown lines and options are passed over, as
 * libc does.
 */

import { IpAddress } from '../net/ip-address.js';
import { normalizeName } from './name.js';
import { type NameServerAddress, parseNameServerAddress } from './name-servers.js';

export interface ResolvConf {
  /** In the file's order, at most 3. Without any, the one on this machine: 127.0.0.1. */
  readonly servers: readonly NameServerAddress[];
  /** Suffixes to try for short names, at most 6, normalized. */
  readonly search: readonly string[];
  /** A name with at least so many dots is tried as it is first. */
  readonly ndots: number;
  /** How long to wait for one server the first time round. */
  readonly timeoutMs: number;
  /** How often to go round the servers. */
  readonly attempts: number;
  /** Start with another server each time, to spread the load. */
  readonly rotate: boolean;
  /** `use-vc`: ask over TCP only. */
  readonly tcpOnly: boolean;
}

/** MAXNS of resolv.h. */
const MAX_SERVERS = 3;
/** MAXDNSRCH of resolv.h. */
const MAX_SEARCH = 6;
/** Silent caps of resolv.conf(5). */
const MAX_NDOTS = 15;
const MAX_TIMEOUT_S = 30;
const MAX_ATTEMPTS = 5;

const LOOPBACK: NameServerAddress = { address: new IpAddress(4, Uint8Array.of(127, 0, 0, 1)), zone: '' };

/** Parses the file's text; an empty text gives the defaults of libc. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: NameServerAddress[] = [];
  let search: readonly string[] = [];
  const options = { ndots: 1, timeoutS: 5, attempts: 2, rotate: false, tcpOnly: false };
  for (const line of text.split('\n')) {
    // A comment has ; or # in the first column; after a value some files have one too.
    const [keyword, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    switch (keyword) {
      case 'nameserver': {
        const server = parseNameServerAddress(values[0] ?? '');
        if (server !== undefined && servers.length < MAX_SERVERS) servers.push(server);
        break;
      }
      // Both set the same list, and the last line wins.
      case 'domain':
        search = parseSearch(values.slice(0, 1));
        break;
      case 'search':
        search = parseSearch(values);
        break;
      case 'options':
        for (const option of values) parseOption(option, options);
        break;
    }
  }
  return {
    servers: servers.length > 0 ? servers : [LOOPBACK],
    search,
    ndots: options.ndots,
    timeoutMs: options.timeoutS * 1000,
    attempts: options.attempts,
    rotate: options.rotate,
    tcpOnly: options.tcpOnly,
  };
}

function parseSearch(values: readonly string[]): readonly string[] {
  const search: string[] = [];
  for (const value of values) {
    // "." is the root: nothing to append.
    const suffix = normalizeName(value);
    if (suffix !== undefined && search.length < MAX_SEARCH) search.push(suffix);
  }
  return search;
}

interface Options {
  ndots: number;
  timeoutS: number;
  attempts: number;
  rotate: boolean;
  tcpOnly: boolean;
}

function parseOption(option: string, options: Options): void {
  const colon = option.indexOf(':');
  const name = colon < 0 ? option : option.slice(0, colon);
  const value = colon < 0 ? undefined : parseCount(option.slice(colon + 1));
  switch (name) {
    case 'ndots':
      options.ndots = Math.min(value ?? options.ndots, MAX_NDOTS);
      break;
    case 'timeout':
      // 0 would mean not to wait at all.
      options.timeoutS = Math.max(1, Math.min(value ?? options.timeoutS, MAX_TIMEOUT_S));
      break;
    case 'attempts':
      options.attempts = Math.max(1, Math.min(value ?? options.attempts, MAX_ATTEMPTS));
      break;
    case 'rotate':
      options.rotate = true;
      break;
    case 'use-vc':
      options.tcpOnly = true;
      break;
  }
}

function parseCount(text: string): number | undefined {
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
}
