/** Streams of AEAD 2017 through sealer and opener, cut, changed and cut short in every way. */

import { expect } from 'chai';
import fc from 'fast-check';
import { AEAD_2017_METHODS } from '../../src/config/types.js';
import { loadLibsodium } from '../../src/crypto/libsodium-cipher.js';
import { StreamOpener2017 } from '../../src/shadowsocks/aead-2017/stream-opener.js';
import { StreamSealer2017 } from '../../src/shadowsocks/aead-2017/stream-sealer.js';
import { sealedLength } from '../../src/shadowsocks/chunk-format.js';
import type { Keyring } from '../../src/shadowsocks/keyring.js';
import { OracleOpener, OracleSealer } from '../support/aead-oracle.js';
import { GuardedMemory } from '../support/guarded.js';
import { keyringOf } from '../support/keyrings.js';
import { FORGETFUL } from '../support/salt-filters.js';

const PASSWORD = 'correct horse battery staple';
const ALL_CHUNKS = Number.MAX_SAFE_INTEGER;
const MEMORY = 300 * 1024;
/** Where parts begin: not aligned, and not at the start of the memory. */
const AT = 1237;

/** Bytes that differ from place to place, so that a misplaced one shows. */
function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + seed) & 0xff);
}

const input = new GuardedMemory(MEMORY);
const output = new GuardedMemory(MEMORY);

/** Seals each payload by one call; the calls of one session. */
function seal(keyring: Keyring, payloads: readonly Uint8Array[]): Uint8Array {
  const sealer = new StreamSealer2017(keyring, undefined);
  const parts = payloads.map((payload) => {
    input.lay(AT, payload.length, payload);
    output.lay(AT, sealedLength(payload.length));
    const length = sealer.seal(input.region, AT, payload.length, output.region, AT);
    expect(length).to.be.at.most(sealedLength(payload.length));
    expect(Buffer.from(input.slice(AT, payload.length)).equals(payload), 'the input is unchanged').to.equal(true);
    input.expectIntact();
    output.expectIntact();
    return output.slice(AT, length);
  });
  sealer.release();
  return Buffer.concat(parts);
}

interface Opened {
  readonly plaintext: Buffer;
  readonly refused: boolean;
  /** It ended between two chunks. */
  readonly whole: boolean;
}

/** Opens a stream that arrives in pieces, keeping what is not consumed in front of the next one, as a relay does. */
function open(keyring: Keyring, pieces: readonly Uint8Array[], maxChunks = ALL_CHUNKS): Opened {
  const opener = new StreamOpener2017(keyring, FORGETFUL);
  const opened: Uint8Array[] = [];
  let kept: Uint8Array = new Uint8Array(0);
  let refused = false;
  for (const piece of pieces) {
    const bytes = Buffer.concat([kept, piece]);
    input.lay(AT, bytes.length, bytes);
    let from = AT;
    const end = AT + bytes.length;
    for (;;) {
      output.lay(AT, end - from);
      const length = opener.openChunks(input.region, from, end, output.region, AT, maxChunks);
      input.expectIntact();
      output.expectIntact();
      if (length < 0) {
        refused = true;
        break;
      }
      expect(opener.consumedTo).to.be.within(from, end);
      const stalled = opener.consumedTo === from;
      from = opener.consumedTo;
      opened.push(output.slice(AT, length));
      if (stalled || maxChunks === ALL_CHUNKS) break;
    }
    if (refused) break;
    kept = input.slice(from, end - from);
  }
  const whole = kept.length === 0 && !opener.insideChunk;
  opener.release();
  return { plaintext: Buffer.concat(opened), refused, whole };
}

function cut(bytes: Uint8Array, positions: readonly number[]): Uint8Array[] {
  const bounds = [0, ...[...positions].sort((a, b) => a - b), bytes.length];
  return bounds.slice(1).map((end, i) => bytes.subarray(bounds[i], end));
}

const size = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 100 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 40_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(16_382, 16_383, 16_384, 2 * 16_383, 2 * 16_383 + 1, 131_064) },
);

describe('streams of AEAD 2017', () => {
  before(loadLibsodium);

  after(() => {
    input.release();
    output.release();
  });

  for (const method of AEAD_2017_METHODS) {
    describe(method, () => {
      let keyring: Keyring;

      before(() => {
        keyring = keyringOf(method, PASSWORD);
      });

      it('come back whole, whatever the sizes, the cuts and the limit of chunks', () => {
        const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
        const limit = fc.constantFrom(1, 2, 3, ALL_CHUNKS);
        const property = fc.property(
          fc.array(size, { minLength: 1, maxLength: 4 }),
          cuts,
          limit,
          (sizes, at, maxChunks) => {
            const payloads = sizes.map((length, i) => pattern(length, i));
            const stream = seal(keyring, payloads);
            const pieces = cut(
              stream,
              at.map((share) => Math.floor(share * stream.length)),
            );
            const { plaintext, refused, whole } = open(keyring, pieces, maxChunks);
            expect(refused).to.equal(false);
            expect(whole).to.equal(true);
            expect(plaintext.equals(Buffer.concat(payloads))).to.equal(true);
          },
        );
        fc.assert(property, { numRuns: 30, interruptAfterTimeLimit: 5000 });
      });

      it('come back whole cut in two at every position, and byte by byte', () => {
        const payloads = [pattern(7, 1), pattern(1, 2), pattern(30, 3)];
        const stream = seal(keyring, payloads);
        const expected = Buffer.concat(payloads);
        for (let at = 0; at <= stream.length; at++) {
          expect(open(keyring, cut(stream, [at])).plaintext.equals(expected), `cut at ${at}`).to.equal(true);
        }
        const singly = open(
          keyring,
          [...stream].map((byte) => Uint8Array.of(byte)),
        );
        expect(singly.plaintext.equals(expected)).to.equal(true);
        expect(singly.whole).to.equal(true);
      });

      it('give nothing but a beginning of the payload when cut short, and say so inside a unit', () => {
        const payloads = [pattern(5, 1), pattern(20, 2), pattern(3, 3)];
        const stream = seal(keyring, payloads);
        const expected = Buffer.concat(payloads);
        const { saltLength } = keyring;
        const boundaries = [0, saltLength];
        for (const payload of payloads) boundaries.push((boundaries.at(-1) ?? 0) + payload.length + 34);
        for (let length = 0; length < stream.length; length++) {
          const { plaintext, refused, whole } = open(keyring, [stream.subarray(0, length)]);
          expect(refused).to.equal(false);
          expect(expected.subarray(0, plaintext.length).equals(plaintext), `cut after ${length}`).to.equal(true);
          expect(whole, `cut after ${length}`).to.equal(boundaries.includes(length));
        }
      });

      it('are refused from the place on where any one byte is changed', () => {
        const payloads = [pattern(9, 1), pattern(16, 2)];
        const stream = seal(keyring, payloads);
        const expected = Buffer.concat(payloads);
        const secondChunkAt = keyring.saltLength + payloads[0].length + 34;
        for (let at = 0; at < stream.length; at++) {
          const changed = Uint8Array.from(stream);
          changed[at] ^= 1 << (at % 8);
          const { plaintext, refused } = open(keyring, [changed], 1);
          expect(refused, `byte ${at}`).to.equal(true);
          expect(plaintext.equals(expected.subarray(0, at < secondChunkAt ? 0 : payloads[0].length))).to.equal(true);
        }
      });

      it('are what a plain implementation of SIP004 seals and opens', () => {
        const payloads = [pattern(1, 1), pattern(16_384, 2), pattern(300, 3)];
        const opener = new OracleOpener(method, PASSWORD);
        expect(opener.push(seal(keyring, payloads)).equals(Buffer.concat(payloads))).to.equal(true);
        expect(opener.atBoundary).to.equal(true);
        const sealer = new OracleSealer(method, PASSWORD);
        const stream = Buffer.concat([sealer.salt, ...payloads.map((payload) => sealer.chunks(payload))]);
        expect(open(keyring, [stream]).plaintext.equals(Buffer.concat(payloads))).to.equal(true);
      });

      it('use a new salt each time', () => {
        const salts = new Set(
          Array.from({ length: 100 }, () =>
            seal(keyring, [pattern(1, 0)])
              .slice(0, keyring.saltLength)
              .join(),
          ),
        );
        expect(salts.size).to.equal(100);
      });
    });
  }

  it('skip 64 empty chunks in a row where they are allowed, and refuse one more', () => {
    const keyring = keyringOf('aes-256-gcm', PASSWORD);
    for (const [empty, result] of [
      [64, 3],
      [65, -1],
    ] as const) {
      const sealer = new OracleSealer('aes-256-gcm', PASSWORD);
      const chunks = Array.from({ length: empty }, () => sealer.chunk(new Uint8Array(0)));
      const stream = Buffer.concat([sealer.salt, ...chunks, sealer.chunk(Uint8Array.of(1, 2, 3))]);
      const opener = new StreamOpener2017(keyring, FORGETFUL);
      opener.allowEmptyChunks();
      input.lay(AT, stream.length, stream);
      output.lay(AT, stream.length);
      expect(opener.open(input.region, AT, AT + stream.length, output.region, AT)).to.equal(result);
      opener.release();
    }
  });

  it('are refused where a length has reserved bits, even an authentic one', () => {
    for (const claimed of [0x4000, 0x8001, 0xffff]) {
      const sealer = new OracleSealer('aes-256-gcm', PASSWORD);
      const stream = Buffer.concat([sealer.salt, sealer.chunk(pattern(12, 0), claimed)]);
      expect(open(keyringOf('aes-256-gcm', PASSWORD), [stream]).refused).to.equal(true);
    }
  });
});
