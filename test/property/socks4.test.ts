import { expect } from 'chai';
import fc from 'fast-check';
import { formatTarget } from '../../src/net/target.js';
import { cutAt, runHandshake4 } from '../support/socks-handshake.js';
import { toHex } from '../support/vectors.js';

const port = fc.nat(65535);
const userId = fc.uint8Array({ maxLength: 255, min: 1 });
const payload = fc.uint8Array({ maxLength: 40 });
/** Sorted cut positions as fractions of the length, so that they shrink with it. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
const cutBy = (bytes: Uint8Array, fractions: readonly number[]): Uint8Array[] =>
  cutAt(bytes, ...fractions.map((fraction) => Math.floor(fraction * bytes.length)).sort((a, b) => a - b));

function request(to: number, address: readonly number[], user: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(4, 1, to >> 8, to & 0xff, ...address), user, Uint8Array.of(0)]);
}

describe('the SOCKS4 handshake, by property', () => {
  it('finds address and payload however the input is cut', () => {
    const address = fc.tuple(fc.integer({ min: 1, max: 255 }), fc.nat(255), fc.nat(255), fc.nat(255));
    fc.assert(
      fc.property(address, port, userId, payload, cuts, (ip, to, user, rest, fractions) => {
        const record = runHandshake4(cutBy(Buffer.concat([request(to, ip, user), rest]), fractions));
        expect(record.request && formatTarget(record.request.target)).to.equal(`${ip.join('.')}:${to}`);
        expect(record.leftover).to.equal(toHex(rest));
      }),
    );
  });

  it('finds name and payload however the input is cut', () => {
    fc.assert(
      fc.property(
        fc.domain(),
        fc.integer({ min: 1, max: 255 }),
        port,
        userId,
        payload,
        cuts,
        (name, x, to, user, rest, fractions) => {
          const input = Buffer.concat([request(to, [0, 0, 0, x], user), Buffer.from(`${name}\0`), rest]);
          const record = runHandshake4(cutBy(input, fractions));
          expect(record.request?.target).to.deep.equal({ kind: 'name', name, port: to });
          expect(record.leftover).to.equal(toHex(rest));
        },
      ),
    );
  });

  it('never throws on garbage, and gives the same verdict in one piece and in many', () => {
    const start = fc.constantFrom([], [4], [4, 1, 0, 80, 0, 0, 0, 1], [4, 1, 0, 80, 0, 0, 0, 1, 97, 0, 98]);
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 600 }), fc.boolean(), cuts, (head, noise, isOpen, fractions) => {
        const input = Buffer.concat([Uint8Array.from(head), noise]);
        expect(runHandshake4(cutBy(input, fractions), isOpen)).to.deep.equal(runHandshake4([input], isOpen));
      }),
      { numRuns: 500 },
    );
  });
});
