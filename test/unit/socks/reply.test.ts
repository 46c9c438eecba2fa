import { expect } from 'chai';
import type { IpAddress } from '../../../src/net/ip-address.js';
import { parseIpAddress } from '../../../src/net/ip-address.js';
import { encodeReply, REP, replyForErrno } from '../../../src/socks/reply.js';
import { toHex } from '../../support/vectors.js';

describe('SOCKS5 replies', () => {
  it('name 0.0.0.0:0 where there is nothing to name', () => {
    for (const rep of Object.values(REP)) {
      expect(toHex(encodeReply(rep))).to.equal(`05${rep.toString(16).padStart(2, '0')}0001000000000000`);
    }
  });

  it('carry the bound address', () => {
    const v4 = { address: parseIpAddress('192.0.2.7') as IpAddress, port: 443 };
    const v6 = { address: parseIpAddress('2001:db8::1') as IpAddress, port: 65535 };
    expect(toHex(encodeReply(REP.SUCCEEDED, v4))).to.equal('05000001c000020701bb');
    expect(toHex(encodeReply(REP.SUCCEEDED, v6))).to.equal('0500000420010db8000000000000000000000001ffff');
  });

  for (const [code, rep] of [
    ['ENETUNREACH', 3],
    ['EHOSTUNREACH', 4],
    ['ETIMEDOUT', 4],
    ['ENOTFOUND', 4],
    ['EAI_AGAIN', 4],
    ['ECONNREFUSED', 5],
    ['EACCES', 2],
    ['ECONNRESET', 1],
    ['EMFILE', 1],
    ['toString', 1],
    ['', 1],
  ] as const) {
    it(`say ${rep} for ${code || 'no code'}`, () => {
      expect(replyForErrno(code)).to.equal(rep);
    });
  }
});
