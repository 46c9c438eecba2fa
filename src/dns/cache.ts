/** What the name servers said, for as long as they said it holds: addresses, and that there are none (RFC 2308). */

import { LRUCache } from 'lru-cache';
import type { IpAddress } from '../net/ip-address.js';
import type { AddressType } from './message.js';

/** No addresses: the name, or this type of it, does not exist. */
export type CachedAnswer =
  | { readonly kind: 'addresses'; readonly addresses: readonly IpAddress[] }
  | { readonly kind: 'negative'; readonly reason: 'nxdomain' | 'nodata' };

export interface DnsCacheLimits {
  /** Answers kept; one of a few addresses takes about 500 bytes, so 4096 are about 2 MB a reactor. */
  readonly maxEntries: number;
  /**
   * TTL 0 means "for this transaction only"; a second of it spares the server a question for each of a page's
   * connections.
   */
  readonly minTtlS: number;
  /** RFC 2181 allows 68 years, RFC 8767 §4 advises days: a mistake in a zone should not outlive a day here. */
  readonly maxTtlS: number;
  /**
   * RFC 2308 §5 advises one to three hours; most resolvers keep negative answers for at most 15 minutes, as the name
   * may be made soon.
   */
  readonly maxNegativeTtlS: number;
}

export const DNS_CACHE_LIMITS: DnsCacheLimits = { maxEntries: 4096, minTtlS: 1, maxTtlS: 86_400, maxNegativeTtlS: 900 };

interface Entry {
  readonly answer: CachedAnswer;
  readonly expiresAtMs: number;
}

export class DnsCache {
  readonly #nowMs: () => number;
  readonly #limits: DnsCacheLimits;
  readonly #entries: LRUCache<string, Entry>;

  /** @param nowMs a monotonic clock: the wall clock may jump */
  constructor(nowMs: () => number, limits: DnsCacheLimits = DNS_CACHE_LIMITS) {
    this.#nowMs = nowMs;
    this.#limits = limits;
    // The library's own time-to-live reads its own clock and sets timers, so expiry is ours.
    this.#entries = new LRUCache({ max: limits.maxEntries });
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @param name in the form of `normalizeName` */
  get(name: string, type: AddressType): CachedAnswer | undefined {
    const key = keyOf(name, type);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs > this.#nowMs()) return entry.answer;
    this.#entries.delete(key);
    return undefined;
  }

  /** @param ttlS from the answer; clamped to the limits */
  set(name: string, type: AddressType, answer: CachedAnswer, ttlS: number): void {
    const longestS = answer.kind === 'negative' ? this.#limits.maxNegativeTtlS : this.#limits.maxTtlS;
    const clampedS = Math.max(this.#limits.minTtlS, Math.min(ttlS, longestS));
    this.#entries.set(keyOf(name, type), { answer, expiresAtMs: this.#nowMs() + clampedS * 1000 });
  }

  /** Forgets everything, for when the name servers change. */
  clear(): void {
    this.#entries.clear();
  }
}

function keyOf(name: string, type: AddressType): string {
  return `${type} ${name}`;
}
