import { expect } from 'chai';
import { lookUpHosts, parseHosts } from '../../../src/dns/hosts.js';
import { formatIpAddress } from '../../../src/net/ip-address.js';

function lookUp(text: string, name: string): string[] | undefined {
  return lookUpHosts(parseHosts(text), name)?.map(formatIpAddress);
}

describe('the hosts file', () => {
  const text = [
    '127.0.0.1\tlocalhost',
    '# 192.0.2.9 commented.example',
    '192.0.2.1 Web.Example web  # the front end',
    '2001:db8::1 web.example',
    '192.0.2.2 web.example',
    '192.0.2.1 web.example',
    'fe80::1%lo0 zoned.example',
    'nonsense bad.example',
    '192.0.2.5',
    '192.0.2.6 b..d good.example.\r',
  ].join('\n');

  it('gives all addresses of a name, in order and once', () => {
    expect(lookUp(text, 'web.example')).to.deep.equal(['192.0.2.1', '2001:db8::1', '192.0.2.2']);
  });

  it('knows aliases', () => {
    expect(lookUp(text, 'web')).to.deep.equal(['192.0.2.1']);
    expect(lookUp(text, 'good.example')).to.deep.equal(['192.0.2.6']);
  });

  for (const name of ['commented.example', 'zoned.example', 'bad.example', 'b..d', 'unknown.example']) {
    it(`does not know ${name}`, () => {
      expect(lookUp(text, name)).to.equal(undefined);
    });
  }

  it('has localhost as loopback, whatever it says', () => {
    const loopback = ['127.0.0.1', '::1'];
    expect(lookUp('', 'localhost')).to.deep.equal(loopback);
    expect(lookUp('192.0.2.1 localhost app.localhost', 'localhost')).to.deep.equal(loopback);
    expect(lookUp('192.0.2.1 localhost app.localhost', 'app.localhost')).to.deep.equal(loopback);
    expect(lookUp('', 'notlocalhost')).to.equal(undefined);
  });
});
