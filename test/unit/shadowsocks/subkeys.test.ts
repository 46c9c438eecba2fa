/** Subkeys that are derived before they are needed: each has to be its salt's, and no salt may come twice. */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { createSubkeyDerivation, nodeHkdf } from '../../../src/crypto/hkdf.js';
import { createRandomSource } from '../../../src/crypto/random.js';
import { ExpectedSubkeys } from '../../../src/shadowsocks/expected-subkeys.js';
import { FreshSubkeys } from '../../../src/shadowsocks/fresh-subkeys.js';
import { PlainFilter } from '../../support/salt-filters.js';

const LENGTH = 32;
const MASTER_KEY = new Uint8Array(LENGTH).fill(9);

function subkeyOf(salts: Uint8Array, at: number): Uint8Array {
  const subkey = new Uint8Array(LENGTH);
  nodeHkdf.derive(MASTER_KEY, salts, Int32Array.of(at), 1, subkey);
  return subkey;
}

const derivations = { 'several at once': createSubkeyDerivation(), 'one by one': nodeHkdf };

for (const [how, derivation] of Object.entries(derivations)) {
  describe(`fresh subkeys, derived ${how}`, () => {
    it('belong to the salts that they come with, which are all different and known', () => {
      const known = new PlainFilter();
      const fresh = new FreshSubkeys(MASTER_KEY, derivation, createRandomSource(), known);
      const seen = new Set<string>();
      for (let i = 0; i < 30; i++) {
        const into = new Uint8Array(40);
        expect(fresh.take(into, 5)).to.deep.equal(subkeyOf(into, 5));
        expect(known.seen(into, 5, LENGTH)).to.equal(true);
        seen.add(Buffer.from(into.subarray(5, 5 + LENGTH)).toString('hex'));
        expect([...into.subarray(0, 5), ...into.subarray(5 + LENGTH)].every((byte) => byte === 0)).to.equal(true);
      }
      expect(seen.size).to.equal(30);
    });

    it('draw salts in the order in which they are taken', () => {
      let drawn = 0;
      const counting = (into: Uint8Array, at: number): void => {
        into[at] = drawn++;
      };
      const fresh = new FreshSubkeys(MASTER_KEY, derivation, counting, undefined);
      const into = new Uint8Array(LENGTH);
      for (let i = 0; i < 30; i++) {
        fresh.take(into, 0);
        expect(into[0]).to.equal(i);
      }
    });

    it('are gone when they have been wiped', () => {
      const fresh = new FreshSubkeys(MASTER_KEY, derivation, createRandomSource(), undefined);
      const into = new Uint8Array(LENGTH);
      const subkey = fresh.take(into, 0);
      fresh.wipe();
      expect(subkey.every((byte) => byte === 0)).to.equal(true);
      expect(fresh.take(into, 0)).to.deep.equal(subkeyOf(into, 0));
    });
  });

  describe(`expected subkeys, derived ${how}`, () => {
    const salts = randomBytes(9 * 50);
    const at = Int32Array.from({ length: 9 }, (_, i) => i * 50 + 3);
    const { lanes } = derivation;

    it('are those of the salts in their order, and of no others', () => {
      const expected = new ExpectedSubkeys(MASTER_KEY, derivation);
      for (let count = 1; count <= lanes; count++) {
        expected.expect(salts, at, count);
        for (let i = 0; i < count; i++) expect(expected.take(salts, at[i])).to.deep.equal(subkeyOf(salts, at[i]));
        expect(expected.take(salts, at[0])).to.equal(undefined);
      }
    });

    it('know a salt wherever it stands, and pass over those that nobody asked for', () => {
      const expected = new ExpectedSubkeys(MASTER_KEY, derivation);
      expected.expect(salts, at, lanes);
      const last = at[lanes - 1];
      const elsewhere = Buffer.concat([Buffer.alloc(7), salts.subarray(last, last + LENGTH)]);
      expect(expected.take(elsewhere, 7)).to.deep.equal(subkeyOf(salts, last));
      expect(expected.take(salts, last)).to.equal(undefined);
    });

    it('are not given for a salt that has changed in place', () => {
      const expected = new ExpectedSubkeys(MASTER_KEY, derivation);
      const own = Buffer.from(salts);
      expected.expect(own, at, 1);
      own[at[0] + LENGTH - 1] ^= 1;
      expect(expected.take(own, at[0])).to.equal(undefined);
    });

    it('are gone when they have been wiped', () => {
      const expected = new ExpectedSubkeys(MASTER_KEY, derivation);
      expected.expect(salts, at, lanes);
      expected.wipe();
      expect(expected.take(salts, at[0])).to.equal(undefined);
    });
  });
}
