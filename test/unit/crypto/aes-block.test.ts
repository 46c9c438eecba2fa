/** Single blocks of AES: both ways into libcrypto against each other, node:crypto and the vectors. */

import { createCipheriv } from 'node:crypto';
import { ecb } from '@noble/ciphers/aes.js';
import { expect } from 'chai';
import fc from 'fast-check';
import { AES_BLOCK_LENGTH, AesDirect } from '../../../native-bindings/aes-direct.js';
import { Region } from '../../../native-bindings/memory.js';
import { AesBlock, type BlockBackend, EvpBlock, proveBlockBackend } from '../../../src/crypto/aes-block.js';
import { CipherUnavailableError } from '../../../src/crypto/ciphers.js';

const KEY_LENGTHS = [16, 32];

function expected(key: Uint8Array, block: Uint8Array): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  const encrypted = Buffer.concat([cipher.update(block), cipher.final()]);
  expect(encrypted.equals(ecb(key, { disablePadding: true }).encrypt(block)), '@noble/ciphers').to.equal(true);
  return encrypted;
}

describe('one block of AES', () => {
  const memory = new Region(4096);

  after(() => memory.release());

  const arbitraryKey = fc
    .constantFrom(...KEY_LENGTHS)
    .chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
  const arbitraryBlock = fc.uint8Array({ minLength: AES_BLOCK_LENGTH, maxLength: AES_BLOCK_LENGTH });
  const slice = (at: number): Buffer => Buffer.from(memory.bytes.slice(at, at + AES_BLOCK_LENGTH));

  it('is encrypted and decrypted as by node:crypto, at any place and in place', () => {
    const property = fc.property(arbitraryKey, arbitraryBlock, fc.nat(40), fc.nat(40), (key, block, inputAt, skip) => {
      const aes = new AesBlock(key);
      const outputAt = inputAt + AES_BLOCK_LENGTH + skip;
      const encrypted = expected(key, block);
      memory.bytes.set(block, inputAt);
      aes.encrypt(memory, inputAt, memory, outputAt);
      expect(slice(outputAt).equals(encrypted)).to.equal(true);
      expect(slice(inputAt).equals(block), 'the input is untouched').to.equal(true);
      aes.decrypt(memory, outputAt, memory, outputAt);
      expect(slice(outputAt).equals(block)).to.equal(true);
      aes.encrypt(memory, inputAt, memory, inputAt);
      expect(slice(inputAt).equals(encrypted)).to.equal(true);
      aes.release();
    });
    fc.assert(property, { numRuns: 200 });
  });

  it('is the same through EVP, which stands in where AES-NI is out of reach', () => {
    const evp = new Map(KEY_LENGTHS.map((length) => [length, new EvpBlock(length)]));
    const property = fc.property(arbitraryKey, arbitraryBlock, (key, block) => {
      const backend = evp.get(key.length);
      backend?.rekey(key);
      memory.bytes.set(block, 0);
      backend?.encrypt(memory, 0, memory, 64);
      expect(slice(64).equals(expected(key, block))).to.equal(true);
      backend?.decrypt(memory, 64, memory, 128);
      expect(slice(128).equals(block)).to.equal(true);
    });
    fc.assert(property, { numRuns: 100 });
    for (const [length, backend] of evp) {
      backend.free();
      proveBlockBackend(new EvpBlock(length), length);
    }
  });

  it('takes another key, and keeps keys apart', () => {
    const block = new Uint8Array(AES_BLOCK_LENGTH).fill(7);
    const keys = [1, 2, 3].map((seed) => new Uint8Array(32).fill(seed));
    const ciphers = keys.map((key) => new AesBlock(key));
    memory.bytes.set(block, 0);
    for (let round = 0; round < 3; round++) {
      for (const [i, aes] of ciphers.entries()) {
        aes.encrypt(memory, 0, memory, 64);
        expect(slice(64).equals(expected(keys[i], block))).to.equal(true);
      }
    }
    ciphers[0].rekey(keys[1]);
    ciphers[0].encrypt(memory, 0, memory, 64);
    expect(slice(64).equals(expected(keys[1], block))).to.equal(true);
    for (const aes of ciphers) aes.release();
  });

  it('copies the key that it is given', () => {
    const key = new Uint8Array(16).fill(9);
    const before = expected(key, new Uint8Array(16));
    const aes = new AesBlock(key);
    key.fill(0);
    memory.bytes.fill(0, 0, 16);
    aes.encrypt(memory, 0, memory, 64);
    expect(slice(64).equals(before)).to.equal(true);
    aes.release();
  });

  it('is out of reach of a key that was released, or never given', () => {
    const aes = new AesBlock(new Uint8Array(16));
    aes.release();
    aes.release();
    expect(() => aes.encrypt(memory, 0, memory, 0)).to.throw(/released/);
    expect(() => aes.decrypt(memory, 0, memory, 0)).to.throw(/released/);
    expect(() => aes.rekey(new Uint8Array(16))).to.throw(RangeError);
    const direct = new AesDirect();
    expect(() => direct.encrypt(memory, 0, memory, 0)).to.throw(/without a key/);
    expect(() => direct.decrypt(memory, 0, memory, 0)).to.throw(/without a key/);
    direct.free();
  });

  it('refuses keys of other lengths', () => {
    for (const length of [0, 15, 24, 33]) expect(() => new AesBlock(new Uint8Array(length))).to.throw(RangeError);
    const aes = new AesBlock(new Uint8Array(16));
    expect(() => aes.rekey(new Uint8Array(32))).to.throw(RangeError);
    aes.release();
  });

  it('reaches no memory outside the region', () => {
    const aes = new AesBlock(new Uint8Array(16));
    const evp = new EvpBlock(16);
    evp.rekey(new Uint8Array(16));
    for (const backend of [aes, evp]) {
      const past = memory.size - AES_BLOCK_LENGTH + 1;
      expect(() => backend.encrypt(memory, past, memory, 0)).to.throw(RangeError);
      expect(() => backend.encrypt(memory, 0, memory, past)).to.throw(RangeError);
      expect(() => backend.decrypt(memory, past, memory, 0)).to.throw(RangeError);
      expect(() => backend.decrypt(memory, 0, memory, -1)).to.throw(RangeError);
    }
    aes.release();
    evp.free();
  });

  describe('by a backend that gives wrong answers', () => {
    function lying(change: Partial<BlockBackend>): BlockBackend {
      const backend = new AesDirect();
      return {
        rekey: (key) => backend.rekey(key),
        encrypt: (...args) => backend.encrypt(...args),
        decrypt: (...args) => backend.decrypt(...args),
        free: () => backend.free(),
        ...change,
      };
    }

    const liars: Readonly<Record<string, BlockBackend>> = {
      'encrypts nothing': lying({ encrypt: () => undefined }),
      'decrypts nothing': lying({ decrypt: () => undefined }),
    };

    for (const [fault, backend] of Object.entries(liars)) {
      it(`is refused where it ${fault}`, () => {
        expect(() => proveBlockBackend(backend, 32)).to.throw(CipherUnavailableError, /wrong answers/);
      });
    }

    it('is told from one that does not', () => {
      expect(() => proveBlockBackend(lying({}), 32)).not.to.throw();
    });
  });
});
