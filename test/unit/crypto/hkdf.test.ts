/** Session subkeys: the fast derivation against node:crypto's. */

import { expect } from 'chai';
import fc from 'fast-check';
import { createSubkeyDerivation, nodeHkdf } from '../../../src/crypto/hkdf.js';

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function expectedOf(key: Uint8Array, salt: Uint8Array): Uint8Array {
  const subkey = new Uint8Array(key.length);
  nodeHkdf.derive(key, viewOf(salt), new Int32Array(1), 1, subkey);
  return subkey;
}

describe('the subkey derivation', () => {
  const fast = createSubkeyDerivation();

  it('is the fast one here', () => {
    expect(fast).not.to.equal(nodeHkdf);
  });

  /** One key after the other, so that what one leaves behind would show in the next. */
  it('gives what HKDF-SHA1 gives, for as many salts at once as it likes to have', () => {
    const input = fc.constantFrom(16, 24, 32).chain((length) => {
      const bytes = fc.uint8Array({ minLength: length, maxLength: length });
      return fc.tuple(bytes, fc.array(bytes, { minLength: 1, maxLength: fast.lanes }));
    });
    const property = fc.property(input, fc.nat(9), ([key, salts], gap) => {
      const around = Buffer.concat(salts.flatMap((salt) => [Buffer.alloc(gap, 1), salt]));
      const saltsAt = Int32Array.from(salts, (_, i) => i * (key.length + gap) + gap);
      const derived = new Uint8Array(salts.length * key.length);
      fast.derive(key, viewOf(around), saltsAt, salts.length, derived);
      expect(derived).to.deep.equal(Uint8Array.from(Buffer.concat(salts.map((salt) => expectedOf(key, salt)))));
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('likes to have several at once', () => {
    expect(fast.lanes).to.be.greaterThan(1);
  });

  it('leaves key and salts as they are, and writes as many subkeys as it was asked for', () => {
    const around = Uint8Array.from({ length: 128 }, (_, i) => i);
    const key = around.subarray(3, 35);
    const into = new Uint8Array(96).fill(0xa5);
    fast.derive(key, viewOf(around), Int32Array.of(50, 81, 7), 2, into.subarray(16, 80));
    expect(into.subarray(16, 48)).to.deep.equal(expectedOf(key, around.subarray(50, 82)));
    expect(into.subarray(48, 80)).to.deep.equal(expectedOf(key, around.subarray(81, 113)));
    expect(into.subarray(0, 16).every((byte) => byte === 0xa5)).to.equal(true);
    expect(into.subarray(80).every((byte) => byte === 0xa5)).to.equal(true);
    expect(around).to.deep.equal(Uint8Array.from({ length: 128 }, (_, i) => i));
  });
});
