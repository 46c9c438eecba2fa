/** Raw keys as a person writes them; passwords are in the vectors. */

import { expect } from 'chai';
import { keyFromBase64, keyFromPassword } from '../../../src/crypto/master-key.js';
import { masterKeyOf } from '../../../src/shadowsocks/keyring.js';

const key = Uint8Array.from({ length: 32 }, (_, i) => (i * 37 + 250) & 0xff);
const base64 = Buffer.from(key).toString('base64');

describe('a master key', () => {
  it('is read from base64 in either alphabet, padded or not', () => {
    expect(base64).to.match(/[+/]/);
    for (const text of [base64, base64.replace(/=+$/, ''), Buffer.from(key).toString('base64url')]) {
      expect(keyFromBase64(text, 32)).to.deep.equal(key);
    }
  });

  it('is none where the text is not base64, or of another length', () => {
    for (const text of [
      '',
      '====',
      'a b',
      `${base64}!`,
      `${base64.slice(0, 10)}\n${base64.slice(10)}`,
      'key',
      base64.slice(0, 40),
    ]) {
      expect(keyFromBase64(text, 32), text).to.equal(undefined);
    }
    expect(keyFromBase64(base64, 16)).to.equal(undefined);
  });

  it('comes from `key` where there is one, else from the password', () => {
    const endpoint = { host: '::', port: 1, method: 'aes-256-gcm', password: 'secret' } as const;
    expect(masterKeyOf(endpoint)).to.deep.equal(keyFromPassword('secret', 32));
    expect(masterKeyOf({ ...endpoint, key: base64 })).to.deep.equal(key);
    expect(() => masterKeyOf({ ...endpoint, method: 'aes-128-gcm', key: base64 })).to.throw(RangeError, '16 bytes');
  });
});
