import { expect } from 'chai';

import { formatHostPort, parseHostPort } from '../../../src/config/host-port.js';

describe('an address as people write it', () => {
  for (const [text, address] of [
    ['127.0.0.1:1080', { host: '127.0.0.1', port: 1080 }],
    ['proxy.example:8388', { host: 'proxy.example', port: 8388 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    ['[2001:db8::1]', { host: '2001:db8::1' }],
    ['2001:db8::1', { host: '2001:db8::1' }],
    ['::1:8388', { host: '::1:8388' }],
    ['localhost', { host: 'localhost' }],
    [':65535', { port: 65535 }],
  ] as const) {
    it(`reads ${text}`, () => {
      expect(parseHostPort(text)).to.deep.equal(address);
    });
  }

  for (const text of [
    '',
    ':',
    'a:65536',
    'a:-1',
    'a:1x',
    'a:',
    '[::1',
    '[127.0.0.1]:80',
    'a b:80',
    'http://a:80',
    'a:b:80',
  ]) {
    it(`refuses "${text}"`, () => {
      expect(parseHostPort(text)).to.equal(undefined);
    });
  }

  it('puts an IPv6 address in brackets', () => {
    expect(formatHostPort({ host: '::1', port: 80 })).to.equal('[::1]:80');
    expect(formatHostPort({ host: 'a.example', port: 80 })).to.equal('a.example:80');
  });
});
