/** Subkeys that are derived before they are needed: each has to be its salt's, and no salt may come twice. */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { Region } from '../../../native-bindings/memory.js';
import { createSubkeyDerivation, nodeHkdf } from '../../../src/crypto/hkdf.js';
import { createRandomSource } from '../../../src/crypto/random.js';
import { ExpectedSubkeys } from '../../../src/shadowsocks/expected-subkeys.js';
import { FreshSubkeys } from '../../../src/shadowsocks/fresh-subkeys.js';
import { PlainFilter } from '../../support/salt-filters.js';

const LENGTH = 32;
const MASTER_KEY = new Uint8Array(LENGTH).fill(9);

function subkeyOf({ view }: Region, at: number): Uint8Array {
  const subkey = new Uint8Array(LENGTH);
  nodeHkdf.derive(MASTER_KEY, view, Int32Array.of(at), 1, subkey);
  return subkey;
}

const derivations = { 'several at once': createSubkeyDerivation(), 'one by one': nodeHkdf };

for (const [how, derivation] of Object.entries(derivations)) {
  describe(`fresh subkeys, derived ${how}`, () => {
    const into = new Region(4096);

    after(() => into.release());

    it('belong to the salts that they come with, which are all different and known', () => {
      const known = new PlainFilter();
      const fresh = new FreshSubkeys(MASTER_KEY, derivation, createRandomSource(), known);
      const seen = new Set<string>();
      for (let i = 0; i < 30; i++) {
        into.bytes.fill(0);
        expect(fresh.take(into, 5)).to.deep.equal(subkeyOf(into, 5));
        expect(known.seen(into.bytes, 5, LENGTH)).to.equal(true);
        seen.add(Buffer.from(into.bytes.subarray(5, 5 + LENGTH)).toString('hex'));
        const around = [...into.bytes.subarray(0, 5), ...into.bytes.subarray(5 + LENGTH)];
        expect(around.every((byte) => byte === 0)).to.equal(true);
      }
      expect(seen.size).to.equal(30);
    });

    it('draw salts in the order in which they are taken', () => {
      let drawn = 0;
      const counting = (salts: Uint8Array, at: number): void => {
        salts[at] = drawn++;
      };
      const fresh = new FreshSubkeys(MASTER_KEY, derivation, counting, undefined);
      for (let i = 0; i < 30; i++) {
        fresh.take(into, 0);
        expect(into.bytes[0]).to.equal(i);
      }
    });

    it('are gone when they have been wiped', () => {
      const fresh = new FreshSubkeys(MASTER_KEY, derivation, createRandomSource(), undefined);
      const subkey = fresh.take(into, 0);
      fresh.wipe();
      expect(subkey.every((byte) => byte === 0)).to.equal(true);
      expect(fresh.take(into, 0)).to.deep.equal(subkeyOf(into, 0));
    });
  });

  describe(`expected subkeys, derived ${how}`, () => {
    const salts = new Region(4096);
    const at = Int32Array.from({ length: 9 }, (_, i) => i * 50 + 3);
    const { lanes } = derivation;

    before(() => salts.bytes.set(randomBytes(9 * 50)));

    after(() => salts.release());

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
      salts.bytes.copyWithin(1007, last, last + LENGTH);
      expect(expected.take(salts, 1007)).to.deep.equal(subkeyOf(salts, last));
      expect(expected.take(salts, last)).to.equal(undefined);
    });

    it('are not given for a salt that has changed in place', () => {
      const expected = new ExpectedSubkeys(MASTER_KEY, derivation);
      expected.expect(salts, at, 1);
      salts.bytes[at[0] + LENGTH - 1] ^= 1;
      expect(expected.take(salts, at[0])).to.equal(undefined);
    });

    it('are gone when they have been wiped', () => {
      const expected = new ExpectedSubkeys(MASTER_KEY, derivation);
      expected.expect(salts, at, lanes);
      expected.wipe();
      expect(expected.take(salts, at[0])).to.equal(undefined);
    });
  });
}
