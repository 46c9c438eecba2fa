/** What hops refuse, and what they hand on of a stream. The vectors have what they make of requests and packets. */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { Region } from '../../../../native-bindings/memory.js';
import { METHODS } from '../../../../src/crypto/methods.js';
import { knownHops } from '../../../../src/shadowsocks/aead-2022/hop-protocol.js';
import { RAW_SEALER, RawOpener } from '../../../../src/shadowsocks/aead-2022/raw-stream.js';
import { clientOf } from '../../../support/aead-2022.js';
import { HOP_METHODS, hopOf, packetHopOf } from '../../../support/hops.js';
import { PacketStage } from '../../../support/packets.js';

const AT = 2048;

for (const method of HOP_METHODS) {
  describe(`a hop of ${method}`, () => {
    const { keyLength } = METHODS[method];
    const keys = { method, ownKey: randomBytes(keyLength), nextKey: randomBytes(keyLength) };
    const userKey = randomBytes(keyLength);
    const hop = hopOf(keys);
    const packets = packetHopOf(keys);
    const input = new Region(64 * 1024);
    const output = new Region(64 * 1024);
    const stage = new PacketStage();

    after(() => {
      hop.wipe();
      packets.wipe();
      input.release();
      output.release();
      stage.release();
    });

    function requestOf(identityKeys: readonly Uint8Array[]): Buffer {
      const target = { kind: 'name', name: 'example.test', port: 80 } as const;
      const { sealer } = clientOf({ method, userKey, identityKeys }, target);
      const bytes = Buffer.from(output.bytes.slice(0, sealer.seal(input, AT, 20, output, 0)));
      sealer.release();
      return bytes;
    }

    function read(bytes: Uint8Array) {
      input.bytes.set(bytes);
      const outcome = hop.newRequest().read(input, 0, bytes.length, output);
      return outcome.kind === 'rejected' ? `${outcome.status} ${outcome.reason}` : outcome.kind;
    }

    it('wants as much by one receive as a server with users', () => {
      const request = requestOf([keys.ownKey, keys.nextKey]);
      const least = keyLength + 16 + 27;
      for (const length of [0, 1, keyLength, keyLength + 16, least - 1]) {
        expect(read(request.subarray(0, length))).to.equal('ERR_CIPHER short');
      }
      expect(read(request.subarray(0, least))).to.equal('accepted');
      expect(read(request)).to.equal('accepted');
    });

    it('refuses who names nobody that it knows', () => {
      const stranger = randomBytes(keyLength);
      for (const chain of [[keys.ownKey, stranger], [stranger, keys.nextKey], [keys.ownKey], []]) {
        expect(read(requestOf(chain))).to.equal('ERR_CIPHER unknown destination');
      }
      expect(read(randomBytes(500))).to.equal('ERR_CIPHER unknown destination');
      const changed = requestOf([keys.ownKey, keys.nextKey]);
      changed[keyLength] ^= 1;
      expect(read(changed)).to.equal('ERR_CIPHER unknown destination');
    });

    it('refuses packets that are too short, and those of strangers', () => {
      expect(stage.open(packets, randomBytes(47))).to.equal('malformed');
      expect(stage.open(packets, randomBytes(48))).to.equal('user');
      expect(stage.open(packets, randomBytes(1400))).to.equal('user');
      expect(() => packets.openedSession).to.throw();
    });
  });
}

describe('the stream behind a hop', () => {
  it('comes out as it goes in, however it is cut', () => {
    const input = new Region(4096);
    const output = new Region(4096);
    const opener = new RawOpener();
    input.bytes.set(randomBytes(100));
    const sent = input.bytes.slice(0, 100);
    expect(opener.open(input, 3, 70, output, 5)).to.equal(67);
    expect([opener.consumedTo, opener.insideChunk]).to.deep.equal([70, false]);
    expect(output.bytes.slice(5, 72)).to.deep.equal(sent.subarray(3, 70));
    expect(RAW_SEALER.seal(input, 10, 20, output, 0)).to.equal(20);
    expect(output.bytes.slice(0, 20)).to.deep.equal(sent.subarray(10, 30));
    input.release();
    output.release();
  });
});

describe('the destinations of a hop', () => {
  it('need a method that has identity headers, and keys of its length', () => {
    const hops = [{ name: 'a', host: 'a.test', port: 1, password: Buffer.alloc(16, 1).toString('base64') }];
    expect(() => knownHops(hops, METHODS['2022-blake3-chacha20-poly1305'])).to.throw(RangeError, /no identity headers/);
    expect(() => knownHops(hops, METHODS['2022-blake3-aes-256-gcm'])).to.throw(RangeError, /must be 32 bytes/);
    expect(knownHops(hops, METHODS['2022-blake3-aes-128-gcm'])[0].target).to.deep.equal({
      kind: 'name',
      name: 'a.test',
      port: 1,
    });
  });
});
