/** Links by SIP002, and those that people made before it. */

import { expect } from 'chai';
import fc from 'fast-check';
import { formatSsLink, parseSsLink, type SsLink } from '../../../src/config/ss-link.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function linkOf(text: string): SsLink {
  const result = parseSsLink(text);
  return 'link' in result ? result.link : expect.fail(`${text} ${result.problem}`);
}

function problemOf(text: string): string {
  const result = parseSsLink(text);
  return 'problem' in result ? result.problem : expect.fail(`${text} was read`);
}

const SERVER = { host: '192.168.100.1', port: 8888, method: 'aes-128-gcm', password: 'test' };

describe('a link', () => {
  // The examples of SIP002.
  it('has method and password in base64url, with a name', () => {
    expect(linkOf('ss://YWVzLTEyOC1nY206dGVzdA@192.168.100.1:8888#Example1')).to.deep.equal({
      ...SERVER,
      tag: 'Example1',
    });
  });

  it('has a plugin with options', () => {
    const text = 'ss://cmM0LW1kNTpwYXNzd2Q@192.168.100.1:8888/?plugin=obfs-local%3Bobfs%3Dhttp#Example2';
    expect(linkOf(text)).to.deep.equal({
      ...SERVER,
      method: 'rc4-md5',
      password: 'passwd',
      plugin: { name: 'obfs-local', options: 'obfs=http' },
      tag: 'Example2',
    });
  });

  it('has the key of a 2022 method percent-encoded', () => {
    const key = 'YctPZ6U7xPPcU+gp3u+0tx/tRizJN9K8y+uKlW2qjlI=';
    const text = `ss://2022-blake3-aes-256-gcm:${encodeURIComponent(key)}@192.168.100.1:8888#Example3`;
    expect(linkOf(text)).to.deep.equal({
      ...SERVER,
      method: '2022-blake3-aes-256-gcm',
      password: key,
      tag: 'Example3',
    });
    expect(formatSsLink(linkOf(text))).to.equal(text);
  });

  it('has the keys of several hops, with colons in between', () => {
    const keys = `${base64('0123456789abcdef')}:${base64('fedcba9876543210')}`;
    const link = { ...SERVER, method: '2022-blake3-aes-128-gcm', password: keys };
    expect(formatSsLink(link)).to.match(/^ss:\/\/2022-blake3-aes-128-gcm:[^:]*%3D%3D%3A[^:]*%3D%3D@/);
    expect(linkOf(formatSsLink(link))).to.deep.equal(link);
  });

  it('may be padded, in the other alphabet, or have its padding percent-encoded', () => {
    const password = 'p?>~ÿ?';
    const plain = base64(`aes-128-gcm:${password}`);
    expect(plain).to.match(/[+/].*=/);
    for (const userinfo of [plain, plain.replaceAll('=', '%3D'), plain.replaceAll('=', '')]) {
      expect(linkOf(`ss://${userinfo}@192.168.100.1:8888`)).to.deep.equal({ ...SERVER, password });
    }
  });

  it('may be of the older form, base64 as a whole', () => {
    const password = 'a@b:c/d';
    const text = `ss://${base64(`aes-128-gcm:${password}@192.168.100.1:8888`)}`;
    expect(linkOf(`${text}#old%20one`)).to.deep.equal({ ...SERVER, password, tag: 'old one' });
    expect(linkOf(text.replaceAll('=', ''))).to.deep.equal({ ...SERVER, password });
  });

  it('may have an IPv6 address, a slash, unknown parameters, white space around and an upper-case scheme', () => {
    const text = ' SS://YWVzLTEyOC1nY206dGVzdA@[2001:db8::1]:8388/?group=x&plugin=#\n';
    expect(linkOf(text)).to.deep.equal({ ...SERVER, host: '2001:db8::1', port: 8388 });
  });

  it('keeps what a plugin escapes, and a plus', () => {
    const link = { ...SERVER, plugin: { name: 'v2ray-plugin', options: 'path=/a\\;b;host=x+y%20' } };
    expect(linkOf(formatSsLink(link))).to.deep.equal(link);
    expect(linkOf(formatSsLink({ ...SERVER, plugin: { name: 'p', options: '' } })).plugin).to.deep.equal({
      name: 'p',
      options: '',
    });
  });

  it('that is wrong gets a reason without its secret', () => {
    const secret = base64('aes-128-gcm:s3cret');
    for (const [text, reason] of [
      ['https://example.com', /must be a link that starts with ss:/],
      ['ss://', /no "@"/],
      [`ss://${secret}`, /no "@"/],
      ['ss://####', /no "@"/],
      [`ss://${secret}@`, /names the server ""/],
      [`ss://${secret}@host`, /names the server "host", which is not HOST:PORT/],
      [`ss://${secret}@host:0`, /not HOST:PORT/],
      [`ss://${secret}@host:99999`, /not HOST:PORT/],
      [`ss://${secret}@:8388`, /not HOST:PORT/],
      ['ss://s3cret@host:1', /no "method:password"|neither base64/],
      ['ss://s3cret!@host:1', /neither base64 nor percent-encoded/],
      ['ss://aes:s3cret%@host:1', /not percent-encoded/],
      [`ss://${base64('s3cret')}@host:1`, /no "method:password"/],
      [`ss://${Buffer.from([0xff, 0x3a, 0xfe]).toString('base64')}@host:1`, /neither base64/],
      [`ss://${secret}@host:1?plugin=%`, /plugin that is not percent-encoded/],
      [`ss://${secret}@host:1#%`, /name behind #/],
    ] as const) {
      const problem = problemOf(text);
      expect(problem, text).to.match(reason);
      expect(problem).not.to.include('s3cret').and.not.to.include(secret);
    }
  });

  it('is read as it was made, whatever is in it', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    const method = fc.constantFrom('aes-256-gcm', '2022-blake3-aes-256-gcm', 'none', 'x');
    const address = fc.constantFrom('192.0.2.1', '2001:db8::1', 'proxy.example');
    fc.assert(
      fc.property(
        method,
        text,
        address,
        fc.integer({ min: 1, max: 0xffff }),
        text,
        (name, password, host, port, tag) => {
          const link = { method: name, password, host, port, ...(tag === '' ? {} : { tag }) };
          expect(parseSsLink(formatSsLink(link))).to.deep.equal({ link });
        },
      ),
    );
  });

  it('that is anything at all makes nothing throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (rest) => {
        expect(parseSsLink(`ss://${rest}`)).to.have.any.keys('link', 'problem');
      }),
    );
  });
});
