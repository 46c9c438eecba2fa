/** The old stream ciphers byte for byte, as the existing implementations speak them. */

import { expect } from 'chai';
import { Region } from '../../native-bindings/memory.js';
import { STREAM_METHODS, type StreamMethodName } from '../../src/config/types.js';
import { keyFromPassword } from '../../src/crypto/master-key.js';
import { METHODS } from '../../src/crypto/methods.js';
import { loadSalsa20 } from '../../src/crypto/salsa20-cipher.js';
import { decodeTarget, encodeTarget } from '../../src/net/target.js';
import type { UnauthenticatedKeyring } from '../../src/shadowsocks/stream/keyring.js';
import { UnauthenticatedPackets } from '../../src/shadowsocks/stream/packets.js';
import { UnauthenticatedRequestReader } from '../../src/shadowsocks/stream/request-reader.js';
import { UnauthenticatedOpener } from '../../src/shadowsocks/stream/stream-opener.js';
import { UnauthenticatedSealer } from '../../src/shadowsocks/stream/stream-sealer.js';
import { PacketStage } from '../support/packets.js';
import { unauthenticatedKeyring } from '../support/unauthenticated.js';
import { fromHex, loadVectors, toHex } from '../support/vectors.js';

const { stream } = loadVectors();

function keyringFor(row: { readonly method: string; readonly password: string; readonly iv: string }) {
  return unauthenticatedKeyring(row.method as StreamMethodName, row.password, { iv: fromHex(row.iv) });
}

describe('stream ciphers, against the vectors', () => {
  const input = new Region(16 * 1024);
  const output = new Region(16 * 1024);

  before(loadSalsa20);

  after(() => {
    input.release();
    output.release();
  });

  /** A client's stream: the header that names the target, and payload behind it. */
  function seal(keyring: UnauthenticatedKeyring, plaintext: Uint8Array, cuts: readonly number[]): string {
    const decoded = decodeTarget(plaintext, 0, plaintext.length);
    if (decoded.status !== 'ok') throw new Error(`the target is ${decoded.status}`);
    const sealer = new UnauthenticatedSealer(keyring, decoded.target);
    const bounds = [decoded.length, ...cuts.map((cut) => decoded.length + cut), plaintext.length];
    const parts = bounds.slice(1).map((end, i) => {
      const payload = plaintext.subarray(bounds[i], end);
      input.bytes.set(payload, 1000);
      return output.bytes.slice(0, sealer.seal(input, 1000, payload.length, output, 0));
    });
    sealer.release();
    return Buffer.concat(parts).toString('hex');
  }

  it('have a row for each method that the reference implementations were asked for', () => {
    const without = STREAM_METHODS.filter((method) => !stream.tcp.some((row) => row.method === method));
    expect(without).to.deep.equal(['camellia-128-cfb', 'camellia-192-cfb', 'camellia-256-cfb']);
    expect(stream.udp.map(({ method }) => method)).to.deep.equal(stream.tcp.map(({ method }) => method));
  });

  for (const row of stream.tcp) {
    const method = METHODS[row.method as StreamMethodName];

    it(`${row.method}: the lengths and the key`, () => {
      expect(method).to.include({ family: 'stream', keyLength: row.key_len, ivLength: row.iv_len });
      expect(toHex(keyFromPassword(row.password, row.key_len))).to.equal(row.key);
    });

    it(`${row.method}: a connection is sealed to the same bytes, by one call or by many`, () => {
      const plaintext = fromHex(row.plaintext);
      expect(seal(keyringFor(row), plaintext, [])).to.equal(row.stream);
      expect(seal(keyringFor(row), plaintext, [0, 1, 17, 80, 81])).to.equal(row.stream);
    });

    it(`${row.method}: a connection is opened to the same bytes, and names its target`, () => {
      const bytes = fromHex(row.stream);
      const opener = new UnauthenticatedOpener(keyringFor(row), 'server');
      input.bytes.set(bytes);
      const length = opener.open(input, 0, bytes.length, output, 0);
      expect(toHex(output.bytes.slice(0, length))).to.equal(row.plaintext);
      opener.release();

      const reader = new UnauthenticatedRequestReader(keyringFor(row));
      const outcome = reader.read(input, 0, bytes.length, output);
      if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
      const address = new Uint8Array(outcome.payloadAt);
      encodeTarget(outcome.target, address, 0);
      const payload = output.bytes.slice(outcome.payloadAt, outcome.payloadEnd);
      expect(toHex(address) + toHex(payload)).to.equal(row.plaintext);
      reader.release();
    });
  }

  for (const row of stream.udp) {
    it(`${row.method}: a datagram, both ways`, () => {
      const packets = new UnauthenticatedPackets(keyringFor(row));
      const stage = new PacketStage();
      const plaintext = fromHex(row.plaintext);
      expect(decodeTarget(plaintext, 0, plaintext.length).status).to.equal('ok');
      expect(stage.seal(packets, plaintext).toString('hex')).to.equal(row.packet);
      const opened = stage.open(packets, fromHex(row.packet));
      expect(typeof opened === 'string' ? opened : opened.toString('hex')).to.equal(row.plaintext);
      packets.wipe();
      stage.release();
    });
  }
});
