import { expect } from 'chai';
import { EgressPolicy } from '../../../src/net/egress-policy.js';
import type { IpAddress } from '../../../src/net/ip-address.js';
import { parseIpAddress } from '../../../src/net/ip-address.js';

const at = (text: string): IpAddress => parseIpAddress(text) as IpAddress;

const REFUSED = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
];
const OPEN = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.1',
  '172.15.0.1',
  '172.32.0.1',
  '192.31.196.1',
  '223.255.255.255',
];
const embeddings = (ipv4: string): string[] => {
  const [a, b, c, d] = ipv4.split('.').map(Number);
  const high = ((a << 8) | b).toString(16);
  const low = ((c << 8) | d).toString(16);
  return [`::ffff:${ipv4}`, `64:ff9b::${ipv4}`, `2002:${high}:${low}::1`];
};

describe('the egress policy', () => {
  const policy = new EgressPolicy([]);

  for (const text of REFUSED) {
    it(`refuses ${text}, also inside IPv6`, () => {
      expect(policy.allows(at(text))).to.equal(false);
      for (const form of embeddings(text)) expect(policy.allows(at(form)), form).to.equal(false);
    });
  }

  for (const text of OPEN) {
    it(`lets ${text} through, also inside IPv6`, () => {
      expect(policy.allows(at(text))).to.equal(true);
      for (const form of embeddings(text)) expect(policy.allows(at(form)), form).to.equal(true);
    });
  }

  for (const text of [
    '::',
    '::1',
    '::8.8.8.8',
    '64:ff9b:1::8.8.8.8',
    '100::1',
    '2001::1',
    '2001:2::1',
    '2001:db8::1',
    '3fff::1',
    '4000::1',
    '5f00::1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'febf::1',
    'fec0::1',
    'ff02::1',
  ]) {
    it(`refuses ${text}`, () => {
      expect(policy.allows(at(text))).to.equal(false);
    });
  }

  for (const text of ['2606:4700:4700::1111', '2001:4860:4860::8888', '2a00:1450::1', '3ffe::1', '2001:200::1']) {
    it(`lets ${text} through`, () => {
      expect(policy.allows(at(text))).to.equal(true);
    });
  }

  it('opens what is listed and nothing beside it', () => {
    const open = new EgressPolicy(['127.0.0.0/8', 'fd00::/16']);
    expect(open.allows(at('127.0.0.1'))).to.equal(true);
    expect(open.allows(at('::ffff:127.0.0.1'))).to.equal(true);
    expect(open.allows(at('64:ff9b::127.0.0.1'))).to.equal(true);
    expect(open.allows(at('fd00::1'))).to.equal(true);
    expect(open.allows(at('fd01::1'))).to.equal(false);
    expect(open.allows(at('10.0.0.1'))).to.equal(false);
    expect(open.allows(at('::1'))).to.equal(false);
  });

  it('opens everything for both default routes', () => {
    const open = new EgressPolicy(['0.0.0.0/0', '::/0']);
    for (const text of [...REFUSED, ...REFUSED.flatMap(embeddings), '::', '::1', 'fe80::1', 'ff02::1']) {
      expect(open.allows(at(text)), text).to.equal(true);
    }
  });

  it('says which block it can not read', () => {
    expect(() => new EgressPolicy(['10.0.0.0/8', 'intranet'])).to.throw(RangeError, /"intranet" is not a CIDR block/);
  });
});
