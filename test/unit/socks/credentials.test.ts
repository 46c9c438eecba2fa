import { expect } from 'chai';
import { SocksCredentials } from '../../../src/socks/credentials.js';

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('SOCKS credentials', () => {
  const credentials = new SocksCredentials([
    { user: 'ann', password: 'secret' },
    { user: 'bob', password: '' },
    { user: 'zoë', password: 'пароль' },
  ]);

  it('let each configured pair in', () => {
    expect(credentials.matches(bytes('ann'), bytes('secret'))).to.equal(true);
    expect(credentials.matches(bytes('bob'), bytes(''))).to.equal(true);
    expect(credentials.matches(bytes('zoë'), bytes('пароль'))).to.equal(true);
  });

  for (const [user, password] of [
    ['ann', ''],
    ['ann', 'secre'],
    ['ann', 'secrets'],
    ['Ann', 'secret'],
    ['bob', 'secret'],
    ['', 'secret'],
    ['', ''],
    ['anns', 'ecret'],
    ['annsecret', ''],
  ]) {
    it(`keep ${JSON.stringify(user)} with ${JSON.stringify(password)} out`, () => {
      expect(credentials.matches(bytes(user), bytes(password))).to.equal(false);
    });
  }

  it('are required only where there are some, and nobody matches an empty list', () => {
    expect(credentials.required).to.equal(true);
    expect(new SocksCredentials([]).required).to.equal(false);
    expect(new SocksCredentials([]).matches(bytes(''), bytes(''))).to.equal(false);
  });

  it('refuse what no client could send', () => {
    expect(() => new SocksCredentials([{ user: 'a'.repeat(256), password: '' }])).to.throw(RangeError, /255 bytes/);
    expect(() => new SocksCredentials([{ user: 'a', password: 'é'.repeat(128) }])).to.throw(RangeError, /255 bytes/);
    expect(new SocksCredentials([{ user: 'a'.repeat(255), password: '' }]).required).to.equal(true);
  });
});
