import { expect } from 'chai';
import fc from 'fast-check';
import type { Target } from '../../src/net/target.js';
import { encodeTarget, targetLength } from '../../src/net/target.js';
import { SocksCredentials } from '../../src/socks/credentials.js';
import { cutAt, runHandshake } from '../support/socks-handshake.js';
import { toHex } from '../support/vectors.js';

const field = fc.uint8Array({ minLength: 1, maxLength: 255 });
const user = fc.string({ minLength: 1, maxLength: 40 });
const payload = fc.uint8Array({ maxLength: 40 });
const target: fc.Arbitrary<Target> = fc.oneof(
  fc.record({
    kind: fc.constant('ip' as const),
    address: fc.record({ family: fc.constant(4 as const), bytes: fc.uint8Array({ minLength: 4, maxLength: 4 }) }),
    port: fc.nat(65535),
  }),
  fc.record({
    kind: fc.constant('ip' as const),
    address: fc.record({ family: fc.constant(6 as const), bytes: fc.uint8Array({ minLength: 16, maxLength: 16 }) }),
    port: fc.nat(65535),
  }),
  fc.record({ kind: fc.constant('name' as const), name: fc.domain(), port: fc.nat(65535) }),
);

function requestBytes(t: Target): Uint8Array {
  const bytes = new Uint8Array(3 + targetLength(t));
  bytes.set([5, 1, 0]);
  encodeTarget(t, bytes, 3);
  return bytes;
}

/** Sorted cut positions as fractions of the length, so that they shrink with it. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
const cutBy = (bytes: Uint8Array, fractions: readonly number[]): Uint8Array[] =>
  cutAt(bytes, ...fractions.map((fraction) => Math.floor(fraction * bytes.length)).sort((a, b) => a - b));

describe('the SOCKS5 handshake, by property', () => {
  it('finds the target and the payload however the input is cut', () => {
    fc.assert(
      fc.property(target, user, user, payload, cuts, (t, name, password, rest, fractions) => {
        const nameBytes = Buffer.from(name);
        const passwordBytes = Buffer.from(password);
        fc.pre(nameBytes.length <= 255 && passwordBytes.length <= 255);
        const input = Buffer.concat([
          Uint8Array.of(5, 2, 0, 2),
          Uint8Array.of(1, nameBytes.length),
          nameBytes,
          Uint8Array.of(passwordBytes.length),
          passwordBytes,
          requestBytes(t),
          rest,
        ]);
        const record = runHandshake(cutBy(input, fractions), new SocksCredentials([{ user: name, password }]));
        expect(record.sent).to.equal('05020100');
        expect(record.request).to.deep.equal({ command: 'connect', target: t });
        expect(record.leftover).to.equal(toHex(rest));
      }),
    );
  });

  it('lets only the configured pair in', () => {
    const credentials = new SocksCredentials([{ user: 'ann', password: 'secret' }]);
    fc.assert(
      fc.property(field, field, (name, password) => {
        const isAnn = Buffer.from(name).toString() === 'ann' && Buffer.from(password).toString() === 'secret';
        const input = Buffer.concat([
          Uint8Array.of(5, 1, 2, 1, name.length),
          name,
          Uint8Array.of(password.length),
          password,
        ]);
        const record = runHandshake([input], credentials);
        expect(record.failure).to.equal(isAnn ? undefined : 'bad-credentials');
      }),
    );
  });

  it('never throws on garbage, and gives the same verdict in one piece and in many', () => {
    // Seeds of real messages in front of the noise carry it past the first byte.
    const start = fc.constantFrom(
      [],
      [5],
      [5, 1, 0],
      [5, 1, 2],
      [5, 1, 0, 5, 1, 0],
      [5, 1, 2, 1, 1, 97, 1, 98, 5, 1, 0],
    );
    const credentials = new SocksCredentials([{ user: 'a', password: 'b' }]);
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 600 }), fc.boolean(), cuts, (head, noise, required, fractions) => {
        const input = Buffer.concat([Uint8Array.from(head), noise]);
        const accepted = required ? credentials : new SocksCredentials([]);
        const whole = runHandshake([input], accepted);
        const pieces = runHandshake(cutBy(input, fractions), accepted);
        expect(pieces).to.deep.equal(whole);
      }),
      { numRuns: 500 },
    );
  });
});
