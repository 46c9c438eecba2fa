/** The ciphers of a keyring: kept while it lives, bounded, and gone with it. */

import { expect } from 'chai';
import { Region } from '../../../../native-bindings/memory.js';
import { METHODS } from '../../../../src/crypto/methods.js';
import type { StreamCipher } from '../../../../src/crypto/stream-cipher.js';
import { POOL_LIMIT, UnauthenticatedKeyring } from '../../../../src/shadowsocks/stream/keyring.js';
import { UnauthenticatedRequestReader } from '../../../../src/shadowsocks/stream/request-reader.js';
import { UnauthenticatedOpener } from '../../../../src/shadowsocks/stream/stream-opener.js';
import { UnauthenticatedSealer } from '../../../../src/shadowsocks/stream/stream-sealer.js';
import { FORGETFUL } from '../../../support/salt-filters.js';

describe('a keyring without authentication', () => {
  const memory = new Region(4096);
  const method = METHODS['aes-128-ctr'];
  let made = 0;
  let freed = 0;
  let failing = false;

  /** Counts the ciphers instead of making any. */
  function make(): StreamCipher {
    made++;
    return {
      begin() {
        if (failing) throw new Error('libcrypto has no memory');
      },
      apply: () => undefined,
      free() {
        freed++;
      },
    };
  }

  function keyringOf(key = new Uint8Array(16).fill(1)): UnauthenticatedKeyring {
    return new UnauthenticatedKeyring(method, key, () => undefined, FORGETFUL, make);
  }

  beforeEach(() => {
    made = 0;
    freed = 0;
    failing = false;
  });

  after(() => memory.release());

  it('makes a cipher for each stream of a time, and uses them again', () => {
    const keyring = keyringOf();
    for (let round = 0; round < 3; round++) {
      const openers = Array.from({ length: 5 }, () => new UnauthenticatedOpener(keyring, 'server'));
      for (const opener of openers) opener.open(memory, 0, 40, memory, 1000);
      for (const opener of openers) opener.release();
    }
    expect([made, freed]).to.deep.equal([5, 0]);
    keyring.wipe();
    expect(freed).to.equal(5);
  });

  it('keeps no more than a bounded number of them', () => {
    const keyring = keyringOf();
    const sealers = Array.from({ length: POOL_LIMIT + 3 }, () => new UnauthenticatedSealer(keyring, undefined));
    for (const sealer of sealers) sealer.seal(memory, 0, 1, memory, 1000);
    for (const sealer of sealers) sealer.release();
    expect([made, freed]).to.deep.equal([POOL_LIMIT + 3, 3]);
    keyring.wipe();
    expect(freed).to.equal(made);
  });

  it('frees those of streams that outlive it at their end, and overwrites the key', () => {
    const key = new Uint8Array(16).fill(1);
    const keyring = keyringOf(key);
    const sealer = new UnauthenticatedSealer(keyring, undefined);
    const reader = new UnauthenticatedRequestReader(keyring);
    sealer.seal(memory, 0, 1, memory, 1000);
    reader.read(memory, 0, 17, memory);
    keyring.wipe();
    expect(freed).to.equal(0);
    expect(key).to.deep.equal(new Uint8Array(16));
    for (let i = 0; i < 2; i++) sealer.release();
    for (let i = 0; i < 2; i++) reader.release();
    expect([made, freed]).to.deep.equal([2, 2]);
    expect(() => new UnauthenticatedSealer(keyring, undefined).seal(memory, 0, 1, memory, 1000)).to.throw(/wiped/);
  });

  it('frees a cipher that fails to begin', () => {
    const keyring = keyringOf();
    failing = true;
    expect(() => new UnauthenticatedOpener(keyring, 'server').open(memory, 0, 40, memory, 1000)).to.throw(/memory/);
    expect([made, freed]).to.deep.equal([1, 1]);
  });

  it('costs nothing where a stream ends inside its IV', () => {
    const keyring = keyringOf();
    const opener = new UnauthenticatedOpener(keyring, 'server');
    expect(opener.open(memory, 0, 15, memory, 1000)).to.equal(0);
    expect(opener.consumedTo).to.equal(0);
    opener.release();
    expect(made).to.equal(0);
  });
});
