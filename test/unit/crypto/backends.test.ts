/** The cipher libraries against each other and against independent ones. */

import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { expect } from 'chai';
import fc from 'fast-check';
import { EvpAead, type EvpAeadName, LibcryptoMissingError } from '../../../native-bindings/libcrypto.js';
import { Region } from '../../../native-bindings/memory.js';
import { AEAD_2017_METHODS, AEAD_2022_METHODS } from '../../../src/config/types.js';
import type { AeadCipher, OpeningKey, SealingKey } from '../../../src/crypto/aead.js';
import { CipherUnavailableError, cipherFor, needsLibsodium, proveCipher } from '../../../src/crypto/ciphers.js';
import { createLibcryptoCipher, POOL_LIMIT } from '../../../src/crypto/libcrypto-cipher.js';
import { createLibsodiumCipher, isSodiumCipher, loadLibsodium } from '../../../src/crypto/libsodium-cipher.js';
import { type CipherName, METHODS, NONCE_LENGTHS } from '../../../src/crypto/methods.js';
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
  const nonces = new Region(4096);
  const IN = 3;
  const OUT = 128 * 1024 + 5;

  const contexts: EvpAead[] = [];

  before(loadLibsodium);

  after(() => {
    for (const context of contexts) context.free();
    memory.release();
    nonces.release();
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
    const fast = createLibcryptoCipher(cipher, keyLength);
    if (cipher === 'xchacha20-poly1305') return [fast, createLibsodiumCipher(cipher)];
    const libcrypto = [fast, throughEvp(cipher, keyLength)];
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
        sealWithNonce: (...args) => context.sealWithNonce(...args),
        openWithNonce: (...args) => context.openWithNonce(...args),
        rekey: (next) => context.rekey(next),
        release: () => context.wipe(),
      };
    };
    return {
      name,
      backend: 'libcrypto',
      nonceLength: NONCE_LENGTHS[name],
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

    it(`of ${method} go back once, whatever else is done with what was given back`, () => {
      const message = bytes(21, 3);
      const fast = createLibcryptoCipher(cipher, keyLength);
      for (const backend of isSodiumCipher(cipher) ? [fast, createLibsodiumCipher(cipher)] : [fast]) {
        const first = backend.sealingKey(bytes(keyLength, 1));
        first.release();
        const secrets = [2, 3].map((seed) => bytes(keyLength, seed));
        const keys = secrets.map((secret) => {
          const key = backend.sealingKey(secret);
          first.release();
          return key;
        });
        expect(() => seal(first, 0, message)).to.throw(/released/);
        for (const [i, secret] of secrets.entries()) {
          const expected = oracleSeal(method, secret, oracleNonce(method, 0), message);
          expect(seal(keys[i], 0, message).equals(expected), 'keys are kept apart').to.equal(true);
        }
        for (const key of keys) key.release();
      }
    });

    it(`seal and open ${method} with any nonce, and another key each time, like the others`, () => {
      const nonceLength = NONCE_LENGTHS[cipher];
      for (const backend of backendsOf(cipher, keyLength)) {
        expect(backend.nonceLength).to.equal(nonceLength);
        const sealing = backend.sealingKey(new Uint8Array(keyLength));
        const opening = backend.openingKey(new Uint8Array(keyLength));
        const property = fc.property(
          fc.uint8Array({ minLength: keyLength, maxLength: keyLength }),
          fc.uint8Array({ minLength: nonceLength, maxLength: nonceLength }),
          fc.uint8Array({ maxLength: 600 }),
          fc.nat(40),
          (secret, nonce, message, nonceAt) => {
            sealing.rekey(secret);
            opening.rekey(secret);
            nonces.bytes.set(nonce, nonceAt);
            memory.bytes.set(message, IN);
            sealing.sealWithNonce(nonces, nonceAt, memory, IN, message.length, memory, OUT);
            const sealed = Buffer.from(memory.bytes.slice(OUT, OUT + message.length + TAG_LENGTH));
            expect(sealed.equals(NOBLE[cipher](secret, nonce).encrypt(message)), backend.backend).to.equal(true);
            memory.bytes.fill(0, IN, IN + message.length);
            expect(opening.openWithNonce(nonces, nonceAt, memory, OUT, message.length, memory, IN)).to.equal(true);
            expect(Buffer.from(memory.bytes.slice(IN, IN + message.length)).equals(message)).to.equal(true);
            // Every byte of the nonce counts.
            for (let i = 0; i < nonceLength; i++) {
              nonces.bytes[nonceAt + i] ^= 0x80;
              expect(opening.openWithNonce(nonces, nonceAt, memory, OUT, message.length, memory, IN)).to.equal(false);
              nonces.bytes[nonceAt + i] ^= 0x80;
            }
          },
        );
        fc.assert(property, { numRuns: 60 });
        sealing.release();
        opening.release();
      }
    });

    it(`of ${method} copy the key that they are given`, () => {
      for (const backend of backendsOf(cipher, keyLength)) {
        const secret = bytes(keyLength, 4);
        const key = backend.sealingKey(secret);
        const before = seal(key, 0, bytes(9, 1));
        secret.fill(0);
        expect(seal(key, 0, bytes(9, 1)).equals(before)).to.equal(true);
        const next = bytes(keyLength, 5);
        key.rekey(next);
        const afterRekey = seal(key, 0, bytes(9, 1));
        expect(afterRekey.equals(before)).to.equal(false);
        next.fill(0);
        expect(seal(key, 0, bytes(9, 1)).equals(afterRekey)).to.equal(true);
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
        const nonceAt = size - backend.nonceLength + 1;
        expect(() => sealing.sealWithNonce(memory, nonceAt, memory, 0, 10, memory, 0), 'nonce').to.throw(RangeError);
        expect(() => opening.openWithNonce(memory, nonceAt, memory, 0, 10, memory, 0), 'nonce').to.throw(RangeError);
        expect(() => sealing.sealWithNonce(memory, 0, memory, size - 10, 11, memory, 0), 'input').to.throw(RangeError);
        expect(() => opening.openWithNonce(memory, 0, memory, 0, 10, memory, size - 9), 'output').to.throw(RangeError);
        sealing.release();
        opening.release();
      }
    }
  });

  it('are libcrypto for every method here', () => {
    for (const method of AEAD_2017_METHODS) {
      expect(cipherFor(METHODS[method]).backend).to.equal('libcrypto');
      expect(needsLibsodium(METHODS[method])).to.equal(false);
    }
  });

  describe('where libcrypto lacks a cipher', () => {
    const AEAD_METHODS = [...AEAD_2017_METHODS, ...AEAD_2022_METHODS].map((name) => METHODS[name]);

    function lacking(cipher: CipherName): AeadCipher {
      throw new LibcryptoMissingError(`this Node.js does not export libcrypto's ${cipher}`);
    }

    for (const method of AEAD_METHODS.filter(({ cipher }) => isSodiumCipher(cipher))) {
      it(`are libsodium for ${method.name}, which has to be loaded then`, () => {
        expect(needsLibsodium(method, lacking)).to.equal(true);
        const cipher = cipherFor(method, lacking);
        expect([cipher.name, cipher.backend]).to.deep.equal([method.cipher, 'libsodium']);
        expect(cipherFor(method, lacking), 'proven once').to.equal(cipher);
        expect(cipherFor(method).backend, 'where it does not lack it').to.equal('libcrypto');
        const sealing = cipher.sealingKey(bytes(method.keyLength, 6));
        const nonce = new Uint8Array(cipher.nonceLength);
        const expected = NOBLE[method.cipher](bytes(method.keyLength, 6), nonce).encrypt(bytes(50, 6));
        expect(seal(sealing, 0, bytes(50, 6)).equals(expected)).to.equal(true);
        sealing.release();
      });
    }

    for (const method of AEAD_METHODS.filter(({ cipher }) => !isSodiumCipher(cipher))) {
      it(`do not exist for ${method.name}, and its user is told what to do`, () => {
        // Loading libsodium would not help.
        expect(needsLibsodium(method, lacking)).to.equal(false);
        expect(() => cipherFor(method, lacking))
          .to.throw(CipherUnavailableError)
          .with.property(
            'message',
            `The method ${method.name} needs OpenSSL's libcrypto, which this Node.js does not export: ` +
              'use chacha20-ietf-poly1305 or another build of Node.js.',
          );
      });
    }

    it('take no other fault for that', () => {
      const failing = (): AeadCipher => {
        throw new TypeError('no such thing');
      };
      const method = METHODS['chacha20-ietf-poly1305'];
      expect(() => cipherFor(method, failing)).to.throw(TypeError, 'no such thing');
      expect(() => needsLibsodium(method, failing)).to.throw(TypeError, 'no such thing');
    });
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
          sealWithNonce: (...args) => sealing.sealWithNonce(...args),
          openWithNonce: (...args) => opening.openWithNonce(...args),
          rekey(next) {
            sealing.rekey(next);
            opening.rekey(next);
          },
          release() {
            sealing.release();
            opening.release();
          },
          ...change(sealing, opening),
        };
      };
      return { ...proven, sealingKey: keyOf, openingKey: keyOf };
    }

    function cut(nonce: Region, at: number): Region {
      nonce.bytes.fill(0, at + 6, at + 12);
      return nonce;
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
      'keep the key that they had': withKeys(() => ({ rekey: () => undefined })),
      'use half of a nonce that is given in bytes': withKeys((sealing, opening) => ({
        sealWithNonce: (nonce, nonceAt, ...rest) => sealing.sealWithNonce(cut(nonce, nonceAt), nonceAt, ...rest),
        openWithNonce: (nonce, nonceAt, ...rest) => opening.openWithNonce(cut(nonce, nonceAt), nonceAt, ...rest),
      })),
      'seal wrongly what is long': withKeys((sealing) => ({
        sealWithNonce(nonce, nonceAt, input, inputAt, length, output, outputAt) {
          sealing.sealWithNonce(nonce, nonceAt, input, inputAt, length, output, outputAt);
          if (length > 256) output.bytes[outputAt + length + TAG_LENGTH - 1] ^= 1;
        },
      })),
      'open anything with a nonce that is given in bytes': withKeys((_sealing, opening) => ({
        openWithNonce(...args) {
          opening.openWithNonce(...args);
          return true;
        },
      })),
    };

    for (const [fault, cipher] of Object.entries(liars)) {
      it(`are refused where they ${fault}`, () => {
        expect(() => proveCipher(cipher, 32)).to.throw(CipherUnavailableError, /wrong answers/);
      });
    }

    it('are refused where another library could stand in', () => {
      const method = METHODS['chacha20-ietf-poly1305'];
      const fast = createLibcryptoCipher(method.cipher, method.keyLength);
      const deaf = (): AeadCipher => ({
        ...fast,
        openingKey: (key) => Object.assign(fast.openingKey(key), { open: () => false }),
      });
      // What was refused once is not taken the next time.
      for (let i = 0; i < 2; i++) {
        expect(() => cipherFor(method, deaf)).to.throw(CipherUnavailableError, /^libcrypto's .* gives wrong answers/);
      }
    });

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
