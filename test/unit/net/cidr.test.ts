import { expect } from 'chai';
import { CidrSet, parseCidr } from '../../../src/net/cidr.js';
import type { IpAddress } from '../../../src/net/ip-address.js';
import { formatIpAddress, parseIpAddress } from '../../../src/net/ip-address.js';

const at = (text: string): IpAddress => parseIpAddress(text) as IpAddress;

describe('CIDR blocks', () => {
  for (const [text, expected] of [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['192.168.77.5/20', '192.168.64.0/20'],
    ['1.2.3.4', '1.2.3.4/32'],
    ['255.255.255.255/0', '0.0.0.0/0'],
    [' fd00::/8 ', 'fd00::/8'],
    ['2001:db8:ffff::1/33', '2001:db8:8000::/33'],
    ['::1', '::1/128'],
    ['::ffff:10.1.0.0/104', '10.0.0.0/8'],
    ['::ffff:1.2.3.4', '1.2.3.4/32'],
    ['::ffff:1.2.3.4/90', '::ffc0:0:0/90'],
  ]) {
    it(`read ${JSON.stringify(text)} as ${expected}`, () => {
      const cidr = parseCidr(text);
      expect(`${formatIpAddress({ family: cidr.family, bytes: cidr.first })}/${cidr.prefixLength}`).to.equal(expected);
    });
  }

  for (const [text, message] of [
    ['', /"" is not a CIDR block: expected an address and a prefix length, such as/],
    ['localhost/8', /"localhost\/8" is not a CIDR block: expected an address/],
    ['10.0.0/8', /expected an address/],
    ['10.0.0.0/33', /IPv4 block is a number from 0 to 32/],
    ['::/129', /IPv6 block is a number from 0 to 128/],
    ['10.0.0.0/', /from 0 to 32/],
    ['10.0.0.0/-1', /from 0 to 32/],
    ['10.0.0.0/08', /from 0 to 32/],
    ['10.0.0.0/255.0.0.0', /from 0 to 32/],
  ] as const) {
    it(`refuse ${JSON.stringify(text)} and say why`, () => {
      expect(() => parseCidr(text)).to.throw(RangeError, message);
    });
  }
});

describe('a CIDR set', () => {
  it('holds both ends of its ranges and not their neighbours', () => {
    const set = new CidrSet(['10.0.0.0/8', '192.168.4.0/22', '10.20.0.0/16', '255.255.255.255/32', 'fd00::/8', '::1']);
    const inside = ['10.0.0.0', '10.255.255.255', '10.20.1.1', '192.168.4.0', '192.168.7.255', '255.255.255.255'];
    const outside = ['9.255.255.255', '11.0.0.0', '192.168.3.255', '192.168.8.0', '255.255.255.254', '0.0.0.0'];
    for (const text of [...inside, 'fd00::', 'fdff:ffff::1', '::1'])
      expect(set.contains(at(text)), text).to.equal(true);
    for (const text of [...outside, 'fcff::', 'fe00::', '::', '::2'])
      expect(set.contains(at(text)), text).to.equal(false);
  });

  it('treats IPv4-mapped addresses as IPv4', () => {
    const set = new CidrSet(['127.0.0.0/8']);
    expect(set.contains(at('::ffff:127.0.0.1'))).to.equal(true);
    expect(set.contains(at('::ffff:128.0.0.1'))).to.equal(false);
    expect(set.contains(at('::127.0.0.1'))).to.equal(false);
  });

  it('keeps the families apart', () => {
    expect(new CidrSet(['::/0']).contains(at('1.2.3.4'))).to.equal(false);
    expect(new CidrSet(['::/0']).contains(at('::ffff:1.2.3.4'))).to.equal(false);
    expect(new CidrSet(['0.0.0.0/0']).contains(at('::1'))).to.equal(false);
    expect(new CidrSet(['0.0.0.0/0']).contains(at('255.1.2.3'))).to.equal(true);
  });

  it('may be empty', () => {
    expect(new CidrSet([]).contains(at('1.2.3.4'))).to.equal(false);
    expect(new CidrSet([]).contains(at('::'))).to.equal(false);
  });
});
