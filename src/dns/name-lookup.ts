/**
 * The look-up of one host name for everybody who asks for it at the time: IPv4 and IPv6 addresses side by side, name
 * after name of the search list. Many connections to one site are one look-up.
 */

import type { IpAddress } from '../net/ip-address.js';
import type { LateAnswer, Lookup, ResolvedName } from '../net/name-resolver.js';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';
import type { CachedAnswer, DnsCache } from './cache.js';
import type { AddressType } from './message.js';
import type { QueryContext, QueryOwner, QueryResult } from './query.js';
import { Query } from './query.js';

export type ResolveCallback = (answer: ResolvedName) => void;

export interface LookupOwner {
  readonly cache: DnsCache;
  /** Addresses of this type are answered at once, those of the other after a moment. */
  readonly preferredType: AddressType;
  /** What queries are made with now. */
  readonly queryContext: QueryContext;
  /** It holds no sockets or timers any more. Called once. */
  handleLookupEnd(lookup: NameLookup): void;
}

/**
 * RFC 8305 §3: with the addresses at hand of the family that is not preferred, the other family's get so much time more.
 * Servers that never answer AAAA are common enough, and nobody shall wait for them. Those of the preferred family are
 * answered at once.
 */
export const RESOLUTION_DELAY_MS = 50;

const TYPES: readonly AddressType[] = ['A', 'AAAA'];

type TypeResult = CachedAnswer | Extract<QueryResult, { kind: 'failed' }>;

/** One who asked. */
class Caller implements Lookup {
  readonly #lookup: NameLookup;
  readonly callback: ResolveCallback;

  constructor(lookup: NameLookup, callback: ResolveCallback) {
    this.#lookup = lookup;
    this.callback = callback;
  }

  cancel(): void {
    this.#lookup.leave(this);
  }
}

export class NameLookup implements QueryOwner, TimeoutHandler, LateAnswer {
  /** What the resolver knows it by. */
  readonly key: string;
  readonly #owner: LookupOwner;
  /** Names to try, in order. */
  readonly #candidates: readonly string[];
  readonly #delay: Timer = new Timer(this);
  readonly #callers = new Set<Caller>();
  /** Those who were given one family's addresses, and wait for the other's. */
  readonly #waiting = new Set<Caller>();
  #candidate = 0;
  #queries: Query[] = [];
  readonly #results = new Map<AddressType, TypeResult>();
  /** Some server failed for a name of the list: then it is not certain that there is no such name. */
  #sawFailure = false;
  #answer: ResolvedName | undefined = undefined;
  #over = false;

  constructor(owner: LookupOwner, key: string, candidates: readonly string[]) {
    this.#owner = owner;
    this.key = key;
    this.#candidates = candidates;
  }

  start(): void {
    this.#tryCandidate();
  }

  /** The callback is called at once where the answer is there already. */
  join(callback: ResolveCallback): Lookup {
    const caller = new Caller(this, callback);
    if (this.#answer !== undefined) callback(this.#answer);
    else this.#callers.add(caller);
    return caller;
  }

  wait(callback: ResolveCallback): Lookup {
    const caller = new Caller(this, callback);
    this.#waiting.add(caller);
    return caller;
  }

  leave(caller: Caller): void {
    this.#waiting.delete(caller);
    if (this.#callers.delete(caller) && this.#callers.size === 0 && this.#answer === undefined) this.end();
  }

  handleResult(query: Query, result: QueryResult): void {
    this.#queries.splice(this.#queries.indexOf(query), 1);
    this.#results.set(query.type, result);
    if (result.kind !== 'failed') this.#store(query, result);
    this.#evaluate();
  }

  /** NXDOMAIN is about the name, whatever type was asked for (RFC 8020). */
  #store(query: Query, result: Exclude<QueryResult, { kind: 'failed' }>): void {
    const { cache } = this.#owner;
    cache.set(query.name, query.type, result, result.ttlS);
    if (result.kind !== 'negative' || result.reason !== 'nxdomain') return;
    for (const type of TYPES) if (!this.#results.has(type)) cache.set(query.name, type, result, result.ttlS);
  }

  /** The resolution delay is over. */
  handleTimeout(): void {
    this.#deliverEarly(this.#addresses());
  }

  handleFailure(_error: unknown): void {
    this.#finish({ status: 'failed', code: 'EAI_AGAIN' });
  }

  #tryCandidate(): void {
    const { cache, queryContext } = this.#owner;
    const name = this.#candidates[this.#candidate];
    this.#results.clear();
    this.#queries = [];
    for (const type of TYPES) {
      const cached = cache.get(name, type);
      if (cached !== undefined) this.#results.set(type, cached);
      else this.#queries.push(new Query(queryContext, this, name, type));
    }
    // A copy: a query that can't even be sent takes itself off the list. Such a failure decides nothing before both are
    // started.
    for (const query of [...this.#queries]) query.start();
    this.#evaluate();
  }

  #evaluate(): void {
    if (this.#over) return;
    const found = this.#addresses();
    const pending = this.#queries.length > 0 && !this.#isMissing();
    if (!pending) this.#conclude(found);
    else if (found.length > 0) {
      if (this.#results.has(this.#owner.preferredType)) this.#deliverEarly(found);
      else this.#owner.queryContext.reactor.arm(this.#delay, RESOLUTION_DELAY_MS);
    }
  }

  #conclude(found: readonly IpAddress[]): void {
    if (found.length > 0) {
      this.#finish({ status: 'ok', addresses: found });
      return;
    }
    for (const result of this.#results.values()) {
      if (result.kind !== 'failed') continue;
      this.#sawFailure = true;
      // Whoever does not answer for this name will not for the next.
      if (result.code === 'ETIMEDOUT') {
        this.#finish({ status: 'failed', code: 'ETIMEDOUT' });
        return;
      }
    }
    this.#cancelQueries();
    this.#candidate++;
    if (this.#candidate < this.#candidates.length) this.#tryCandidate();
    else this.#finish({ status: 'failed', code: this.#sawFailure ? 'EAI_AGAIN' : 'ENOTFOUND' });
  }

  #isMissing(): boolean {
    for (const result of this.#results.values()) {
      if (result.kind === 'negative' && result.reason === 'nxdomain') return true;
    }
    return false;
  }

  #addresses(): readonly IpAddress[] {
    const addresses: IpAddress[] = [];
    for (const type of TYPES) {
      const result = this.#results.get(type);
      if (result?.kind === 'addresses') addresses.push(...result.addresses);
    }
    return addresses;
  }

  #finish(answer: ResolvedName): void {
    this.end();
    this.#answer = answer;
    this.#tellAll(this.#callers, answer);
    this.#tellAll(this.#waiting, answer);
  }

  /** The query that is still out goes on, for those who wait and for the cache. */
  #deliverEarly(addresses: readonly IpAddress[]): void {
    this.#answer = { status: 'ok', addresses, late: this };
    this.#tellAll(this.#callers, this.#answer);
  }

  #tellAll(callers: Set<Caller>, answer: ResolvedName): void {
    // A caller that another one's callback cancels is deleted from the set, and so not visited.
    for (const caller of callers) {
      callers.delete(caller);
      this.#tell(caller, answer);
    }
  }

  /**
   * One caller's bug must not keep the answer from the others; the reactor meets it at the end of the turn and counts
   * it.
   */
  #tell(caller: Caller, answer: ResolvedName): void {
    try {
      caller.callback(answer);
    } catch (error) {
      const handleEvents = (): void => {
        throw error;
      };
      this.#owner.queryContext.reactor.defer({ handleEvents, handleFailure: () => {} });
    }
  }

  /** Gives up whatever is under way; callers that have no answer get none. Idempotent. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.queryContext.reactor.cancel(this.#delay);
    this.#cancelQueries();
    this.#owner.handleLookupEnd(this);
  }

  #cancelQueries(): void {
    for (const query of this.#queries) query.cancel();
    this.#queries = [];
  }
}
