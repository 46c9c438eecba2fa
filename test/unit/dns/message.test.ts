import { expect } from 'chai';
import type { Answer, Packet } from 'dns-packet';
import { decode, encode } from 'dns-packet';
import type { DnsAnswer, DnsQuestion } from '../../../src/dns/message.js';
import { decodeAnswer, encodeQuery } from '../../../src/dns/message.js';
import { formatIpAddress } from '../../../src/net/ip-address.js';

const question: DnsQuestion = { id: 0xbeef, name: 'www.example.com', type: 'A' };
const AA = 0x0400;
const TC = 0x0200;
const NXDOMAIN = 3;

function answered(change: Partial<Packet>, asked: DnsQuestion = question): DnsAnswer {
  return decodeAnswer(
    encode({
      type: 'response',
      id: asked.id,
      flags: 0,
      questions: [{ type: asked.type, name: asked.name, class: 'IN' }],
      ...change,
    }),
    asked,
  );
}

const a = (name: string, data: string, ttl = 300): Answer => ({ type: 'A', name, class: 'IN', ttl, data });
const aaaa = (name: string, data: string, ttl = 300): Answer => ({ type: 'AAAA', name, class: 'IN', ttl, data });
const cname = (name: string, data: string, ttl = 300): Answer => ({ type: 'CNAME', name, class: 'IN', ttl, data });
const soa = (ttl: number, minimum: number): Answer => ({
  type: 'SOA',
  name: 'example.com',
  class: 'IN',
  ttl,
  data: { mname: 'ns.example.com', rname: 'root.example.com', serial: 1, refresh: 2, retry: 3, expire: 4, minimum },
});

function addressesOf(answer: DnsAnswer): string[] {
  if (answer.kind !== 'addresses') throw new Error(answer.kind);
  return answer.addresses.map(formatIpAddress);
}

describe('a DNS query', () => {
  it('asks one recursive question', () => {
    const packet = decode(Buffer.from(encodeQuery(question, false)));
    expect(packet.id).to.equal(0xbeef);
    expect(packet.flag_qr).to.equal(false);
    expect(packet.flag_rd).to.equal(true);
    expect(packet.questions).to.deep.equal([{ name: 'www.example.com', type: 'A', class: 'IN' }]);
    expect(packet.additionals).to.deep.equal([]);
  });

  it('says by EDNS how much it can take', () => {
    const packet = decode(Buffer.from(encodeQuery({ ...question, type: 'AAAA' }, true)));
    expect(packet.questions?.[0]?.type).to.equal('AAAA');
    expect(packet.additionals).to.have.length(1);
    expect(packet.additionals?.[0]).to.deep.include({ type: 'OPT', name: '.', udpPayloadSize: 1232, ednsVersion: 0 });
  });
});

describe('a DNS answer', () => {
  it('gives all addresses with the least time to live', () => {
    const answer = answered({
      answers: [a('www.example.com', '192.0.2.1', 300), a('www.example.com', '192.0.2.2', 60)],
    });
    expect(addressesOf(answer)).to.deep.equal(['192.0.2.1', '192.0.2.2']);
    expect(answer).to.deep.include({ ttlS: 60 });
  });

  it('gives IPv6 addresses', () => {
    const asked: DnsQuestion = { ...question, type: 'AAAA' };
    const answers = [aaaa('www.example.com', '2001:db8::1'), aaaa('www.example.com', '::ffff:192.0.2.1')];
    expect(addressesOf(answered({ answers }, asked))).to.deep.equal(['2001:db8::1', '::ffff:192.0.2.1']);
  });

  it('echoes the name in any case', () => {
    const answers = [a('WWW.example.COM', '192.0.2.1')];
    const questions = [{ type: 'A', name: 'wWw.ExAmPlE.cOm', class: 'IN' }] as const;
    expect(addressesOf(answered({ questions: [...questions], answers }))).to.deep.equal(['192.0.2.1']);
  });

  it('follows CNAMEs in any order, and takes the least TTL on the way', () => {
    const answers = [
      a('c.example.net', '192.0.2.9', 500),
      cname('b.example.net', 'C.example.net', 20),
      cname('www.example.com', 'b.example.net', 100),
      a('other.example.net', '192.0.2.66', 1),
    ];
    const answer = answered({ answers });
    expect(addressesOf(answer)).to.deep.equal(['192.0.2.9']);
    expect(answer).to.deep.include({ ttlS: 20 });
  });

  it('is malformed where CNAMEs go round or on for ever', () => {
    const loop = [cname('www.example.com', 'b.example.com'), cname('b.example.com', 'www.example.com')];
    expect(answered({ answers: loop }).kind).to.equal('malformed');
    const chain = Array.from({ length: 20 }, (_, i) =>
      cname(i === 0 ? 'www.example.com' : `n${i}.example`, `n${i + 1}.example`),
    );
    expect(answered({ answers: chain }).kind).to.equal('malformed');
  });

  it('ignores addresses of other names and other classes', () => {
    const chaos: Answer = { type: 'A', name: 'www.example.com', class: 'CH', ttl: 1, data: '192.0.2.1' };
    const answer = answered({ answers: [a('evil.example', '192.0.2.1'), chaos] });
    expect(answer).to.deep.equal({ kind: 'negative', reason: 'nodata', ttlS: 0 });
  });

  it('is negative for as long as the SOA says: the smaller of its TTL and its minimum', () => {
    expect(answered({ flags: NXDOMAIN, authorities: [soa(900, 300)] })).to.deep.equal({
      kind: 'negative',
      reason: 'nxdomain',
      ttlS: 300,
    });
    expect(answered({ authorities: [soa(60, 300)] })).to.deep.equal({ kind: 'negative', reason: 'nodata', ttlS: 60 });
    expect(answered({ flags: NXDOMAIN })).to.deep.equal({ kind: 'negative', reason: 'nxdomain', ttlS: 0 });
  });

  it('is negative at the end of a CNAME, no longer than the CNAME lives', () => {
    const answer = answered({ answers: [cname('www.example.com', 'gone.example', 30)], authorities: [soa(900, 600)] });
    expect(answer).to.deep.equal({ kind: 'negative', reason: 'nodata', ttlS: 30 });
  });

  it('takes a TTL with the top bit set for 0', () => {
    const answer = answered({ answers: [a('www.example.com', '192.0.2.1', 0x80000000)] });
    expect(answer).to.deep.include({ kind: 'addresses', ttlS: 0 });
  });

  it('may be truncated, also in the middle of a record', () => {
    expect(answered({ flags: TC, answers: [a('www.example.com', '192.0.2.1')] })).to.deep.equal({ kind: 'truncated' });
    const whole = encode({
      type: 'response',
      id: question.id,
      flags: TC,
      questions: [{ type: 'A', name: question.name, class: 'IN' }],
      answers: [a('www.example.com', '192.0.2.1'), a('www.example.com', '192.0.2.2')],
    });
    expect(decodeAnswer(whole.subarray(0, whole.length - 3), question)).to.deep.equal({ kind: 'truncated' });
  });

  for (const [rcode, code] of [
    [1, 'FORMERR'],
    [2, 'SERVFAIL'],
    [4, 'NOTIMP'],
    [5, 'REFUSED'],
    [9, 'OTHER'],
  ] as const) {
    it(`is a failure for RCODE ${rcode}, even without the question`, () => {
      expect(answered({ flags: rcode })).to.deep.equal({ kind: 'failed', code });
      expect(answered({ flags: rcode, questions: [] })).to.deep.equal({ kind: 'failed', code });
    });
  }

  for (const [what, change] of [
    ['another id', { id: 0xbeee }],
    ['a query', { type: 'query' }],
    ['another name', { questions: [{ type: 'A', name: 'www.example.org', class: 'IN' }] }],
    ['another type', { questions: [{ type: 'AAAA', name: 'www.example.com', class: 'IN' }] }],
    ['another class', { questions: [{ type: 'A', name: 'www.example.com', class: 'CH' }] }],
    ['no question', { questions: [] }],
  ] as const) {
    it(`is not for us with ${what}`, () => {
      const packet = { ...change, answers: [a('www.example.com', '192.0.2.1')] } as Partial<Packet>;
      expect(answered(packet)).to.deep.equal({ kind: 'mismatch' });
    });
  }

  it('is authoritative or not: that does not matter', () => {
    expect(answered({ flags: AA, answers: [a('www.example.com', '192.0.2.1')] }).kind).to.equal('addresses');
  });

  it('is malformed when cut anywhere', () => {
    const whole = encode({
      type: 'response',
      id: question.id,
      flags: 0,
      questions: [{ type: 'A', name: question.name, class: 'IN' }],
      answers: [cname('www.example.com', 'b.example.net'), a('b.example.net', '192.0.2.1')],
    });
    for (let end = 2; end < whole.length; end++) {
      expect(decodeAnswer(whole.subarray(0, end), question).kind, `${end} bytes`).to.equal('malformed');
    }
    expect(decodeAnswer(whole.subarray(0, 1), question).kind, 'not even an id').to.equal('mismatch');
    expect(decodeAnswer(whole, question).kind).to.equal('addresses');
  });

  it('is malformed with more than one question, or with far more records than an address needs', () => {
    const asked = { type: 'A', name: question.name, class: 'IN' } as const;
    expect(answered({ questions: [asked, asked], answers: [a(question.name, '192.0.2.1')] }).kind).to.equal(
      'malformed',
    );
    const records = (count: number): Answer[] => Array.from({ length: count }, () => a(question.name, '192.0.2.1'));
    expect(answered({ answers: records(512) }).kind).to.equal('addresses');
    expect(answered({ answers: records(513) }).kind).to.equal('malformed');
  });

  it('is malformed when it counts more records than it can hold', () => {
    const whole = Buffer.from(encodeQuery(question, false));
    whole[2] |= 0x80;
    whole.writeUInt16BE(0xffff, 6);
    expect(decodeAnswer(whole, question)).to.deep.equal({ kind: 'malformed' });
  });
});
