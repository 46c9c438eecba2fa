import { expect } from 'chai';
import type { CachedAnswer } from '../../../src/dns/cache.js';
import { DNS_CACHE_LIMITS, DnsCache } from '../../../src/dns/cache.js';

const found: CachedAnswer = { kind: 'addresses', addresses: [{ family: 4, bytes: Uint8Array.of(192, 0, 2, 1) }] };
const missing: CachedAnswer = { kind: 'negative', reason: 'nxdomain' };

describe('the DNS cache', () => {
  let nowMs: number;
  let cache: DnsCache;
  beforeEach(() => {
    nowMs = 1_000_000;
    cache = new DnsCache(() => nowMs);
  });

  it('keeps an answer for its time to live and not a millisecond longer', () => {
    cache.set('a.example', 'A', found, 60);
    nowMs += 59_999;
    expect(cache.get('a.example', 'A')).to.equal(found);
    nowMs += 1;
    expect(cache.get('a.example', 'A')).to.equal(undefined);
    expect(cache.size).to.equal(0);
  });

  it('keeps types and names apart', () => {
    cache.set('a.example', 'A', found, 60);
    cache.set('a.example', 'AAAA', missing, 60);
    expect(cache.get('a.example', 'A')).to.equal(found);
    expect(cache.get('a.example', 'AAAA')).to.equal(missing);
    expect(cache.get('b.example', 'A')).to.equal(undefined);
  });

  it('keeps a time to live of 0 for a second', () => {
    cache.set('a.example', 'A', found, 0);
    nowMs += 999;
    expect(cache.get('a.example', 'A')).to.equal(found);
    nowMs += 1;
    expect(cache.get('a.example', 'A')).to.equal(undefined);
  });

  it('keeps nothing longer than a day, and nothing negative longer than a quarter of an hour', () => {
    cache.set('a.example', 'A', found, 1e9);
    cache.set('b.example', 'A', missing, 1e9);
    nowMs += DNS_CACHE_LIMITS.maxNegativeTtlS * 1000;
    expect(cache.get('a.example', 'A')).to.equal(found);
    expect(cache.get('b.example', 'A')).to.equal(undefined);
    nowMs += (DNS_CACHE_LIMITS.maxTtlS - DNS_CACHE_LIMITS.maxNegativeTtlS) * 1000;
    expect(cache.get('a.example', 'A')).to.equal(undefined);
  });

  it('forgets what was least recently asked for when it is full', () => {
    const small = new DnsCache(() => nowMs, { ...DNS_CACHE_LIMITS, maxEntries: 2 });
    small.set('a.example', 'A', found, 60);
    small.set('b.example', 'A', found, 60);
    small.get('a.example', 'A');
    small.set('c.example', 'A', found, 60);
    expect(small.size).to.equal(2);
    expect(small.get('a.example', 'A')).to.equal(found);
    expect(small.get('b.example', 'A')).to.equal(undefined);
  });

  it('replaces an older answer, and can forget all', () => {
    cache.set('a.example', 'A', missing, 60);
    cache.set('a.example', 'A', found, 60);
    expect(cache.get('a.example', 'A')).to.equal(found);
    cache.clear();
    expect(cache.get('a.example', 'A')).to.equal(undefined);
  });
});
