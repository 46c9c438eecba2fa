import { expect } from 'chai';
import { formatTarget } from '../../../src/net/target.js';
import { SocksCredentials } from '../../../src/socks/credentials.js';
import { Socks5Handshake } from '../../../src/socks/socks5.js';
import type { HandshakeRecord } from '../../support/socks-handshake.js';
import { cutAt, runHandshake } from '../../support/socks-handshake.js';
import { fromHex } from '../../support/vectors.js';

const CONNECT_V4 = '05 01 00 01 c0000207 01bb';
const CONNECT_NAME = '05 01 00 03 0b 6578616d706c652e636f6d 0050';
const CONNECT_V6 = '05 01 00 04 20010db8000000000000000000020001 20fb';
const users = new SocksCredentials([{ user: 'ann', password: 'secret' }]);
const ANN = '01 03 616e6e 06 736563726574';

function run(hex: string, credentials?: SocksCredentials): HandshakeRecord {
  return runHandshake([fromHex(hex)], credentials);
}

function targetOf(record: HandshakeRecord): string {
  return record.request === undefined ? `failed: ${record.failure}` : formatTarget(record.request.target);
}

describe('the SOCKS5 handshake', () => {
  it('reads CONNECT to IPv4, IPv6 and names', () => {
    expect(targetOf(run(`05 01 00 ${CONNECT_V4}`))).to.equal('192.0.2.7:443');
    expect(targetOf(run(`05 01 00 ${CONNECT_V6}`))).to.equal('[2001:db8::2:1]:8443');
    expect(targetOf(run(`05 01 00 ${CONNECT_NAME}`))).to.equal('example.com:80');
    expect(run(`05 01 00 ${CONNECT_V4}`).request?.command).to.equal('connect');
  });

  it('answers the method choice, and leaves the payload to the next stage', () => {
    const record = run(`05 03 02 01 00 ${CONNECT_NAME} 474554`);
    expect(record.sent).to.equal('0500');
    expect(record.leftover).to.equal('474554');
  });

  it('authenticates by user and password, pipelined', () => {
    const record = run(`05 02 00 02 ${ANN} ${CONNECT_V4} 474554`, users);
    expect(record.sent).to.equal('05020100');
    expect(targetOf(record)).to.equal('192.0.2.7:443');
    expect(record.leftover).to.equal('474554');
  });

  it('gives the same result at every cut into two, and byte by byte', () => {
    for (const [hex, credentials] of [
      [`05 02 00 02 ${ANN} ${CONNECT_NAME} 474554`, users],
      [`05 01 00 ${CONNECT_V6} 474554`, undefined],
    ] as const) {
      const bytes = fromHex(hex);
      const whole = runHandshake([bytes], credentials);
      expect(whole.leftover).to.equal('474554');
      for (let cut = 0; cut <= bytes.length; cut++) {
        expect(runHandshake(cutAt(bytes, cut), credentials), `cut at ${cut}`).to.deep.equal(whole);
      }
      const singles = Array.from(bytes, (byte) => Uint8Array.of(byte));
      expect(runHandshake(singles, credentials)).to.deep.equal(whole);
    }
  });

  it('waits at every truncation', () => {
    const bytes = fromHex(`05 01 02 ${ANN} ${CONNECT_NAME}`);
    for (let end = 0; end < bytes.length; end++) {
      const record = runHandshake([bytes.subarray(0, end)], users);
      expect([record.request, record.failure], `${end} bytes`).to.deep.equal([undefined, undefined]);
    }
  });

  it('keeps the other commands for the caller to judge', () => {
    expect(run('05 01 00 05 02 00 01 00000000 0000').request?.command).to.equal('bind');
    expect(run('05 01 00 05 03 00 01 00000000 0000').request?.command).to.equal('udp-associate');
  });

  for (const [what, hex, sent, failure] of [
    ['an unknown command', `05 01 00 05 04 00 01 c0000207 01bb`, '0500 05070001 000000000000', 'unknown-command'],
    ['command 0', `05 01 00 05 00 00 01 c0000207 01bb`, '0500 05070001 000000000000', 'unknown-command'],
    ['ATYP 2', `05 01 00 05 01 00 02`, '0500 05080001 000000000000', 'address-type'],
    ['ATYP 0x11', `05 01 00 05 01 00 11 c0000207`, '0500 05080001 000000000000', 'address-type'],
    ['an empty name', `05 01 00 05 01 00 03 00`, '0500 05010001 000000000000', 'empty-name'],
    ['a name with NUL', `05 01 00 05 01 00 03 03 610062 0050`, '0500 05010001 000000000000', 'bad-name'],
    ['a request of another version', `05 01 00 04`, '0500 05010001 000000000000', 'version'],
    ['SOCKS4', '04 01 0050 c0000207 00', '', 'version'],
    ['HTTP', '474554202f20485454502f312e310d0a', '', 'version'],
    ['no methods', '05 00', '05ff', 'no-acceptable-method'],
    ['only user/password, where none is configured', '05 01 02', '05ff', 'no-acceptable-method'],
    ['only GSSAPI', '05 01 01', '05ff', 'no-acceptable-method'],
  ]) {
    it(`answers ${what} with ${sent === '' ? 'nothing' : sent}`, () => {
      const record = run(hex);
      expect(record.sent).to.equal(sent.replaceAll(' ', ''));
      expect(record.failure).to.equal(failure);
      expect(record.request).to.equal(undefined);
    });
  }

  for (const [what, hex, sent, failure] of [
    ['a client that does not offer it', '05 01 00', '05ff', 'no-acceptable-method'],
    ['no methods', '05 00', '05ff', 'no-acceptable-method'],
    ['a wrong password', '05 01 02 01 03 616e6e 06 736563726573', '05020101', 'bad-credentials'],
    ['a wrong user', '05 01 02 01 03 616e6d 06 736563726574', '05020101', 'bad-credentials'],
    ['empty fields', '05 01 02 01 00 00', '05020101', 'bad-credentials'],
    ['version 5 in the sub-negotiation', '05 01 02 05 03 616e6e', '05020101', 'version'],
  ]) {
    it(`with authentication required, answers ${what} with ${sent}`, () => {
      const record = run(hex, users);
      expect(record.sent).to.equal(sent);
      expect(record.failure).to.equal(failure);
    });
  }

  it('takes the longest greeting, credentials and name, in one piece and in single bytes', () => {
    const long = 'a'.repeat(255);
    const longHex = '61'.repeat(255);
    const credentials = new SocksCredentials([{ user: long, password: long }]);
    const methods = `${'80'.repeat(254)}02`;
    const bytes = fromHex(`05 ff ${methods} 01 ff ${longHex} ff ${longHex} 05 01 00 03 ff ${longHex} 0050 00`);
    const whole = runHandshake([bytes], credentials);
    expect(targetOf(whole)).to.equal(`${long}:80`);
    expect(whole.leftover).to.equal('00');
    const singles = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect(runHandshake(singles, credentials)).to.deep.equal(whole);
  });

  it('must not be fed once it is over', () => {
    const handshake = new Socks5Handshake(new SocksCredentials([]));
    expect(handshake.feed(fromHex('04'), 0, 1).kind).to.equal('failed');
    expect(() => handshake.feed(fromHex('05'), 0, 1)).to.throw(/over/);
  });
});
