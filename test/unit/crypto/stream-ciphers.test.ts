/** The ciphers of the old methods against each other and against independent ones, wherever a stream is cut. */

import { expect } from 'chai';
import fc from 'fast-check';
import { LibcryptoMissingError } from '../../../native-bindings/libcrypto.js';
import { liveRegions, Region } from '../../../native-bindings/memory.js';
import { STREAM_METHODS } from '../../../src/config/types.js';
import { CipherUnavailableError } from '../../../src/crypto/ciphers.js';
import { EvpStreamCipher, type EvpStreamName } from '../../../src/crypto/evp-stream-cipher.js';
import { METHODS, type StreamMethod } from '../../../src/crypto/methods.js';
import { NodeStreamCipher } from '../../../src/crypto/node-stream-cipher.js';
import { loadSalsa20 } from '../../../src/crypto/salsa20-cipher.js';
import type { CipherDirection, StreamCipher } from '../../../src/crypto/stream-cipher.js';
import { proveStreamCipher, type StreamCipherMaker, streamCiphersFor } from '../../../src/crypto/stream-ciphers.js';
import { oracleEncrypt } from '../../support/stream-oracle.js';

const STREAMS = STREAM_METHODS.map((name) => METHODS[name]);

describe('stream ciphers', () => {
  const memory = new Region(64 * 1024);
  const IN = 5;
  const OUT = 32 * 1024 + 3;

  before(loadSalsa20);

  after(() => memory.release());

  /** Runs a message through in pieces. */
  function apply(cipher: StreamCipher, iv: Uint8Array, message: Uint8Array, cuts: readonly number[]): Buffer {
    memory.bytes.set(message, IN);
    cipher.begin(Buffer.concat([Buffer.of(1, 2, 3), iv]), 3);
    const bounds = [0, ...cuts.map((cut) => cut % (message.length + 1)).sort((a, b) => a - b), message.length];
    for (let i = 1; i < bounds.length; i++) {
      const [from, to] = [bounds[i - 1], bounds[i]];
      cipher.apply(memory, IN + from, to - from, memory, OUT + from);
    }
    return Buffer.from(memory.bytes.slice(OUT, OUT + message.length));
  }

  /** Every code for a method, the one that is chosen first. */
  function makersOf(method: StreamMethod): StreamCipherMaker[] {
    const chosen = streamCiphersFor(method);
    if (method.name === 'salsa20' || method.name === 'rc4-md5') return [chosen];
    const name: EvpStreamName = method.name;
    return [chosen, (key, direction) => new NodeStreamCipher(name, method, key, direction)];
  }

  function withCipher<T>(
    make: StreamCipherMaker,
    key: Uint8Array,
    way: CipherDirection,
    use: (c: StreamCipher) => T,
  ): T {
    const cipher = make(key, way);
    try {
      return use(cipher);
    } finally {
      cipher.free();
    }
  }

  for (const method of STREAMS) {
    const { name, keyLength, ivLength } = method;

    it(`of ${name} go on where a stream is cut, and are what others make of it`, () => {
      const makers = makersOf(method);
      const secret = fc.uint8Array({ minLength: keyLength, maxLength: keyLength });
      const initial = fc.uint8Array({ minLength: ivLength, maxLength: ivLength });
      const message = fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 0, max: 20_000 }).map((length) => Uint8Array.from({ length }, (_, i) => i * 7)),
      );
      const cuts = fc.array(fc.nat(20_000), { maxLength: 8 });
      const property = fc.property(secret, initial, message, cuts, cuts, (key, iv, plain, some, others) => {
        const right = oracleEncrypt(name, key, iv, plain);
        for (const make of makers) {
          const encrypted = withCipher(make, key, 'encrypt', (cipher) => apply(cipher, iv, plain, some));
          expect(encrypted.equals(right)).to.equal(true);
          const decrypted = withCipher(make, key, 'decrypt', (cipher) => apply(cipher, iv, encrypted, others));
          expect(decrypted.equals(plain)).to.equal(true);
        }
      });
      fc.assert(property, { numRuns: 60, interruptAfterTimeLimit: 3000 });
    });

    it(`of ${name} may be cut at every position, and byte by byte`, () => {
      const key = Uint8Array.from({ length: keyLength }, (_, i) => 200 - i);
      const iv = Uint8Array.from({ length: ivLength }, (_, i) => 3 * i);
      const message = Uint8Array.from({ length: 150 }, (_, i) => i);
      const right = oracleEncrypt(name, key, iv, message);
      for (const make of makersOf(method)) {
        withCipher(make, key, 'encrypt', (cipher) => {
          for (let at = 0; at <= message.length; at++) {
            expect(apply(cipher, iv, message, [at]).equals(right), `cut at ${at}`).to.equal(true);
          }
          const everywhere = Array.from({ length: message.length }, (_, i) => i);
          expect(apply(cipher, iv, message, everywhere).equals(right), 'singly').to.equal(true);
        });
      }
    });

    it(`of ${name} work in place, begin again with another IV, and know nothing of each other`, () => {
      const key = new Uint8Array(keyLength).fill(9);
      const ivs = [1, 2].map((seed) => new Uint8Array(ivLength).fill(seed));
      const message = Uint8Array.from({ length: 100 }, (_, i) => i);
      for (const make of makersOf(method)) {
        const ciphers = ivs.map(() => make(key, 'encrypt'));
        for (let round = 0; round < 2; round++) {
          for (const [i, cipher] of ciphers.entries()) cipher.begin(ivs[(i + round) % 2], 0);
          for (const [i] of ciphers.entries()) memory.bytes.set(message, 1000 * i);
          for (let at = 0; at < message.length; at += 10) {
            for (const [i, cipher] of ciphers.entries()) cipher.apply(memory, 1000 * i + at, 10, memory, 1000 * i + at);
          }
          for (const [i] of ciphers.entries()) {
            const made = Buffer.from(memory.bytes.slice(1000 * i, 1000 * i + message.length));
            expect(made.equals(oracleEncrypt(name, key, ivs[(i + round) % 2], message))).to.equal(true);
          }
        }
        for (const cipher of ciphers) cipher.free();
      }
    });

    it(`of ${name} copy their key, and reach no memory outside the region`, () => {
      for (const make of makersOf(method)) {
        const key = new Uint8Array(keyLength).fill(5);
        const iv = new Uint8Array(ivLength);
        const right = oracleEncrypt(name, key, iv, Uint8Array.of(1, 2, 3));
        const cipher = make(key, 'encrypt');
        key.fill(0);
        expect(apply(cipher, iv, Uint8Array.of(1, 2, 3), []).equals(right)).to.equal(true);
        expect(() => cipher.apply(memory, memory.size - 9, 10, memory, 0)).to.throw(RangeError);
        expect(() => cipher.apply(memory, 0, 10, memory, memory.size - 9)).to.throw(RangeError);
        expect(() => cipher.apply(memory, -1, 10, memory, 0)).to.throw(RangeError);
        cipher.free();
      }
    });
  }

  it('of Camellia are RFC 3713’s: in CFB the first block is the IV encrypted', () => {
    const rows = [
      ['camellia-128-cfb', '', '67673138549669730857065648eabe43'],
      ['camellia-192-cfb', '0011223344556677', 'b4993401b3e996f84ee5cee7d79b09b9'],
      ['camellia-256-cfb', '00112233445566778899aabbccddeeff', '9acc237dff16d76c20ef7c919e3a7509'],
    ] as const;
    const block = '0123456789abcdeffedcba9876543210';
    for (const [name, more, answer] of rows) {
      const key = Buffer.from(block + more, 'hex');
      for (const make of makersOf(METHODS[name])) {
        const made = withCipher(make, key, 'encrypt', (cipher) =>
          apply(cipher, Buffer.from(block, 'hex'), new Uint8Array(16), []),
        );
        expect(made.toString('hex')).to.equal(answer);
      }
    }
  });

  it('of ChaCha20 carry past 32 bits of their block counter', () => {
    // The counter and the nonce are one IV to libcrypto, so the last block below 2^32 can be begun with.
    const method: StreamMethod = { ...METHODS.chacha20, ivLength: 16 };
    const key = new Uint8Array(32).fill(1);
    const high = Buffer.from('ffffffff00000000', 'hex');
    const next = Buffer.from('0000000001000000', 'hex');
    const nonce = Buffer.alloc(8, 7);
    const cipher = new EvpStreamCipher('chacha20', method, key, 'encrypt');
    const both = apply(cipher, Buffer.concat([high, nonce]), new Uint8Array(128), [30, 70]);
    const second = apply(cipher, Buffer.concat([next, nonce]), new Uint8Array(64), []);
    expect(both.subarray(64).equals(second)).to.equal(true);
    cipher.free();
  });

  it('of libcrypto are out of reach once they are freed', () => {
    const cipher = new EvpStreamCipher('aes-128-ctr', METHODS['aes-128-ctr'], new Uint8Array(16), 'encrypt');
    for (let i = 0; i < 2; i++) cipher.free();
    expect(() => cipher.apply(memory, 0, 1, memory, 100)).to.throw(/freed/);
    expect(() => cipher.begin(new Uint8Array(16), 0)).to.throw(/freed/);
  });

  it('say which cipher libcrypto lacks', () => {
    expect(
      () => new EvpStreamCipher('rot-13' as EvpStreamName, METHODS['aes-128-ctr'], new Uint8Array(16), 'encrypt'),
    ).to.throw(LibcryptoMissingError);
  });

  describe('that give wrong answers', () => {
    const method = METHODS['aes-128-ctr'];

    function lying(change: Partial<StreamCipher>): StreamCipherMaker {
      return (key, direction) => {
        const cipher = streamCiphersFor(method)(key, direction);
        return {
          begin: (...args) => cipher.begin(...args),
          apply: (...args) => cipher.apply(...args),
          free: () => cipher.free(),
          ...change,
        };
      };
    }

    const liars: Readonly<Record<string, StreamCipherMaker>> = {
      'do nothing': lying({ apply: () => undefined }),
      'forget the IV': lying({ begin: () => undefined }),
      'are another cipher': (key, direction) => new EvpStreamCipher('aes-128-cfb', method, key, direction),
      'do not exist': () => {
        throw new Error('there is none');
      },
    };

    for (const [fault, make] of Object.entries(liars)) {
      it(`are refused where they ${fault}, and leave nothing behind`, () => {
        const before = liveRegions();
        expect(() => proveStreamCipher(make, method)).to.throw(CipherUnavailableError);
        expect(liveRegions()).to.equal(before);
      });
    }

    it('are told from those that do not', () => {
      expect(() => proveStreamCipher(lying({}), method)).not.to.throw();
    });
  });
});
