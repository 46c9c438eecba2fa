/** The codes that mark a server's salts: the fast way against node:crypto's. */

import { expect } from 'chai';
import fc from 'fast-check';
import { createHmacSha1, nodeHmacSha1 } from '../../../src/crypto/hmac-sha1.js';

describe('HMAC-SHA1 of short messages', () => {
  it('is the fast one here', () => {
    const key = new Uint8Array(20);
    expect(Object.getPrototypeOf(createHmacSha1(key))).not.to.equal(Object.getPrototypeOf(nodeHmacSha1(key)));
  });

  it('begins as RFC 2202 has it', () => {
    const key = new Uint8Array(20).fill(0x0b);
    expect(createHmacSha1(key).firstWord(Buffer.from('Hi There'), 0, 8)).to.equal(0xb6173186 | 0);
  });

  it('is what node:crypto gives, for keys and messages of any length that fits, one after the other', () => {
    const key = fc.uint8Array({ maxLength: 64 });
    const message = fc.uint8Array({ maxLength: 55 });
    fc.assert(
      fc.property(key, message, fc.nat(9), (secret, text, at) => {
        const around = Buffer.concat([Buffer.alloc(at, 1), text, Buffer.alloc(9, 2)]);
        const expected = nodeHmacSha1(secret).firstWord(around, at, text.length);
        expect(createHmacSha1(secret).firstWord(around, at, text.length)).to.equal(expected);
      }),
    );
  });

  it('keeps several keys apart, and does not need what it was made with any more', () => {
    const text = Buffer.from('a message');
    const keys = [1, 2, 3].map((seed) => new Uint8Array(20).fill(seed));
    const expected = keys.map((key) => nodeHmacSha1(key).firstWord(text, 0, text.length));
    const codes = keys.map((key) => createHmacSha1(key));
    for (const key of keys) key.fill(0);
    for (const hmac of [codes, codes.toReversed()].flat()) {
      expect(hmac.firstWord(text, 0, text.length)).to.equal(expected[codes.indexOf(hmac)]);
    }
    codes[0].wipe();
    expect(codes[0].firstWord(text, 0, text.length)).not.to.equal(expected[0]);
  });

  it('refuses what does not fit', () => {
    expect(() => createHmacSha1(new Uint8Array(65))).to.throw(RangeError);
    expect(() => createHmacSha1(new Uint8Array(8)).firstWord(new Uint8Array(56), 0, 56)).to.throw(RangeError);
  });
});
