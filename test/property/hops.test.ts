/** Requests through chains of hops, generated: whatever the chain, the payload and the pieces in which it comes, the last server gets it. */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { Region } from '../../native-bindings/memory.js';
import { METHODS } from '../../src/crypto/methods.js';
import type { Target } from '../../src/net/target.js';
import { RawOpener } from '../../src/shadowsocks/aead-2022/raw-stream.js';
import { clientOf, serverOf } from '../support/aead-2022.js';
import { HOP_METHODS, hopOf } from '../support/hops.js';

const TARGET: Target = { kind: 'name', name: 'example.test', port: 443 };
const AT = 2048;

describe('requests through hops', () => {
  const input = new Region(256 * 1024);
  const output = new Region(256 * 1024);

  after(() => {
    input.release();
    output.release();
  });

  /** What a hop sends on of a stream that comes in pieces, the first of which has the head. */
  function throughHop(hop: ReturnType<typeof hopOf>, stream: Uint8Array, cuts: readonly number[]): Buffer {
    const bounds = [0, ...[...cuts].sort((a, b) => a - b), stream.length];
    const sent: Uint8Array[] = [];
    let opener: RawOpener | undefined;
    for (let i = 1; i < bounds.length; i++) {
      const piece = stream.subarray(bounds[i - 1], bounds[i]);
      input.bytes.set(piece, 7);
      if (opener !== undefined) {
        const length = opener.open(input, 7, 7 + piece.length, output, 0);
        sent.push(output.bytes.slice(0, length));
        continue;
      }
      const request = hop.newRequest();
      const outcome = request.read(input, 7, 7 + piece.length, output);
      if (outcome.kind !== 'accepted' || !(outcome.stream.opener instanceof RawOpener)) throw new Error(outcome.kind);
      expect(request.consumedTo).to.equal(7 + piece.length);
      sent.push(output.bytes.slice(outcome.payloadAt, outcome.payloadEnd));
      opener = outcome.stream.opener;
    }
    return Buffer.concat(sent);
  }

  for (const method of HOP_METHODS) {
    it(`reach the last server with all of their payload (${method})`, () => {
      const { keyLength } = METHODS[method];
      const payloads = fc.uint8Array({ minLength: 1, maxLength: 3000 });
      const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 });
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 4 }), payloads, cuts, (hops, payload, shares) => {
          const identityKeys = Array.from({ length: hops }, () => randomBytes(keyLength));
          const userKey = randomBytes(keyLength);
          const { sealer } = clientOf({ method, userKey, identityKeys }, TARGET);
          input.bytes.set(payload, AT);
          let stream: Uint8Array = output.bytes.slice(0, sealer.seal(input, AT, payload.length, output, 0));
          sealer.release();
          const chain = [...identityKeys, userKey];
          for (let i = 0; i < hops; i++) {
            const hop = hopOf({ method, ownKey: chain[i], nextKey: chain[i + 1] });
            const head = keyLength + 16 + 27;
            const span = stream.length - head;
            stream = throughHop(
              hop,
              stream,
              shares.map((share) => head + Math.floor(share * span)),
            );
            hop.wipe();
          }
          const server = serverOf({ method, userKey });
          input.bytes.set(stream);
          const outcome = server.read(input, 0, stream.length, output);
          if (outcome.kind !== 'accepted') throw new Error(JSON.stringify(outcome));
          expect(output.bytes.slice(outcome.payloadAt, outcome.payloadEnd)).to.deep.equal(payload);
          server.release();
        }),
        { numRuns: 60 },
      );
    });
  }
});
