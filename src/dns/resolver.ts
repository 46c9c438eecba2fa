/**
 * The stub resolver on the loop: literals, the hosts file, the cache, then the name servers. It answers by callback,
 * perhaps before `resolve` returns.
 */

import { Region } from '../../native-bindings/memory.js';
import { parseIpAddress } from '../net/ip-address.js';
import type { Lookup, NameResolver, ResolvedName } from '../net/name-resolver.js';
import type { Reactor } from '../reactor/reactor.js';
import { DnsCache } from './cache.js';
import { SCRATCH_LENGTH } from './exchange.js';
import { lookUpHosts } from './hosts.js';
import type { AddressType } from './message.js';
import { normalizeName } from './name.js';
import type { LookupOwner, ResolveCallback } from './name-lookup.js';
import { NameLookup } from './name-lookup.js';
import type { NameServer } from './name-servers.js';
import { DNS_PORT, NameServers, parseNameServer } from './name-servers.js';
import type { QueryContext } from './query.js';
import type { ResolvConf } from './resolv-conf.js';
import { SystemFiles } from './system-files.js';

export interface ResolverOptions {
  /**
   * Servers to ask instead of those of resolv.conf (`ip`, `ip:port`, `[ipv6%zone]:port`); its search list is not used then.
   */
  readonly nameServers?: readonly string[];
  readonly hostsPath?: string;
  readonly resolvConfPath?: string;
  /** Port of the servers of resolv.conf, which can't name one. */
  readonly port?: number;
  /** As for those who connect: IPv6 addresses are answered at once, IPv4 ones after a moment for the others. Else the reverse. */
  readonly ipv6First?: boolean;
  readonly limits?: ResolverLimits;
}

export interface ResolverLimits {
  /** Look-ups that ask servers at the same time. Each holds two sockets, and a few more while servers are slow. */
  readonly maxActive: number;
  /** Look-ups at all, waiting ones included: past these, names fail at once. */
  readonly maxLookups: number;
}

/** 256 × 2 sockets stay well below the usual 1,024 descriptors; 8,192 names wait in some 5 MB. */
export const RESOLVER_LIMITS: ResolverLimits = { maxActive: 256, maxLookups: 8192 };

const NOT_FOUND: ResolvedName = { status: 'failed', code: 'ENOTFOUND' };
const TOO_MANY: ResolvedName = { status: 'failed', code: 'EAI_AGAIN' };
/** For answers that were there at once. */
const DONE: Lookup = { cancel: () => {} };

export class Resolver implements NameResolver, LookupOwner {
  readonly cache: DnsCache;
  readonly preferredType: AddressType;
  queryContext: QueryContext;
  readonly #reactor: Reactor;
  readonly #scratch: Region;
  readonly #limits: ResolverLimits;
  readonly #files: SystemFiles;
  readonly #port: number;
  /** Empty: those of resolv.conf. */
  readonly #configured: readonly NameServer[];
  /** Look-ups under way by what was asked for, so that a second caller joins the first. */
  readonly #lookups = new Map<string, NameLookup>();
  /** Those of them that have not begun, in order. */
  readonly #waiting = new Set<NameLookup>();
  #active = 0;
  #starting = false;

  /** @throws RangeError for a name server that is no address */
  constructor(reactor: Reactor, options: ResolverOptions = {}) {
    this.#configured = (options.nameServers ?? []).map(parseNameServer);
    this.#reactor = reactor;
    this.#limits = options.limits ?? RESOLVER_LIMITS;
    this.#port = options.port ?? DNS_PORT;
    this.preferredType = options.ipv6First === true ? 'AAAA' : 'A';
    this.#files = new SystemFiles(
      options.hostsPath ?? '/etc/hosts',
      options.resolvConfPath ?? '/etc/resolv.conf',
      reactor.nowMs,
    );
    this.cache = new DnsCache(() => reactor.nowMs);
    this.#scratch = new Region(SCRATCH_LENGTH);
    this.queryContext = this.#makeQueryContext(this.#files.resolvConf);
  }

  /** How many look-ups are under way or waiting. */
  get pending(): number {
    return this.#lookups.size;
  }

  resolve(name: string, callback: ResolveCallback): Lookup {
    const literal = parseIpAddress(name);
    if (literal !== undefined) return answerNow(callback, { status: 'ok', addresses: [literal] });
    const normalized = normalizeName(name);
    if (normalized === undefined) return answerNow(callback, NOT_FOUND);
    this.#refresh();
    const known = lookUpHosts(this.#files.hosts, normalized);
    if (known !== undefined) return answerNow(callback, { status: 'ok', addresses: known });
    const absolute = name.endsWith('.');
    const key = absolute ? `${normalized}.` : normalized;
    const underWay = this.#lookups.get(key);
    if (underWay !== undefined) return underWay.join(callback);
    if (this.#lookups.size >= this.#limits.maxLookups) return answerNow(callback, TOO_MANY);
    return this.#lookUp(key, absolute ? [normalized] : this.#candidates(normalized), callback);
  }

  #lookUp(key: string, candidates: readonly string[], callback: ResolveCallback): Lookup {
    const lookup = new NameLookup(this, key, candidates);
    this.#lookups.set(key, lookup);
    this.#waiting.add(lookup);
    this.#startWaiting();
    return lookup.join(callback);
  }

  handleLookupEnd(lookup: NameLookup): void {
    this.#lookups.delete(lookup.key);
    if (this.#waiting.delete(lookup)) return;
    this.#active--;
    this.#startWaiting();
  }

  /**
   * A look-up may end before `start` returns (all cached, no descriptors left), so this is a loop, and not entered
   * twice.
   */
  #startWaiting(): void {
    if (this.#starting) return;
    this.#starting = true;
    try {
      for (const lookup of this.#waiting) {
        if (this.#active >= this.#limits.maxActive) break;
        this.#waiting.delete(lookup);
        this.#active++;
        lookup.start();
      }
    } finally {
      this.#starting = false;
    }
  }

  /** resolv.conf(5): a name with enough dots is tried as it is first, others after the search list. */
  #candidates(name: string): readonly string[] {
    if (this.#configured.length > 0) return [name];
    const { search, ndots } = this.#files.resolvConf;
    const dots = name.split('.').length - 1;
    const suffixed: string[] = [];
    for (const suffix of search) {
      const candidate = normalizeName(`${name}.${suffix}`);
      if (candidate !== undefined) suffixed.push(candidate);
    }
    return dots >= ndots ? [name, ...suffixed] : [...suffixed, name];
  }

  /** Another resolv.conf is another network: what the old servers said may not hold there. */
  #refresh(): void {
    if (!this.#files.refresh(this.#reactor.nowMs) || this.#configured.length > 0) return;
    this.queryContext = this.#makeQueryContext(this.#files.resolvConf);
    this.cache.clear();
  }

  #makeQueryContext(conf: ResolvConf): QueryContext {
    const servers =
      this.#configured.length > 0 ? this.#configured : conf.servers.map((server) => ({ ...server, port: this.#port }));
    return {
      reactor: this.#reactor,
      scratch: this.#scratch,
      servers: new NameServers(servers, conf.rotate),
      attempts: conf.attempts,
      timeoutMs: conf.timeoutMs,
      tcpOnly: conf.tcpOnly,
    };
  }

  /** Ends every look-up without an answer and gives the memory back. */
  close(): void {
    this.#waiting.clear();
    for (const lookup of [...this.#lookups.values()]) lookup.end();
    this.#scratch.release();
  }
}

function answerNow(callback: ResolveCallback, answer: ResolvedName): Lookup {
  callback(answer);
  return DONE;
}
