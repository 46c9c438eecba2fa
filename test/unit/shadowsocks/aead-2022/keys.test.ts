/** Keys of the 2022 edition as a person writes them, and the users that a hash finds. */

import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { MAX_IDENTITY_KEYS, type ShadowsocksEndpoint } from '../../../../src/config/types.js';
import {
  equalBytes,
  IDENTITY_LENGTH,
  keyChainOf,
  parseKeyChain,
  UserKeys,
  wipeKeyChain,
} from '../../../../src/shadowsocks/aead-2022/keys.js';

function keyOf(seed: number, length = 32): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 29 + seed * 7 + 200) & 0xff);
}

function text(key: Uint8Array): string {
  return Buffer.from(key).toString('base64');
}

describe('the keys of an endpoint of the 2022 edition', () => {
  it('are one user key, or the keys of the hops in front of it as well', () => {
    expect(parseKeyChain(text(keyOf(1)), 32)).to.deep.equal({ identityKeys: [], userKey: keyOf(1) });
    const three = [keyOf(1, 16), keyOf(2, 16), keyOf(3, 16)];
    expect(parseKeyChain(three.map(text).join(':'), 16)).to.deep.equal({
      identityKeys: [three[0], three[1]],
      userKey: three[2],
    });
  });

  it('may be written without padding', () => {
    const pair = [text(keyOf(1, 16)), text(keyOf(2, 16))].map((key) => key.replace(/=+$/, ''));
    expect(parseKeyChain(pair.join(':'), 16)?.userKey).to.deep.equal(keyOf(2, 16));
  });

  it('are refused where one is of another length or no base64, never hashed to fit', () => {
    const good = text(keyOf(1));
    for (const wrong of ['', text(keyOf(2, 31)), text(keyOf(2, 33)), text(keyOf(2, 16)), 'not base64!']) {
      for (const written of [wrong, `${wrong}:${good}`, `${good}:${wrong}`, `${good}:${wrong}:${good}`]) {
        expect(parseKeyChain(written, 32), written).to.equal(undefined);
      }
    }
  });

  it('are at most so many as one packet has room for', () => {
    const keys = (count: number) => Array.from({ length: count }, (_, i) => text(keyOf(i))).join(':');
    expect(parseKeyChain(keys(MAX_IDENTITY_KEYS + 1), 32)?.identityKeys).to.have.length(MAX_IDENTITY_KEYS);
    expect(parseKeyChain(keys(MAX_IDENTITY_KEYS + 2), 32)).to.equal(undefined);
  });

  it('come from `key` where there is one, else from the password', () => {
    const endpoint: ShadowsocksEndpoint = { host: '::', port: 1, method: 'aes-256-gcm', password: text(keyOf(1)) };
    expect(keyChainOf(endpoint, 32).userKey).to.deep.equal(keyOf(1));
    expect(keyChainOf({ ...endpoint, key: text(keyOf(2)) }, 32).userKey).to.deep.equal(keyOf(2));
    expect(() => keyChainOf({ ...endpoint, password: 'secret' }, 32)).to.throw(RangeError, '32 bytes');
  });

  it('are overwritten at the end', () => {
    const chain = { identityKeys: [keyOf(1), keyOf(2)], userKey: keyOf(3) };
    wipeKeyChain(chain);
    expect([...chain.identityKeys, chain.userKey].every((key) => key.every((byte) => byte === 0))).to.equal(true);
  });
});

describe('the users of a server', () => {
  /** Any hash will do here: the vectors have the true one. */
  function hashKey(key: Uint8Array, into: Uint8Array, at: number): void {
    into.set(createHash('sha256').update(key).digest().subarray(0, IDENTITY_LENGTH), at);
  }

  it('are found by the hash of their key, wherever it stands', () => {
    const users = Array.from({ length: 1000 }, (_, i) => ({
      name: `user ${i}`,
      key: new Uint8Array(Buffer.from(`${i}`.padStart(16))),
    }));
    const table = new UserKeys(users, hashKey);
    for (const user of users) {
      const bytes = new Uint8Array(40).fill(0xee);
      hashKey(user.key, bytes, 7);
      expect(table.find(bytes, 7)).to.equal(user);
      bytes[7 + (user.name.length % IDENTITY_LENGTH)] ^= 1;
      expect(table.find(bytes, 7)).to.equal(undefined);
    }
  });

  it('are told apart where their hashes begin alike', () => {
    const alike = (key: Uint8Array, into: Uint8Array, at: number): void => {
      into.fill(1, at, at + IDENTITY_LENGTH);
      into[at + IDENTITY_LENGTH - 1] = key[0];
    };
    const users = [keyOf(1), keyOf(2), keyOf(3)].map((key) => ({ key }));
    const table = new UserKeys(users, alike);
    const bytes = new Uint8Array(IDENTITY_LENGTH);
    for (const user of users) {
      alike(user.key, bytes, 0);
      expect(table.find(bytes, 0)).to.equal(user);
    }
    bytes[IDENTITY_LENGTH - 1] = 0;
    expect(table.find(bytes, 0)).to.equal(undefined);
  });
});

describe('the comparison of secret bytes', () => {
  it('sees every difference, in either direction', () => {
    const expected = keyOf(1);
    const bytes = new Uint8Array(50);
    bytes.set(expected, 9);
    expect(equalBytes(expected, bytes, 9)).to.equal(true);
    for (let i = 0; i < expected.length; i++) {
      for (const change of [1, 0x80, 0xff]) {
        bytes[9 + i] ^= change;
        expect(equalBytes(expected, bytes, 9)).to.equal(false);
        bytes[9 + i] ^= change;
      }
    }
  });
});
