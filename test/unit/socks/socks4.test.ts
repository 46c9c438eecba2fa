import { expect } from 'chai';
import { formatTarget } from '../../../src/net/target.js';
import { MAX_FIELD_LENGTH, Socks4Handshake } from '../../../src/socks/socks4.js';
import type { HandshakeRecord } from '../../support/socks-handshake.js';
import { cutAt, runHandshake4 } from '../../support/socks-handshake.js';
import { fromHex } from '../../support/vectors.js';

const CONNECT = '04 01 01bb c0000207 616e6e 00';
const CONNECT_4A = '04 01 0050 00000001 00 6578616d706c652e636f6d 00';
const REJECTED = '005b000000000000';

function run(hex: string, isOpen = true): HandshakeRecord {
  return runHandshake4([fromHex(hex)], isOpen);
}

function targetOf({ request, failure }: HandshakeRecord): string {
  return request === undefined ? `failed: ${failure}` : formatTarget(request.target);
}

describe('the SOCKS4 handshake', () => {
  it('reads CONNECT to addresses, and (4a) to names', () => {
    expect(targetOf(run(CONNECT))).to.equal('192.0.2.7:443');
    expect(targetOf(run(CONNECT_4A))).to.equal('example.com:80');
    expect(run(CONNECT).request?.command).to.equal('connect');
  });

  it('leaves the payload to the next stage, and sends nothing of its own', () => {
    for (const hex of [CONNECT, CONNECT_4A]) {
      const { sent, leftover } = run(`${hex} 474554`);
      expect([sent, leftover]).to.deep.equal(['', '474554']);
    }
  });

  it('gives the same result at every cut into two, and byte by byte', () => {
    for (const hex of [
      CONNECT,
      CONNECT_4A,
      '04 02 0000 00000000 00',
      '04 01 0050 00000009 00 00',
      '04 03 0050 01020304 00',
    ]) {
      const bytes = fromHex(`${hex} 474554`);
      const whole = runHandshake4([bytes]);
      for (let cut = 0; cut <= bytes.length; cut++) {
        expect(runHandshake4(cutAt(bytes, cut)), `cut at ${cut}`).to.deep.equal(whole);
      }
      const singles = Array.from(bytes, (byte) => Uint8Array.of(byte));
      expect(runHandshake4(singles)).to.deep.equal(whole);
    }
  });

  it('waits at every truncation', () => {
    for (const bytes of [CONNECT, CONNECT_4A].map(fromHex)) {
      for (let end = 0; end < bytes.length; end++) {
        const { request, failure } = runHandshake4([bytes.subarray(0, end)]);
        expect([request, failure], `${end} bytes`).to.deep.equal([undefined, undefined]);
      }
    }
  });

  it('takes 0.0.0.0 for the address that it is, not for the mark of a name', () => {
    expect(targetOf(run('04 01 0050 00000000 00 6100'))).to.equal('0.0.0.0:80');
    expect(run('04 01 0050 00000000 00 6100').leftover).to.equal('6100');
  });

  it('takes an address written as a name for the address', () => {
    expect(run(`04 01 0050 00000001 00 ${Buffer.from('192.0.2.7').toString('hex')} 00`).request?.target.kind).to.equal(
      'ip',
    );
  });

  it('keeps BIND for the caller to judge', () => {
    expect(run('04 02 0050 c0000207 00').request?.command).to.equal('bind');
  });

  it('takes the longest user id and name, and none longer', () => {
    const field = (length: number) => '61'.repeat(length);
    const request = (user: number, name: number) => `04 01 0050 00000001 ${field(user)} 00 ${field(name)} 00 aa`;
    const longest = run(request(MAX_FIELD_LENGTH, MAX_FIELD_LENGTH));
    expect(targetOf(longest)).to.equal(`${'a'.repeat(255)}:80`);
    expect(longest.leftover).to.equal('aa');
    expect(run(request(MAX_FIELD_LENGTH + 1, 1)).failure).to.equal('too-long');
    expect(run(request(1, MAX_FIELD_LENGTH + 1)).failure).to.equal('bad-name');
    // Known before the end has come.
    expect(run(`04 01 0050 00000001 ${field(256)}`).failure).to.equal('too-long');
  });

  for (const [what, hex, sent, failure] of [
    ['another version', '05 01 00', '', 'version'],
    ['HTTP', '474554202f20485454502f312e310d0a', '', 'version'],
    ['command 0', '04 00 0050 c0000207 00', REJECTED, 'unknown-command'],
    ['command 3', '04 03 0050 c0000207 00', REJECTED, 'unknown-command'],
    ['an empty name', '04 01 0050 00000001 00 00', REJECTED, 'empty-name'],
    ['a name with a line break', '04 01 0050 00000001 00 610a62 00', REJECTED, 'bad-name'],
    ['a name that is not UTF-8', '04 01 0050 00000001 00 61ff62 00', REJECTED, 'bad-name'],
  ]) {
    it(`answers ${what} with ${sent === '' ? 'nothing' : sent}`, () => {
      const record = run(hex);
      expect([record.sent, record.failure, record.request]).to.deep.equal([sent, failure, undefined]);
    });
  }

  it('refuses everybody where somebody has to authenticate, at the end of the request', () => {
    for (const hex of [CONNECT, CONNECT_4A]) {
      const { sent, failure } = run(hex, false);
      expect([sent, failure]).to.deep.equal([REJECTED, 'unauthenticated']);
      expect(run(hex.slice(0, -2), false).failure).to.equal(undefined);
    }
  });

  it('answers by 90 and 91', () => {
    const { answers } = new Socks4Handshake(true);
    expect(Buffer.from(answers.granted).toString('hex')).to.equal('005a000000000000');
    expect(Buffer.from(answers.unsupported).toString('hex')).to.equal(REJECTED);
    expect(Buffer.from(answers.refused('ECONNREFUSED')).toString('hex')).to.equal(REJECTED);
  });

  it('must not be fed once it is over', () => {
    const handshake = new Socks4Handshake(true);
    expect(handshake.feed(fromHex('05'), 0, 1).kind).to.equal('failed');
    expect(() => handshake.feed(fromHex('04'), 0, 1)).to.throw(/over/);
  });
});
