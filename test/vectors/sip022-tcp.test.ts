/** The 2022 edition over TCP, byte for byte. */

import { expect } from 'chai';
import { Region } from '../../native-bindings/memory.js';
import { AEAD_2022_METHODS, type Aead2022MethodName } from '../../src/config/types.js';
import { loadLibsodium } from '../../src/crypto/libsodium-cipher.js';
import { METHODS } from '../../src/crypto/methods.js';
import { decodeTarget, type Target } from '../../src/net/target.js';
import type { RequestOutcome, StreamOpener, StreamSealer } from '../../src/shadowsocks/protocol.js';
import {
  clientOf,
  fixedPadding,
  type Keys2022,
  responseSealerOf,
  serverOf,
  TestClock,
  USER,
} from '../support/aead-2022.js';
import { fromHex, loadVectors, toHex } from '../support/vectors.js';

const { sip022 } = loadVectors();
/** Where payload begins in the input: headers are written in front of it. */
const AT = 2048;

interface Row {
  readonly method: string;
  readonly upsk: string;
  readonly ipsks?: readonly string[];
}

function keysOf({ method, upsk, ipsks = [] }: Row): Keys2022 {
  return {
    method: method as Aead2022MethodName,
    userKey: fromHex(upsk),
    identityKeys: ipsks.map(fromHex),
  };
}

function targetOf(bytes: string): Target {
  const encoded = fromHex(bytes);
  const decoded = decodeTarget(encoded, 0, encoded.length);
  if (decoded.status !== 'ok') throw new Error('a bad address in the vectors');
  return decoded.target;
}

describe('the 2022 edition over TCP, against the vectors', () => {
  const input = new Region(128 * 1024);
  const output = new Region(128 * 1024);

  before(loadLibsodium);

  after(() => {
    input.release();
    output.release();
  });

  function seal(sealer: StreamSealer, payload: string): Uint8Array {
    const bytes = fromHex(payload);
    input.bytes.set(bytes, AT);
    return output.bytes.slice(0, sealer.seal(input, AT, bytes.length, output, 0));
  }

  /** Seals the first payload and each chunk by a call of its own. */
  function sealAll(sealer: StreamSealer, first: string, chunks: readonly { readonly payload: string }[]) {
    const firstWrite = seal(sealer, first);
    const rest = chunks.map(({ payload }) => seal(sealer, payload));
    sealer.release();
    return { firstWrite: toHex(firstWrite), stream: toHex(Buffer.concat([firstWrite, ...rest])) };
  }

  /** @returns what came out as payload, in hexadecimal, or undefined where it is refused */
  function open(opener: StreamOpener, stream: Uint8Array): string | undefined {
    input.bytes.set(stream);
    const length = opener.open(input, 0, stream.length, output, 0);
    if (length < 0) return undefined;
    expect(opener.consumedTo, 'everything is consumed').to.equal(stream.length);
    return toHex(output.bytes.slice(0, length));
  }

  /** The stream as the last hop gets it: the ones before have taken their identity headers off. */
  function atLastHop(row: Row, stream: string): Uint8Array {
    const bytes = fromHex(stream);
    const { keyLength } = METHODS[row.method as Aead2022MethodName];
    const gone = 16 * Math.max(0, (row.ipsks?.length ?? 0) - 1);
    return Buffer.concat([bytes.subarray(0, keyLength), bytes.subarray(keyLength + gone)]);
  }

  it('has a row of each kind for each method', () => {
    const kinds = [sip022.tcp_request, sip022.tcp_response, sip022.tcp_request_negative, sip022.tcp_response_negative];
    for (const method of AEAD_2022_METHODS) {
      for (const rows of kinds) expect(rows.some((row) => row.method === method)).to.equal(true);
    }
    expect(kinds.map(({ length }) => length)).to.deep.equal([19, 3, 23, 12]);
  });

  for (const row of sip022.tcp_request) {
    const initial = row.initial_payload;
    const rest = row.chunks.map(({ payload }) => payload).join('');

    it(`${row.method}, request, ${row.note}: is sealed to the same bytes`, () => {
      const padding = fixedPadding(fromHex(row.padding));
      const known = { salt: fromHex(row.salt), padding, clock: new TestClock(row.timestamp) };
      const { sealer } = clientOf(keysOf(row), targetOf(row.target.bytes), known);
      const sealed = sealAll(sealer, initial, row.chunks);
      expect(sealed).to.deep.equal({ firstWrite: row.first_write, stream: row.stream });
      expect(toHex(sealer.salt ?? new Uint8Array())).to.equal(row.salt);
    });

    it(`${row.method}, request, ${row.note}: is read`, () => {
      const reader = serverOf(keysOf(row), new TestClock(row.now));
      const stream = atLastHop(row, row.stream);
      input.bytes.set(stream);
      const outcome: RequestOutcome = reader.read(input, 0, stream.length, output);
      if (outcome.kind !== 'accepted') throw new Error(`it is ${JSON.stringify(outcome)}`);
      expect(outcome.target).to.deep.equal(targetOf(row.target.bytes));
      expect(outcome.user).to.equal(row.ipsks.length > 0 ? USER : undefined);
      expect(toHex(output.bytes.slice(outcome.payloadAt, outcome.payloadEnd))).to.equal(initial);
      const left = stream.slice(reader.consumedTo);
      expect(open(outcome.stream.opener, left)).to.equal(rest);
      reader.release();
    });
  }

  for (const row of sip022.tcp_response) {
    it(`${row.method}, response: is sealed to the same bytes`, () => {
      const known = { salt: fromHex(row.salt), clock: new TestClock(row.timestamp) };
      const sealer = responseSealerOf(keysOf(row), fromHex(row.request_salt_expected), known);
      const sealed = sealAll(sealer, row.first_payload, row.chunks);
      expect(sealed).to.deep.equal({ firstWrite: row.first_write, stream: row.stream });
    });

    it(`${row.method}, response: is opened`, () => {
      const payloads = row.first_payload + row.chunks.map(({ payload }) => payload).join('');
      expect(openAnswer(row, row.now)).to.equal(payloads);
    });
  }

  /** Opens a response to a request with the salt that the row wants. */
  function openAnswer(
    row: Row & { readonly request_salt_expected: string; readonly stream: string },
    nowS: number,
  ): string | undefined {
    const known = { salt: fromHex(row.request_salt_expected), clock: new TestClock(nowS) };
    const { sealer, opener } = clientOf(keysOf(row), { kind: 'name', name: 'x.test', port: 1 }, known);
    seal(sealer, '00');
    const opened = open(opener, fromHex(row.stream));
    sealer.release();
    opener.release();
    return opened;
  }

  for (const [i, row] of sip022.tcp_request_negative.entries()) {
    it(`${row.method}, request ${i}, ${row.why}: is rejected`, () => {
      const reader = serverOf(keysOf(row), new TestClock(row.now));
      const stream = atLastHop(row, row.stream);
      input.bytes.set(stream);
      expect(reader.read(input, 0, stream.length, output)).to.include({ kind: 'rejected' });
      reader.release();
    });
  }

  for (const row of sip022.tcp_response_negative) {
    it(`${row.method}, response, ${row.why}: is rejected`, () => {
      expect(openAnswer(row, row.now)).to.equal(undefined);
    });
  }
});
