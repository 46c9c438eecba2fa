import { expect } from 'chai';
import { parseResolvConf } from '../../../src/dns/resolv-conf.js';
import { formatIpAddress } from '../../../src/net/ip-address.js';

const serversOf = (text: string): string[] =>
  parseResolvConf(text).servers.map(({ address, zone }) => [formatIpAddress(address), zone].join(zone && '%'));

describe('resolv.conf', () => {
  it('has the defaults of libc when it is empty', () => {
    expect(serversOf('')).to.deep.equal(['127.0.0.1']);
    const { servers: _, ...rest } = parseResolvConf('');
    expect(rest).to.deep.equal({
      search: [],
      ndots: 1,
      timeoutMs: 5000,
      attempts: 2,
      rotate: false,
      tcpOnly: false,
    });
  });

  it('lists at most three name servers of both families, in order', () => {
    const text =
      'nameserver 192.0.2.1\n  nameserver\t2001:db8::1  # second\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n';
    expect(serversOf(text)).to.deep.equal(['192.0.2.1', '2001:db8::1', '192.0.2.3']);
  });

  it('passes over what is no address of ours', () => {
    const text =
      'nameserver\nnameserver fe80::1%\nnameserver 192.0.2.9%eth0\nnameserver ns.example\nnameserver 192.0.2.1\nnameservers 192.0.2.2\n';
    expect(serversOf(text)).to.deep.equal(['192.0.2.1']);
  });

  it('names the interface of a link-local name server', () => {
    expect(
      serversOf('nameserver fe80::1%eth0\nnameserver fe80::2%7 # by its number\nnameserver fe80::3'),
    ).to.deep.equal(['fe80::1%eth0', 'fe80::2%7', 'fe80::3']);
  });

  it('passes over comments', () => {
    expect(serversOf('# nameserver 192.0.2.1\n; nameserver 192.0.2.2\nnameserver 192.0.2.3 ; here\r\n')).to.deep.equal([
      '192.0.2.3',
    ]);
  });

  it('takes the last of search and domain, at most six suffixes', () => {
    expect(parseResolvConf('domain Example.COM\n').search).to.deep.equal(['example.com']);
    expect(parseResolvConf('domain a.example\nsearch b.example c.example.\n').search).to.deep.equal([
      'b.example',
      'c.example',
    ]);
    expect(parseResolvConf('search b.example c.example\ndomain a.example d.example\n').search).to.deep.equal([
      'a.example',
    ]);
    expect(parseResolvConf('search a b c d e f g h\n').search).to.deep.equal(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(parseResolvConf('search .\n').search).to.deep.equal([]);
  });

  it('reads options, within their bounds', () => {
    expect(parseResolvConf('options ndots:2 timeout:3 attempts:4 rotate use-vc edns0\n')).to.deep.include({
      ndots: 2,
      timeoutMs: 3000,
      attempts: 4,
      rotate: true,
      tcpOnly: true,
    });
    expect(parseResolvConf('options ndots:99\noptions timeout:99 attempts:99\n')).to.deep.include({
      ndots: 15,
      timeoutMs: 30_000,
      attempts: 5,
    });
    expect(parseResolvConf('options timeout:0 attempts:0 ndots:0\n')).to.deep.include({
      ndots: 0,
      timeoutMs: 1000,
      attempts: 1,
    });
    expect(parseResolvConf('options timeout:soon attempts: ndots\n')).to.deep.include({
      ndots: 1,
      timeoutMs: 5000,
      attempts: 2,
    });
  });
});
