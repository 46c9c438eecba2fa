/** Streams of the 2022 edition through both ends' codecs, cut, changed and cut short in every way. */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { AEAD_2022_METHODS } from '../../src/config/types.js';
import { METHODS } from '../../src/crypto/methods.js';
import { type Target, targetLength } from '../../src/net/target.js';
import { MAX_PADDING } from '../../src/shadowsocks/aead-2022/padding.js';
import { sealedLength } from '../../src/shadowsocks/chunk-format.js';
import {
  HEADER_ROOM,
  type RequestOutcome,
  type StreamOpener,
  type StreamSealer,
} from '../../src/shadowsocks/protocol.js';
import { clientOf, type Keys2022, responseSealerOf, serverOf, USER } from '../support/aead-2022.js';
import { GuardedMemory } from '../support/guarded.js';

const MEMORY = 300 * 1024;
/** Where parts begin: not aligned, and behind the room for headers. */
const AT = 1237 + HEADER_ROOM;
const TARGET: Target = { kind: 'name', name: 'example.test', port: 8443 };

const input = new GuardedMemory(MEMORY);
const output = new GuardedMemory(MEMORY);

/** Bytes that differ from place to place, so that a misplaced one shows. */
function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + seed) & 0xff);
}

/** Seals each payload by one call. @param room what may be written in front of the first one */
function seal(sealer: StreamSealer, payloads: readonly Uint8Array[], room: number): Uint8Array[] {
  return payloads.map((payload, i) => {
    const free = i === 0 ? room : 0;
    input.lay(AT - free, free + payload.length);
    input.region.bytes.set(payload, AT);
    output.lay(AT, sealedLength(free + payload.length));
    const length = sealer.seal(input.region, AT, payload.length, output.region, AT);
    expect(Buffer.from(input.slice(AT, payload.length)).equals(payload), 'the payload is unchanged').to.equal(true);
    input.expectIntact();
    output.expectIntact();
    return output.slice(AT, length);
  });
}

/** Keeps what is not consumed in front of the next piece, as sessions and relays do. */
class Receiver {
  kept: Uint8Array = new Uint8Array(0);

  /** @returns where the bytes end that are to be opened now */
  lay(piece: Uint8Array): number {
    const bytes = Buffer.concat([this.kept, piece]);
    input.lay(AT, bytes.length, bytes);
    output.lay(0, bytes.length);
    return AT + bytes.length;
  }

  keep(from: number, end: number): void {
    input.expectIntact();
    output.expectIntact();
    expect(from).to.be.within(AT, end);
    this.kept = input.slice(from, end - from);
  }
}

interface Opened {
  readonly plaintext: Buffer;
  readonly refused: boolean;
  /** It ended between two chunks. */
  readonly whole: boolean;
}

function openPieces(opener: StreamOpener, pieces: readonly Uint8Array[], receiver = new Receiver()): Opened {
  const opened: Uint8Array[] = [];
  for (const piece of pieces) {
    const end = receiver.lay(piece);
    const length = opener.open(input.region, AT, end, output.region, 0);
    if (length < 0) return { plaintext: Buffer.concat(opened), refused: true, whole: false };
    opened.push(output.slice(0, length));
    receiver.keep(opener.consumedTo, end);
  }
  const whole = receiver.kept.length === 0 && !opener.insideChunk;
  return { plaintext: Buffer.concat(opened), refused: false, whole };
}

/** What a server makes of a request that arrives in pieces. */
function readPieces(keys: Keys2022, pieces: readonly Uint8Array[]): Opened & { readonly outcome: RequestOutcome } {
  const reader = serverOf(keys);
  const receiver = new Receiver();
  let outcome: RequestOutcome = { kind: 'more' };
  for (const [i, piece] of pieces.entries()) {
    const end = receiver.lay(piece);
    outcome = reader.read(input.region, AT, end, output.region);
    if (outcome.kind === 'rejected') break;
    if (outcome.kind === 'more') {
      receiver.keep(reader.consumedTo, end);
      expect(receiver.kept.length).to.be.lessThan(reader.longestUnit);
      continue;
    }
    const early = output.slice(outcome.payloadAt, outcome.payloadEnd - outcome.payloadAt);
    receiver.keep(reader.consumedTo, end);
    const rest = openPieces(outcome.stream.opener, [new Uint8Array(0), ...pieces.slice(i + 1)], receiver);
    reader.release();
    return { ...rest, plaintext: Buffer.concat([early, rest.plaintext]), outcome };
  }
  reader.release();
  return { plaintext: Buffer.alloc(0), refused: outcome.kind === 'rejected', whole: false, outcome };
}

/** Cuts behind what has to come by one receive. */
function cut(bytes: Uint8Array, head: number, shares: readonly number[]): Uint8Array[] {
  const positions = shares.map((share) => head + Math.floor(share * (bytes.length - head)));
  const bounds = [0, ...positions.sort((a, b) => a - b), bytes.length];
  return bounds.slice(1).map((end, i) => bytes.subarray(bounds[i], end));
}

const size = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 100 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 40_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(899, 900, 16_383, 65_532, 65_533, 65_536, 131_064) },
);
const sizes = fc.array(size, { minLength: 1, maxLength: 3 });
const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
const hops = fc.integer({ min: 0, max: 1 });

describe('streams of the 2022 edition', () => {
  after(() => {
    input.release();
    output.release();
  });

  for (const method of AEAD_2022_METHODS) {
    describe(method, () => {
      const { keyLength, cipher } = METHODS[method];
      const maxHops = cipher === 'chacha20-poly1305' ? 0 : 1;

      function keysWith(identityKeys: number): Keys2022 {
        const keys = Array.from({ length: Math.min(maxHops, identityKeys) }, () => randomBytes(keyLength));
        return { method, userKey: randomBytes(keyLength), identityKeys: keys };
      }

      /** What has to come by one receive. */
      function requestHead({ identityKeys = [] }: Keys2022): number {
        return keyLength + 16 * identityKeys.length + 27;
      }

      function requestOf(keys: Keys2022, payloads: readonly Uint8Array[]): Uint8Array[] {
        const { sealer, opener } = clientOf(keys, TARGET);
        const parts = seal(sealer, payloads, targetLength(TARGET) + 2 + MAX_PADDING);
        sealer.release();
        opener.release();
        return parts;
      }

      it('carry requests, whatever the sizes and the cuts', () => {
        const property = fc.property(sizes, shares, hops, (lengths, at, identityKeys) => {
          const keys = keysWith(identityKeys);
          const payloads = lengths.map((length, i) => pattern(length, i));
          const stream = Buffer.concat(requestOf(keys, payloads));
          const read = readPieces(keys, cut(stream, requestHead(keys), at));
          expect(read.outcome).to.deep.include({ kind: 'accepted', target: TARGET });
          expect(read.outcome).to.include({ user: keys.identityKeys?.length === 1 ? USER : undefined });
          expect([read.refused, read.whole]).to.deep.equal([false, true]);
          expect(read.plaintext.equals(Buffer.concat(payloads))).to.equal(true);
        });
        fc.assert(property, { numRuns: 30, interruptAfterTimeLimit: 5000 });
      });

      it('carry responses, whatever the sizes and the cuts', () => {
        const property = fc.property(sizes, shares, (lengths, at) => {
          const keys = keysWith(0);
          const { sealer, opener } = clientOf(keys, TARGET);
          seal(sealer, [pattern(1, 0)], targetLength(TARGET) + 2 + MAX_PADDING);
          const payloads = lengths.map((length, i) => pattern(length, i));
          const answer = seal(responseSealerOf(keys, sealer.salt ?? randomBytes(keyLength)), payloads, 0);
          const pieces = cut(Buffer.concat(answer), 2 * keyLength + 27, at);
          const { plaintext, refused, whole } = openPieces(opener, pieces);
          expect([refused, whole]).to.deep.equal([false, true]);
          expect(plaintext.equals(Buffer.concat(payloads))).to.equal(true);
        });
        fc.assert(property, { numRuns: 30, interruptAfterTimeLimit: 5000 });
      });

      it('are refused where their head comes in two pieces, and never before it is whole', () => {
        const keys = keysWith(1);
        const [stream] = requestOf(keys, [pattern(9, 1)]);
        for (let at = 1; at < stream.length; at++) {
          const { outcome } = readPieces(keys, [stream.subarray(0, at), stream.subarray(at)]);
          const expected = at < requestHead(keys) ? 'rejected' : 'accepted';
          expect(outcome.kind, `cut at ${at}`).to.equal(expected);
          const begun = readPieces(keys, [stream.subarray(0, at)]).outcome.kind;
          expect(begun, `cut after ${at}`).to.equal(expected === 'rejected' ? 'rejected' : 'more');
        }
      });

      it('are refused from the place on where any one byte is changed', () => {
        const keys = keysWith(1);
        const parts = requestOf(keys, [pattern(9, 1), pattern(16, 2)]);
        const stream = Buffer.concat(parts);
        for (let at = 0; at < stream.length; at++) {
          const changed = Uint8Array.from(stream);
          changed[at] ^= 1 << (at % 8);
          const { refused, plaintext } = readPieces(keys, [changed]);
          expect(refused, `byte ${at}`).to.equal(true);
          expect(plaintext.length).to.equal(at < parts[0].length ? 0 : 9);
        }
      });

      it('are no answer to another request, nor a request themselves', () => {
        const keys = keysWith(0);
        const [request] = requestOf(keys, [pattern(50, 1)]);
        const { sealer, opener } = clientOf(keys, TARGET);
        seal(sealer, [pattern(1, 0)], targetLength(TARGET) + 2 + MAX_PADDING);
        expect(openPieces(opener, [request]).refused, 'a request as an answer').to.equal(true);
        const [answer] = seal(responseSealerOf(keys, request.subarray(0, keyLength)), [pattern(50, 1)], 0);
        const other = clientOf(keys, TARGET);
        seal(other.sealer, [pattern(1, 0)], targetLength(TARGET) + 2 + MAX_PADDING);
        expect(openPieces(other.opener, [answer]).refused, 'the answer to another').to.equal(true);
        expect(readPieces(keys, [answer]).outcome.kind, 'an answer as a request').to.equal('rejected');
      });

      it('begin with packets of many sizes where there is no payload, and always with padding', () => {
        const keys = keysWith(1);
        const shortest = requestHead(keys) + targetLength(TARGET) + 2 + 16;
        const lengths = Array.from({ length: 300 }, () => requestOf(keys, [new Uint8Array(0)])[0].length - shortest);
        expect(Math.min(...lengths)).to.be.at.least(1);
        expect(Math.max(...lengths)).to.be.at.most(MAX_PADDING);
        expect(new Set(lengths).size).to.be.greaterThan(150);
      });

      it('hide the length of a short first payload, and leave a long one alone', () => {
        const keys = keysWith(0);
        const bare = requestHead(keys) + targetLength(TARGET) + 2 + 16;
        for (const length of [1, 500, 899, 900, 1000]) {
          const seen = Array.from({ length: 50 }, () => requestOf(keys, [pattern(length, 1)])[0].length - bare);
          expect(Math.min(...seen)).to.be.at.least(length);
          expect(Math.max(...seen)).to.be.at.most(Math.max(length, MAX_PADDING));
          if (length <= 500) expect(new Set(seen).size).to.be.greaterThan(20);
        }
      });
    });
  }
});
