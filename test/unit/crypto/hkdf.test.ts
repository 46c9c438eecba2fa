/** Session subkeys: the fast derivation against node:crypto's. */

import { expect } from 'chai';
import fc from 'fast-check';
import { createSubkeyDerivation, nodeHkdf } from '../../../src/crypto/hkdf.js';

describe('the subkey derivation', () => {
  const fast = createSubkeyDerivation();

  it('is the fast one here', () => {
    expect(fast).not.to.equal(nodeHkdf);
  });

  it('gives what HKDF-SHA1 gives, for keys and salts of any length', () => {
    const pair = fc.integer({ min: 1, max: 32 }).chain((length) => {
      const bytes = fc.uint8Array({ minLength: length, maxLength: length });
      return fc.tuple(bytes, bytes);
    });
    const property = fc.property(pair, ([key, salt]) => {
      const expected = new Uint8Array(key.length);
      const derived = new Uint8Array(key.length);
      nodeHkdf.derive(key, salt, 0, expected);
      fast.derive(key, salt, 0, derived);
      expect(derived).to.deep.equal(expected);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('leaves key and salt as they are, and takes parts of larger arrays', () => {
    const around = Uint8Array.from({ length: 96 }, (_, i) => i);
    const key = around.subarray(3, 35);
    const salt = around.subarray(50, 82);
    const expected = new Uint8Array(32);
    nodeHkdf.derive(key, salt, 0, expected);
    const into = new Uint8Array(64).fill(0xa5);
    fast.derive(key, around, 50, into.subarray(16, 48));
    expect(into.subarray(16, 48)).to.deep.equal(expected);
    expect(into.subarray(0, 16).every((byte) => byte === 0xa5)).to.equal(true);
    expect(into.subarray(48).every((byte) => byte === 0xa5)).to.equal(true);
    expect(around).to.deep.equal(Uint8Array.from({ length: 96 }, (_, i) => i));
  });
});
