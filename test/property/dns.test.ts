import { expect } from 'chai';
import { encode } from 'dns-packet';
import fc from 'fast-check';
import { parseHosts } from '../../src/dns/hosts.js';
import type { DnsQuestion } from '../../src/dns/message.js';
import { decodeAnswer, encodeQuery } from '../../src/dns/message.js';
import { normalizeName } from '../../src/dns/name.js';
import { parseResolvConf } from '../../src/dns/resolv-conf.js';

const KINDS = ['addresses', 'negative', 'truncated', 'failed', 'mismatch', 'malformed'];
const question: DnsQuestion = { id: 0x1234, name: 'example.com', type: 'A' };

describe('DNS answers, by property', () => {
  it('never throw on garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (bytes, ours) => {
        if (ours) bytes.set([0x12, 0x34, 0x81, 0x80].slice(0, bytes.length));
        expect(decodeAnswer(bytes, question).kind).to.be.oneOf(KINDS);
      }),
      { numRuns: 1000 },
    );
  });

  it('never throw on a real answer with bytes changed, cut or doubled', () => {
    const real = encode({
      type: 'response',
      id: question.id,
      flags: 0x0180,
      questions: [{ type: 'A', name: 'example.com', class: 'IN' }],
      answers: [
        { type: 'CNAME', name: 'example.com', class: 'IN', ttl: 60, data: 'www.example.com' },
        { type: 'A', name: 'www.example.com', class: 'IN', ttl: 60, data: '192.0.2.1' },
      ],
      authorities: [
        {
          type: 'SOA',
          name: 'example.com',
          ttl: 5,
          data: { mname: 'a.example', rname: 'b.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 7 },
        },
      ],
      additionals: [{ type: 'TXT', name: 'example.com', ttl: 5, data: ['text', 'more'] }],
    });
    const change = fc.tuple(fc.nat(real.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), fc.nat(real.length * 2), (changes, length) => {
        const bytes = Buffer.concat([real, real]).subarray(0, length);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        expect(decodeAnswer(bytes, question).kind).to.be.oneOf(KINDS);
      }),
      { numRuns: 2000 },
    );
  });

  it('are believed only for the question that was asked', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.nat(0xffff), fc.domain(), fc.domain(), (id, otherId, name, otherName) => {
        const asked = normalizeName(name);
        fc.pre(asked !== undefined);
        const bytes = encode({
          type: 'response',
          id: otherId,
          questions: [{ type: 'A', name: otherName, class: 'IN' }],
          answers: [{ type: 'A', name: otherName, class: 'IN', ttl: 60, data: '192.0.2.1' }],
        });
        const believed = decodeAnswer(bytes, { id, name: asked as string, type: 'A' }).kind === 'addresses';
        expect(believed).to.equal(id === otherId && otherName.toLowerCase() === asked);
        const own = encodeQuery({ id: otherId, name: normalizeName(otherName) as string, type: 'A' }, true);
        expect(decodeAnswer(own, { id: otherId, name: otherName, type: 'A' }).kind).to.equal('mismatch');
      }),
    );
  });
});

describe('resolver files, by property', () => {
  it('are read whatever is in them', () => {
    const word = fc.constantFrom(
      'nameserver',
      'search',
      'options',
      '1.2.3.4',
      '::1',
      'ndots:3',
      'timeout:',
      '#',
      '\n',
      ' ',
      '\0',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(word).map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(text, (content) => {
        const conf = parseResolvConf(content);
        expect(conf.servers).to.have.length.within(1, 3);
        expect(conf.search).to.have.length.within(0, 6);
        expect(conf.timeoutMs).to.be.within(1000, 30_000);
        for (const [name, addresses] of parseHosts(content)) {
          expect(normalizeName(name)).to.equal(name);
          expect(addresses).to.not.have.length(0);
        }
      }),
    );
  });
});
