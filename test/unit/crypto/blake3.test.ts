/** The keys of the 2022 edition, against the vectors and against BLAKE3 computed from the beginning each time. */

import { blake3 } from '@noble/hashes/blake3.js';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  Blake3KeyDerivation,
  blake3Hash16,
  IDENTITY_SUBKEY_CONTEXT,
  SESSION_SUBKEY_CONTEXT,
} from '../../../src/crypto/blake3.js';
import { fromHex, loadVectors, toHex } from '../../support/vectors.js';

describe('BLAKE3', () => {
  const { subkey: subkeys, psk_hash: hashes } = loadVectors().sip022;

  for (const context of [SESSION_SUBKEY_CONTEXT, IDENTITY_SUBKEY_CONTEXT]) {
    it(`derives the keys of the vectors in the context "${context}"`, () => {
      const derivation = new Blake3KeyDerivation(context);
      const vectors = subkeys.filter((vector) => vector.context_ascii === context);
      expect(vectors).not.to.have.length(0);
      for (const { psk, salt, subkey } of vectors) {
        const into = new Uint8Array(subkey.length / 2);
        derivation.derive(fromHex(psk + salt), into.length, into);
        expect(toHex(into)).to.equal(subkey);
      }
    });
  }

  it('has no vector of another context', () => {
    const contexts = new Set(subkeys.map((vector) => vector.context_ascii));
    expect([...contexts].sort()).to.deep.equal([IDENTITY_SUBKEY_CONTEXT, SESSION_SUBKEY_CONTEXT].sort());
  });

  it('gives the hashes of the vectors', () => {
    expect(hashes).not.to.have.length(0);
    for (const { psk, blake3_first16 } of hashes) expect(toHex(blake3Hash16(fromHex(psk)))).to.equal(blake3_first16);
  });

  it('derives the same whatever was derived before, for material and keys of any length', () => {
    const derivations = [SESSION_SUBKEY_CONTEXT, IDENTITY_SUBKEY_CONTEXT].map((context) => ({
      context: new TextEncoder().encode(context),
      derivation: new Blake3KeyDerivation(context),
    }));
    const property = fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 1, max: 100 }),
      fc.nat(20),
      (material, length, spare) => {
        for (const { context, derivation } of derivations) {
          const before = material.slice();
          const into = new Uint8Array(length + spare).fill(0xa5);
          derivation.derive(material, length, into);
          expect(into.subarray(0, length)).to.deep.equal(blake3(material, { context, dkLen: length }));
          expect(into.subarray(length).every((byte) => byte === 0xa5)).to.equal(true);
          expect(material).to.deep.equal(before);
        }
      },
    );
    fc.assert(property, { numRuns: 200 });
  });

  it('refuses a place that is too short for the key', () => {
    const derivation = new Blake3KeyDerivation(SESSION_SUBKEY_CONTEXT);
    expect(() => derivation.derive(new Uint8Array(64), 32, new Uint8Array(31))).to.throw(RangeError);
  });
});
