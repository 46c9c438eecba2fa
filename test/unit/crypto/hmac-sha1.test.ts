/** The codes that mark a server's salts: the fast way against node:crypto's. */

import { expect } from 'chai';
import fc from 'fast-check';
import { createHmacSha1, nodeHmacSha1 } from '../../../src/crypto/hmac-sha1.js';

describe('HMAC-SHA1 of short messages', () => {
  const fast = createHmacSha1();

  it('is the fast one here', () => {
    expect(fast).not.to.equal(nodeHmacSha1);
  });

  it('begins as RFC 2202 has it', () => {
    const key = new Uint8Array(20).fill(0x0b);
    expect(fast.firstWord(key, Buffer.from('Hi There'), 0, 8)).to.equal(0xb6173186 | 0);
  });

  it('is what node:crypto gives, for keys and messages of any length that fits, one after the other', () => {
    const key = fc.uint8Array({ maxLength: 64 });
    const message = fc.uint8Array({ maxLength: 55 });
    fc.assert(
      fc.property(key, message, fc.nat(9), (secret, text, at) => {
        const around = Buffer.concat([Buffer.alloc(at, 1), text, Buffer.alloc(9, 2)]);
        const expected = nodeHmacSha1.firstWord(secret, around, at, text.length);
        expect(fast.firstWord(secret, around, at, text.length)).to.equal(expected);
      }),
    );
  });

  it('refuses what does not fit', () => {
    expect(() => fast.firstWord(new Uint8Array(65), new Uint8Array(8), 0, 8)).to.throw(RangeError);
    expect(() => fast.firstWord(new Uint8Array(8), new Uint8Array(56), 0, 56)).to.throw(RangeError);
  });
});
