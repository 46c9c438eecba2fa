/** The cipher libraries against each other and against independent ones. */

import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { expect } from 'chai';
import { EvpAead, type EvpAeadName } from '../../../native-bindings/libcrypto.js';
import { Region } from '../../../native-bindings/memory.js';
import { AEAD_2017_METHODS } from '../../../src/config/types.js';
import type { AeadCipher, OpeningKey, SealingKey } from '../../../src/crypto/aead.js';
import { CipherUnavailableError, cipherFor, needsLibsodium, proveCipher } from '../../../src/crypto/ciphers.js';
import { createLibcryptoCipher, POOL_LIMIT } from '../../../src/crypto/libcrypto-cipher.js';
import { createLibsodiumCipher, loadLibsodium } from '../../../src/crypto/libsodium-cipher.js';
import { type CipherName, METHODS } from '../../../src/crypto/methods.js';
import { oracleNonce, oracleSeal } from '../../support/aead-oracle.js';

const LENGTHS = [...Array.from({ length: 101 }, (_, i) => i), 16_383, 65_535];
const COUNTERS = [0, 1, 255, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 3];
const TAG_LENGTH = 16;

const NOBLE = {
  'aes-128-gcm': gcm,
  'aes-192-gcm': gcm,
  'aes-256-gcm': gcm,
  'chacha20-poly1305': chacha20poly1305,
  'xchacha20-poly1305': xchacha20poly1305,
} as const;

function bytes(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 167 + seed * 59 + (i >> 8)) & 0xff);
}

describe('cipher backends', () => {
  const memory = new Region(256 * 1024);
  const IN = 3;
  const OUT = 128 * 1024 + 5;

  const contexts: EvpAead[] = [];

  before(loadLibsodium);

  after(() => {
    for (const context of contexts) context.free();
    memory.release();
  });

  function seal(key: SealingKey, counter: number, message: Uint8Array): Buffer {
    memory.bytes.set(message, IN);
    key.seal(counter, memory, IN, message.length, memory, OUT);
    return Buffer.from(memory.bytes.slice(OUT, OUT + message.length + TAG_LENGTH));
  }

  function open(key: OpeningKey, counter: number, sealed: Uint8Array): Buffer | undefined {
    memory.bytes.set(sealed, IN);
    const length = sealed.length - TAG_LENGTH;
    if (!key.open(counter, memory, IN, length, memory, OUT)) return undefined;
    return Buffer.from(memory.bytes.slice(OUT, OUT + length));
  }

  function backendsOf(cipher: CipherName, keyLength: number): AeadCipher[] {
    if (cipher === 'xchacha20-poly1305') return [createLibsodiumCipher(cipher)];
    const libcrypto = [createLibcryptoCipher(cipher, keyLength), throughEvp(cipher, keyLength)];
    return cipher === 'chacha20-poly1305' ? [...libcrypto, createLibsodiumCipher(cipher)] : libcrypto;
  }

  /** The way into libcrypto that is taken where the shorter one does not exist, or is slower. */
  function throughEvp(name: EvpAeadName, keyLength: number): AeadCipher {
    const keyOf = (direction: 'seal' | 'open', key: Uint8Array): SealingKey & OpeningKey => {
      const context = new EvpAead(name, keyLength, direction);
      contexts.push(context);
      context.rekey(key);
      return {
        seal: (...args) => context.seal(...args),
        open: (...args) => context.open(...args),
        release: () => context.wipe(),
      };
    };
    return {
      name,
      backend: 'libcrypto',
      sealingKey: (key) => keyOf('seal', key),
      openingKey: (key) => keyOf('open', key),
    };
  }

  for (const method of AEAD_2017_METHODS) {
    const { cipher, keyLength } = METHODS[method];

    it(`seal and open ${method} like node:crypto and @noble/ciphers, at every length`, () => {
      const secret = bytes(keyLength, 7);
      for (const backend of backendsOf(cipher, keyLength)) {
        const sealing = backend.sealingKey(secret);
        const opening = backend.openingKey(secret);
        for (const [i, length] of LENGTHS.entries()) {
          const counter = COUNTERS[i % COUNTERS.length];
          const message = bytes(length, i);
          const nonce = oracleNonce(method, counter);
          const sealed = seal(sealing, counter, message);
          const where = `${backend.backend}, ${length} bytes`;
          expect(sealed.equals(NOBLE[cipher](secret, nonce).encrypt(message)), `@noble/ciphers, ${where}`).to.equal(
            true,
          );
          expect(sealed.equals(oracleSeal(method, secret, nonce, message)), `oracle, ${where}`).to.equal(true);
          expect(open(opening, counter, sealed)?.equals(message), where).to.equal(true);
        }
        sealing.release();
        opening.release();
      }
    });

    it(`refuse any changed bit of a ${method} message, a wrong nonce and a wrong key`, () => {
      const message = bytes(21, 1);
      for (const backend of backendsOf(cipher, keyLength)) {
        const sealing = backend.sealingKey(bytes(keyLength, 1));
        const opening = backend.openingKey(bytes(keyLength, 1));
        const sealed = seal(sealing, 5, message);
        for (let bit = 0; bit < sealed.length * 8; bit++) {
          const changed = Buffer.from(sealed);
          changed[bit >> 3] ^= 1 << (bit & 7);
          expect(open(opening, 5, changed), `bit ${bit}`).to.equal(undefined);
        }
        expect(open(opening, 6, sealed)).to.equal(undefined);
        expect(open(opening, 5 + 2 ** 32, sealed)).to.equal(undefined);
        const other = backend.openingKey(bytes(keyLength, 2));
        expect(open(other, 5, sealed)).to.equal(undefined);
        expect(open(opening, 5, sealed)?.equals(message), 'a refusal harms no later message').to.equal(true);
        for (const key of [sealing, opening, other]) key.release();
      }
    });

    it(`of ${method} keep keys apart that are in use at the same time`, () => {
      for (const backend of backendsOf(cipher, keyLength)) {
        const secrets = [1, 2, 3].map((seed) => bytes(keyLength, seed));
        const keys = secrets.map((secret) => backend.sealingKey(secret));
        const nonce = oracleNonce(method, 1);
        for (let round = 0; round < 3; round++) {
          for (const [i, key] of keys.entries()) {
            const sealed = seal(key, 1, bytes(40, round));
            expect(sealed.equals(oracleSeal(method, secrets[i], nonce, bytes(40, round)))).to.equal(true);
          }
        }
        for (const key of keys) key.release();
      }
    });

    it(`of ${method} forget a released key, and take a new one in its place`, () => {
      const message = bytes(33, 3);
      for (const backend of backendsOf(cipher, keyLength)) {
        const released = backend.sealingKey(bytes(keyLength, 1));
        const before = seal(released, 0, message);
        released.release();
        // What holds on to a released key must not get the session's key stream out of it.
        expect(attempt(() => seal(released, 0, message))?.equals(before) ?? false).to.equal(false);
        for (let seed = 2; seed < 6; seed++) {
          const next = backend.sealingKey(bytes(keyLength, seed));
          const expected = oracleSeal(method, bytes(keyLength, seed), oracleNonce(method, 0), message);
          expect(seal(next, 0, message).equals(expected)).to.equal(true);
          next.release();
        }
      }
    });

    it(`of ${method} copy the key that they are given`, () => {
      for (const backend of backendsOf(cipher, keyLength)) {
        const secret = bytes(keyLength, 4);
        const key = backend.sealingKey(secret);
        const before = seal(key, 0, bytes(9, 1));
        secret.fill(0);
        expect(seal(key, 0, bytes(9, 1)).equals(before)).to.equal(true);
        key.release();
      }
    });
  }

  it('seal and open in place', () => {
    for (const method of AEAD_2017_METHODS) {
      const { cipher, keyLength } = METHODS[method];
      for (const backend of backendsOf(cipher, keyLength)) {
        const secret = bytes(keyLength, 9);
        const message = bytes(100, 9);
        const sealing = backend.sealingKey(secret);
        const opening = backend.openingKey(secret);
        memory.bytes.set(message, IN);
        sealing.seal(2, memory, IN, message.length, memory, IN);
        const expected = oracleSeal(method, secret, oracleNonce(method, 2), message);
        expect(Buffer.from(memory.bytes.slice(IN, IN + expected.length)).equals(expected)).to.equal(true);
        expect(opening.open(2, memory, IN, message.length, memory, IN)).to.equal(true);
        expect(Buffer.from(memory.bytes.slice(IN, IN + message.length)).equals(message)).to.equal(true);
        sealing.release();
        opening.release();
      }
    }
  });

  it('reach no memory outside the region', () => {
    for (const method of AEAD_2017_METHODS) {
      const { cipher, keyLength } = METHODS[method];
      for (const backend of backendsOf(cipher, keyLength)) {
        const sealing = backend.sealingKey(bytes(keyLength, 1));
        const opening = backend.openingKey(bytes(keyLength, 1));
        const { size } = memory;
        expect(() => sealing.seal(0, memory, size - 10, 11, memory, 0), 'input').to.throw(RangeError);
        expect(() => sealing.seal(0, memory, 0, 10, memory, size - 25), 'output and tag').to.throw(RangeError);
        expect(() => opening.open(0, memory, size - 25, 10, memory, 0), 'input and tag').to.throw(RangeError);
        expect(() => sealing.seal(0, memory, -1, 10, memory, 0), 'before the region').to.throw(RangeError);
        sealing.release();
        opening.release();
      }
    }
  });

  it('are chosen by method: libcrypto, but for XChaCha20', () => {
    for (const method of AEAD_2017_METHODS) {
      const extended = method === 'xchacha20-ietf-poly1305';
      expect(cipherFor(METHODS[method]).backend).to.equal(extended ? 'libsodium' : 'libcrypto');
      expect(needsLibsodium(METHODS[method])).to.equal(extended);
    }
  });

  it('give the known answers', () => {
    for (const method of AEAD_2017_METHODS) {
      const { cipher, keyLength } = METHODS[method];
      for (const backend of backendsOf(cipher, keyLength)) proveCipher(backend, keyLength);
    }
  });

  it('keep more keys at once than are kept idle, and apart', () => {
    const nonce = oracleNonce('aes-256-gcm', 3);
    const cipher = createLibcryptoCipher('aes-256-gcm', 32);
    for (let round = 0; round < 2; round++) {
      const keys = Array.from({ length: POOL_LIMIT + 50 }, (_, i) => cipher.sealingKey(bytes(32, i)));
      for (const [i, key] of keys.entries()) {
        if (i % 50 === 0 || i > POOL_LIMIT - 10) {
          const sealed = seal(key, 3, bytes(10, i));
          expect(sealed.equals(oracleSeal('aes-256-gcm', bytes(32, i), nonce, bytes(10, i)))).to.equal(true);
        }
      }
      for (const key of keys) key.release();
    }
  });

  describe('that give wrong answers', () => {
    const proven = cipherFor(METHODS['aes-256-gcm']);

    function withKeys(
      change: (sealing: SealingKey, opening: OpeningKey) => Partial<SealingKey & OpeningKey>,
    ): AeadCipher {
      const keyOf = (key: Uint8Array): SealingKey & OpeningKey => {
        const sealing = proven.sealingKey(key);
        const opening = proven.openingKey(key);
        return {
          seal: (...args) => sealing.seal(...args),
          open: (...args) => opening.open(...args),
          release() {
            sealing.release();
            opening.release();
          },
          ...change(sealing, opening),
        };
      };
      return { ...proven, sealingKey: keyOf, openingKey: keyOf };
    }

    const liars: Readonly<Record<string, AeadCipher>> = {
      'seal wrongly': withKeys((sealing) => ({
        seal(counter, input, inputAt, length, output, outputAt) {
          sealing.seal(counter, input, inputAt, length, output, outputAt);
          output.bytes[outputAt + length + TAG_LENGTH - 1] ^= 1;
        },
      })),
      'use half of the nonce': withKeys((sealing, opening) => ({
        seal: (counter, ...rest) => sealing.seal(counter % 2 ** 32, ...rest),
        open: (counter, ...rest) => opening.open(counter % 2 ** 32, ...rest),
      })),
      'refuse everything': withKeys(() => ({ open: () => false })),
      'open anything': withKeys((_sealing, opening) => ({
        open(...args) {
          opening.open(...args);
          return true;
        },
      })),
      'say that they opened, and did not': withKeys(() => ({ open: () => true })),
    };

    for (const [fault, cipher] of Object.entries(liars)) {
      it(`are refused where they ${fault}`, () => {
        expect(() => proveCipher(cipher, 32)).to.throw(CipherUnavailableError, /wrong answers/);
      });
    }

    it('are told from those that do not', () => {
      expect(() =>
        proveCipher(
          withKeys(() => ({})),
          32,
        ),
      ).not.to.throw();
    });
  });
});

/** Undefined where it throws. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
