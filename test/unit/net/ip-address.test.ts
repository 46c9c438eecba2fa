import { expect } from 'chai';
import type { IpAddress } from '../../../src/net/ip-address.js';
import {
  formatIpAddress,
  isIpv4Mapped,
  parseIpAddress,
  sameIpAddress,
  unmapIpv4,
} from '../../../src/net/ip-address.js';
import { toHex } from '../../support/vectors.js';

function parsed(text: string): IpAddress {
  const address = parseIpAddress(text);
  if (address === undefined) throw new Error(`${text} was not parsed`);
  return address;
}

describe('IP addresses', () => {
  it('parse IPv4 literals', () => {
    expect(toHex(parsed('192.0.2.7').bytes)).to.equal('c0000207');
    expect(toHex(parsed('0.0.0.0').bytes)).to.equal('00000000');
    expect(toHex(parsed('255.255.255.255').bytes)).to.equal('ffffffff');
  });

  for (const text of [
    '',
    '0',
    '127.1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.4.',
    '.1.2.3.4',
    '1..3.4',
    '256.0.0.1',
    '1.2.3.1000',
    '01.2.3.4',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '2130706433',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.-4',
    '1.2.3.4/8',
    '١.2.3.4',
    'example.com',
  ]) {
    it(`refuse ${JSON.stringify(text)} as IPv4`, () => {
      expect(parseIpAddress(text)).to.equal(undefined);
    });
  }

  for (const [text, bytes, canonical] of [
    ['::', '00'.repeat(16), '::'],
    ['::1', `${'00'.repeat(15)}01`, '::1'],
    ['1::', `0001${'00'.repeat(14)}`, '1::'],
    ['2001:db8::2:1', '20010db8000000000000000000020001', '2001:db8::2:1'],
    ['2001:DB8:0:0:1:0:0:1', '20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2:0:0:0:3', '00010000000000020000000000000003', '1:0:0:2::3'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '00000002000300040005000600070008', '0:2:3:4:5:6:7:8'],
    ['::ffff:192.0.2.7', '00000000000000000000ffffc0000207', '::ffff:192.0.2.7'],
    ['::ffff:c000:207', '00000000000000000000ffffc0000207', '::ffff:192.0.2.7'],
    ['64:ff9b::10.0.0.1', '0064ff9b00000000000000000a000001', '64:ff9b::a00:1'],
    ['1:2:3:4:5:6:7.8.9.10', '0001000200030004000500060708090a', '1:2:3:4:5:6:708:90a'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255', 'ff'.repeat(16), `${'ffff:'.repeat(7)}ffff`],
  ]) {
    it(`parse ${text} and write it as ${canonical}`, () => {
      const address = parsed(text);
      expect(address.family).to.equal(6);
      expect(toHex(address.bytes)).to.equal(bytes);
      expect(formatIpAddress(address)).to.equal(canonical);
    });
  }

  for (const text of [
    ':',
    ':::',
    ':1',
    '1:',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '1:2:3:4::5:6:7:8',
    '12345::',
    'g::',
    '1:2:3:4:5:6:7:',
    ':1:2:3:4:5:6:7:8',
    '::1.2.3',
    '::1.2.3.4.5',
    '::01.2.3.4',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    '1.2.3.4::',
    'fe80::1%eth0',
    '[::1]',
    '::1 ',
    `${'0'.repeat(40)}::1`,
  ]) {
    it(`refuse ${JSON.stringify(text)} as IPv6`, () => {
      expect(parseIpAddress(text)).to.equal(undefined);
    });
  }

  it('unmap IPv4-mapped addresses and leave the others alone', () => {
    expect(formatIpAddress(unmapIpv4(parsed('::ffff:127.0.0.1')))).to.equal('127.0.0.1');
    expect(formatIpAddress(unmapIpv4(parsed('::127.0.0.1')))).to.equal('::7f00:1');
    expect(formatIpAddress(unmapIpv4(parsed('10.0.0.1')))).to.equal('10.0.0.1');
    expect(isIpv4Mapped(parsed('::ffff:0:0'))).to.equal(true);
    expect(isIpv4Mapped(parsed('::fffe:0:0'))).to.equal(false);
    expect(isIpv4Mapped(parsed('1::ffff:0:0'))).to.equal(false);
    expect(isIpv4Mapped(parsed('1.2.3.4'))).to.equal(false);
  });

  it('are the same by family and bytes', () => {
    expect(sameIpAddress(parsed('::1'), parsed('0:0:0:0:0:0:0:1'))).to.equal(true);
    expect(sameIpAddress(parsed('::1'), parsed('::2'))).to.equal(false);
    expect(sameIpAddress(parsed('1.2.3.4'), parsed('::ffff:1.2.3.4'))).to.equal(false);
  });
});
