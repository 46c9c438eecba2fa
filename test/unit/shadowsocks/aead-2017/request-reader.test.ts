/** What a server of AEAD 2017 makes of a request, wherever it is cut: into chunks by the client, into pieces by the network. */

import { expect } from 'chai';
import { AEAD_2017_METHODS } from '../../../../src/config/types.js';
import { createSubkeyDerivation } from '../../../../src/crypto/hkdf.js';
import { loadLibsodium } from '../../../../src/crypto/libsodium-cipher.js';
import { createRandomSource } from '../../../../src/crypto/random.js';
import { encodeTarget, type Target, targetFromHost, targetLength } from '../../../../src/net/target.js';
import type { RequestOutcome, ServerProtocol } from '../../../../src/shadowsocks/protocol.js';
import { serverProtocol } from '../../../../src/shadowsocks/protocols.js';
import { TestClock } from '../../../support/aead-2022.js';
import { OracleSealer } from '../../../support/aead-oracle.js';
import { GuardedMemory } from '../../../support/guarded.js';
import { FORGETFUL } from '../../../support/salt-filters.js';

const PASSWORD = 'correct horse battery staple';
const MEMORY = 4096;
/** Where parts begin: not aligned, and not at the start of the memory. */
const AT = 1237;
/** A length and a payload, each with its tag. */
const CHUNK_OVERHEAD = 2 + 16 + 16;
const EARLY = Buffer.from('comes with the address');
const LATER = Buffer.from('comes behind it');

const TARGETS: readonly Target[] = [
  targetFromHost('192.0.2.7', 443),
  targetFromHost('2001:db8::7', 80),
  targetFromHost('example.test', 65_535),
];

/** By what comes as an address: why it is none. */
const NO_ADDRESSES = {
  '00': 'address-type',
  '05': 'address-type',
  '11c000020701bb': 'address-type',
  ff: 'address-type',
  '0300': 'empty-name',
  '0301200050': 'bad-name',
} as const;

/** How a client may cut an address into chunks. The payload is in the last of them, as in those behind it. */
const CHUNKINGS = {
  'in one chunk': (address: Buffer) => [Buffer.concat([address, EARLY])],
  'in chunks of one byte': (address: Buffer) => [
    ...[...address.subarray(0, -1)].map((byte) => Buffer.of(byte)),
    Buffer.concat([address.subarray(-1), EARLY]),
  ],
} as const;

function encoded(target: Target): Buffer {
  const bytes = Buffer.alloc(targetLength(target));
  encodeTarget(target, bytes, 0);
  return bytes;
}

function cutInTwo(bytes: Uint8Array, at: number): Uint8Array[] {
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

describe('a request of AEAD 2017', () => {
  const input = new GuardedMemory(MEMORY);
  const output = new GuardedMemory(MEMORY);

  before(loadLibsodium);

  after(() => {
    input.release();
    output.release();
  });

  interface Read {
    readonly outcome: RequestOutcome;
    /** What came in the chunk that the address ends in. */
    readonly early: string;
    /** What came in the chunks behind it. */
    readonly later: string;
  }

  /** Reads a request that arrives in pieces and opens what comes behind it, keeping in front what is not consumed, as a session does. */
  function read(protocol: ServerProtocol, pieces: readonly Uint8Array[]): Read {
    const reader = protocol.newRequest();
    let outcome: RequestOutcome = { kind: 'more' };
    let early = '';
    let later = '';
    let kept: Uint8Array = new Uint8Array(0);
    for (const piece of pieces) {
      const bytes = Buffer.concat([kept, piece]);
      const end = AT + bytes.length;
      let from = AT;
      input.lay(AT, bytes.length, bytes);
      if (outcome.kind === 'more') {
        outcome = reader.read(input.region, from, end, output.region);
        if (outcome.kind === 'rejected') break;
        from = reader.consumedTo;
        if (outcome.kind === 'accepted') early = text(outcome.payloadAt, outcome.payloadEnd);
      }
      if (outcome.kind === 'accepted') {
        const { opener } = outcome.stream;
        output.lay(AT, end - from);
        const length = opener.open(input.region, from, end, output.region, AT);
        expect(length, 'what comes behind is authentic').to.be.at.least(0);
        output.expectIntact();
        later += text(AT, AT + length);
        from = opener.consumedTo;
      }
      input.expectIntact();
      kept = input.slice(from, end - from);
    }
    reader.release();
    if (outcome.kind === 'accepted') outcome.stream.sealer.release();
    return { outcome, early, later };
  }

  function text(from: number, end: number): string {
    return Buffer.from(output.slice(from, end - from)).toString();
  }

  for (const method of AEAD_2017_METHODS) {
    describe(`with ${method}`, () => {
      let protocol: ServerProtocol;

      before(() => {
        // One request is read again and again, which would be a replay.
        const replay = {
          tcp2022: FORGETFUL,
          tcp2017: FORGETFUL,
          udp2017: FORGETFUL,
          tcpUnauthenticated: FORGETFUL,
          udpUnauthenticated: FORGETFUL,
        };
        const means = {
          derivation: createSubkeyDerivation(),
          random: createRandomSource(),
          clock: new TestClock(),
          replay,
        };
        protocol = serverProtocol({ host: '', port: 0, method, password: PASSWORD }, means);
      });

      after(() => protocol.wipe());

      function sealed(chunks: readonly Buffer[]): Buffer {
        const sealer = new OracleSealer(method, PASSWORD);
        return Buffer.concat([sealer.salt, ...chunks.map((chunk) => sealer.chunk(chunk))]);
      }

      for (const [how, cutIntoChunks] of Object.entries(CHUNKINGS)) {
        it(`names its target ${how}, cut in two at every position, and byte by byte`, () => {
          for (const target of TARGETS) {
            const chunks = cutIntoChunks(encoded(target));
            const stream = sealed([...chunks, LATER]);
            const head = stream.length - LATER.length - CHUNK_OVERHEAD;
            const expectWhole = ({ outcome, early, later }: Read, where: string): void => {
              expect(outcome, where).to.deep.include({ kind: 'accepted', target, user: undefined });
              expect([early, later], where).to.deep.equal([`${EARLY}`, `${LATER}`]);
            };
            for (let at = 0; at <= stream.length; at++) {
              expectWhole(read(protocol, cutInTwo(stream, at)), `cut at ${at}`);
              const begun = read(protocol, [stream.subarray(0, at)]).outcome.kind;
              expect(begun, `cut after ${at}`).to.equal(at < head ? 'more' : 'accepted');
            }
            const singly = [...stream].map((byte) => Uint8Array.of(byte));
            expectWhole(read(protocol, singly), 'byte by byte');
          }
        });

        it(`is rejected for an address that is none ${how}, cut in two at every position`, () => {
          for (const [hex, reason] of Object.entries(NO_ADDRESSES)) {
            const stream = sealed([...cutIntoChunks(Buffer.from(hex, 'hex')), LATER]);
            for (let at = 0; at <= stream.length; at++) {
              const { outcome } = read(protocol, cutInTwo(stream, at));
              const rejected = { kind: 'rejected', status: 'ERR_ADDRESS', reason };
              expect(outcome, `${hex}, cut at ${at}`).to.deep.equal(rejected);
            }
          }
        });
      }

      it('is rejected for an unknown type of address before the rest of the address has come', () => {
        const stream = sealed([Buffer.of(5)]);
        expect(read(protocol, [stream.subarray(0, -1)]).outcome.kind).to.equal('more');
        expect(read(protocol, [stream]).outcome).to.include({ kind: 'rejected', status: 'ERR_ADDRESS' });
      });
    });
  }
});
