import { expect } from 'chai';
import { NameServers, parseNameServer } from '../../../src/dns/name-servers.js';
import { formatIpAddress } from '../../../src/net/ip-address.js';

describe('name servers', () => {
  for (const [text, expected] of [
    ['192.0.2.1', '192.0.2.1 53'],
    ['192.0.2.1:5353', '192.0.2.1 5353'],
    ['2001:db8::1', '2001:db8::1 53'],
    ['[2001:db8::1]', '2001:db8::1 53'],
    ['[2001:db8::1]:5353', '2001:db8::1 5353'],
    ['fe80::1%wg_home.1', 'fe80::1 53 on wg_home.1'],
    ['[fe80::1%3]:5353', 'fe80::1 5353 on 3'],
  ]) {
    it(`are read from ${text}`, () => {
      const { address, port, zone } = parseNameServer(text);
      expect(`${formatIpAddress(address)} ${port}${zone && ` on ${zone}`}`).to.equal(expected);
    });
  }

  for (const text of [
    '',
    ':53',
    'dns.example',
    '192.0.2.1:',
    '192.0.2.1:0',
    '192.0.2.1:65536',
    '[::1',
    '[::1]53',
    'fe80::1%',
    'fe80::1%eth0:53',
    'fe80::1%../eth0',
    'fe80::1%a-name-too-long-',
    '192.0.2.1%eth0',
    '1.2:53',
  ]) {
    it(`are not read from ${JSON.stringify(text)}`, () => {
      expect(() => parseNameServer(text)).to.throw(RangeError, /is not a name server: expected an address such as/);
    });
  }

  it('begin with the one that answered last, unless they rotate', () => {
    const list = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map(parseNameServer);
    const fixed = new NameServers(list, false);
    expect([fixed.begin(), fixed.begin()]).to.deep.equal([0, 0]);
    fixed.prefer(list[2] ?? expect.fail());
    expect([fixed.begin(), fixed.begin()]).to.deep.equal([2, 2]);
    const rotating = new NameServers(list, true);
    expect([rotating.begin(), rotating.begin(), rotating.begin(), rotating.begin()]).to.deep.equal([0, 1, 2, 0]);
    rotating.prefer(list[0] ?? expect.fail());
    expect(rotating.begin()).to.equal(1);
  });
});
