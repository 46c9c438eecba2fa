/** Streams of the methods without authentication through sealer and opener, cut and cut short in every way. */

import { expect } from 'chai';
import fc from 'fast-check';
import { PLAIN_METHODS, STREAM_METHODS } from '../../src/config/types.js';
import { loadSalsa20 } from '../../src/crypto/salsa20-cipher.js';
import { encodeTarget, type Target, targetFromHost, targetLength } from '../../src/net/target.js';
import { sealedLength } from '../../src/shadowsocks/chunk-format.js';
import type { RequestOutcome } from '../../src/shadowsocks/protocol.js';
import type { UnauthenticatedKeyring } from '../../src/shadowsocks/stream/keyring.js';
import { UnauthenticatedRequestReader } from '../../src/shadowsocks/stream/request-reader.js';
import { UnauthenticatedOpener } from '../../src/shadowsocks/stream/stream-opener.js';
import { UnauthenticatedSealer } from '../../src/shadowsocks/stream/stream-sealer.js';
import { GuardedMemory } from '../support/guarded.js';
import { PlainFilter } from '../support/salt-filters.js';
import { unauthenticatedKeyring } from '../support/unauthenticated.js';

const MEMORY = 128 * 1024;
/** Where parts begin: not aligned, and not at the start of the memory. */
const AT = 1237;
const TARGETS: readonly Target[] = [
  targetFromHost('192.0.2.7', 443),
  targetFromHost('2001:db8::7', 80),
  targetFromHost('example.test', 65_535),
  targetFromHost('x'.repeat(255), 1),
];

const input = new GuardedMemory(MEMORY);
const output = new GuardedMemory(MEMORY);

function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + seed) & 0xff);
}

/** Seals each payload by one call; the calls of one session. */
function seal(keyring: UnauthenticatedKeyring, header: Target | undefined, payloads: readonly Uint8Array[]): Buffer {
  const sealer = new UnauthenticatedSealer(keyring, header);
  const room = header === undefined ? 0 : targetLength(header);
  const parts = payloads.map((payload, i) => {
    input.lay(AT, payload.length, payload);
    // The header may overwrite what is in front of the first payload, and nothing else.
    if (i === 0) input.lay(AT - room, room + payload.length, Buffer.concat([Buffer.alloc(room), payload]));
    output.lay(AT, sealedLength(room + payload.length));
    const length = sealer.seal(input.region, AT, payload.length, output.region, AT);
    expect(length).to.be.at.most(sealedLength(room + payload.length));
    expect(Buffer.from(input.slice(AT, payload.length)).equals(payload), 'the input is unchanged').to.equal(true);
    input.expectIntact();
    output.expectIntact();
    return output.slice(AT, length);
  });
  sealer.release();
  return Buffer.concat(parts);
}

function cut(bytes: Uint8Array, positions: readonly number[]): Uint8Array[] {
  const bounds = [0, ...[...positions].sort((a, b) => a - b), bytes.length];
  return bounds.slice(1).map((end, i) => bytes.subarray(bounds[i], end));
}

/** Opens a stream that arrives in pieces, keeping what is not consumed in front of the next one, as a relay does. */
function open(keyring: UnauthenticatedKeyring, pieces: readonly Uint8Array[]): Buffer {
  const opener = new UnauthenticatedOpener(keyring, 'server');
  const opened: Uint8Array[] = [];
  let kept: Uint8Array = new Uint8Array(0);
  for (const piece of pieces) {
    const bytes = Buffer.concat([kept, piece]);
    input.lay(AT, bytes.length, bytes);
    output.lay(AT, bytes.length);
    const length = opener.open(input.region, AT, AT + bytes.length, output.region, AT);
    input.expectIntact();
    output.expectIntact();
    opened.push(output.slice(AT, length));
    kept = input.slice(opener.consumedTo, AT + bytes.length - opener.consumedTo);
    expect(kept.length).to.be.lessThan(Math.max(1, keyring.ivLength), 'only a part of the IV is kept');
  }
  opener.release();
  return Buffer.concat(opened);
}

interface Read {
  readonly outcome: RequestOutcome;
  /** Payload up to the end of the pieces. */
  readonly payload: Buffer;
}

/** Reads a request that arrives in pieces, and opens what comes behind it. */
function read(keyring: UnauthenticatedKeyring, pieces: readonly Uint8Array[]): Read {
  const reader = new UnauthenticatedRequestReader(keyring);
  const payload: Uint8Array[] = [];
  let outcome: RequestOutcome = { kind: 'more' };
  let kept: Uint8Array = new Uint8Array(0);
  for (const piece of pieces) {
    const bytes = Buffer.concat([kept, piece]);
    input.lay(AT, bytes.length, bytes);
    const end = AT + bytes.length;
    if (outcome.kind === 'accepted') {
      const { opener } = outcome.stream;
      const length = opener.open(input.region, AT, end, output.region, AT);
      payload.push(output.slice(AT, length));
      continue;
    }
    outcome = reader.read(input.region, AT, end, output.region);
    input.expectIntact();
    if (outcome.kind === 'rejected') break;
    kept = input.slice(reader.consumedTo, end - reader.consumedTo);
    if (outcome.kind === 'accepted') {
      expect(kept).to.have.length(0);
      payload.push(output.slice(outcome.payloadAt, outcome.payloadEnd - outcome.payloadAt));
    }
  }
  reader.release();
  return { outcome, payload: Buffer.concat(payload) };
}

describe('streams without authentication', () => {
  before(loadSalsa20);

  after(() => {
    input.release();
    output.release();
  });

  for (const method of [...STREAM_METHODS, ...PLAIN_METHODS]) {
    describe(method, () => {
      let keyring: UnauthenticatedKeyring;

      before(() => {
        keyring = unauthenticatedKeyring(method, 'correct horse battery staple');
      });

      after(() => keyring.wipe());

      it('come back whole, whatever the sizes and the cuts', () => {
        const size = fc.oneof(
          { weight: 4, arbitrary: fc.integer({ min: 0, max: 100 }) },
          { weight: 2, arbitrary: fc.integer({ min: 1, max: 40_000 }) },
        );
        const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
        const header = fc.constantFrom(undefined, ...TARGETS);
        const property = fc.property(
          fc.array(size, { minLength: 1, maxLength: 4 }),
          cuts,
          header,
          (sizes, at, target) => {
            const payloads = sizes.map((length, i) => pattern(length, i));
            const stream = seal(keyring, target, payloads);
            const positions = at.map((share) => Math.floor(share * stream.length));
            const expected = Buffer.concat(payloads);
            if (target === undefined) {
              expect(open(keyring, cut(stream, positions)).equals(expected)).to.equal(true);
            } else {
              const { outcome, payload } = read(keyring, cut(stream, positions));
              expect(outcome).to.deep.include({ kind: 'accepted', target });
              expect(payload.equals(expected)).to.equal(true);
            }
          },
        );
        fc.assert(property, { numRuns: 40, interruptAfterTimeLimit: 3000 });
      });

      it('name their target cut in two at every position, and byte by byte', () => {
        const payload = pattern(20, 1);
        for (const target of TARGETS) {
          const stream = seal(keyring, target, [payload]);
          const whole = keyring.ivLength + targetLength(target);
          for (let at = 0; at <= Math.min(stream.length, whole + 2); at++) {
            const { outcome, payload: opened } = read(keyring, cut(stream, [at]));
            expect(outcome, `cut at ${at}`).to.deep.include({ kind: 'accepted', target });
            expect(opened.equals(payload), `cut at ${at}`).to.equal(true);
            expect(read(keyring, [stream.subarray(0, at)]).outcome.kind).to.equal(at < whole ? 'more' : 'accepted');
          }
          const singly = [...stream].map((byte) => Uint8Array.of(byte));
          expect(read(keyring, singly).payload.equals(payload)).to.equal(true);
        }
      });

      it('reject an address that is none as soon as that is known, however it arrives', () => {
        const none = ['05', '00', '0300', '11c000020701bb', '0301200050', 'ff'];
        for (const hex of none) {
          const bytes = Buffer.from(hex, 'hex');
          const stream = seal(keyring, undefined, [Buffer.concat([bytes, pattern(30, 1)])]);
          for (let at = 0; at <= keyring.ivLength + bytes.length; at++) {
            const { outcome } = read(keyring, cut(stream, [at]));
            expect(outcome, `${hex}, cut at ${at}`).to.include({ kind: 'rejected', status: 'ERR_ADDRESS' });
          }
        }
      });
    });
  }

  for (const method of STREAM_METHODS) {
    it(`use a new IV each time, and none twice (${method})`, () => {
      const used = new PlainFilter();
      const server = unauthenticatedKeyring(method, 'p', { used });
      const client = unauthenticatedKeyring(method, 'p');
      const target = TARGETS[0];
      const length = targetLength(target);
      const request = seal(client, target, [pattern(9, 1)]);
      const short = request.subarray(0, server.ivLength + length - 1);
      for (let i = 0; i < 3; i++) expect(read(server, [short]).outcome.kind, 'not whole yet').to.equal('more');
      expect(used.salts.size, 'nothing is remembered before the address').to.equal(0);

      // Of two that arrive at the same time one is served.
      const readers = [1, 2].map(() => new UnauthenticatedRequestReader(server));
      const outcomes = [short, request.subarray(short.length)].map((part) =>
        readers.map((reader) => {
          input.lay(AT, part.length, part);
          return reader.read(input.region, AT, AT + part.length, output.region).kind;
        }),
      );
      for (const reader of readers) reader.release();
      expect(outcomes).to.deep.equal([
        ['more', 'more'],
        ['accepted', 'rejected'],
      ]);
      expect(read(server, [request]).outcome).to.include({ kind: 'rejected', status: 'ERR_CIPHER', reason: 'replay' });
      expect(read(server, cut(request, [3])).outcome.kind).to.equal('rejected');

      // What the server has sealed does not come back to it, and an answer comes to a client once.
      const answer = seal(server, undefined, [encoded(target)]);
      expect(read(server, [answer]).outcome).to.include({ kind: 'rejected', reason: 'replay' });
      const ivs = Array.from({ length: 50 }, () =>
        seal(server, undefined, [pattern(1, 0)]).subarray(0, server.ivLength),
      );
      expect(new Set(ivs.map((iv) => iv.toString('hex'))).size).to.equal(50);

      const watchful = unauthenticatedKeyring(method, 'p', { used: new PlainFilter() });
      expect(opens(watchful, answer)).to.equal(length);
      expect(opens(watchful, answer), 'a second time').to.equal(-1);
      expect(opens(watchful, seal(watchful, undefined, [pattern(5, 1)])), 'its own').to.equal(-1);
      for (const keyring of [server, client, watchful]) keyring.wipe();
    });
  }

  function encoded(target: Target): Uint8Array {
    const bytes = new Uint8Array(targetLength(target));
    encodeTarget(target, bytes, 0);
    return bytes;
  }

  /** @returns what a client's opener says to a whole stream */
  function opens(keyring: UnauthenticatedKeyring, stream: Uint8Array): number {
    const opener = new UnauthenticatedOpener(keyring, 'server');
    input.lay(AT, stream.length, stream);
    output.lay(AT, stream.length);
    const opened = opener.open(input.region, AT, AT + stream.length, output.region, AT);
    opener.release();
    return opened;
  }
});
