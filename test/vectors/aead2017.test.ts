/** AEAD 2017 byte for byte, as the existing implementations speak it. */

import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { Region } from '../../native-bindings/memory.js';
import { AEAD_2017_METHODS, type Aead2017MethodName } from '../../src/config/types.js';
import { cipherFor } from '../../src/crypto/ciphers.js';
import { createSubkeyDerivation, nodeHkdf } from '../../src/crypto/hkdf.js';
import { loadLibsodium } from '../../src/crypto/libsodium-cipher.js';
import { keyFromPassword } from '../../src/crypto/master-key.js';
import { METHODS } from '../../src/crypto/methods.js';
import { decodeTarget, encodeTarget, formatTarget } from '../../src/net/target.js';
import { StreamOpener2017 } from '../../src/shadowsocks/aead-2017/stream-opener.js';
import { StreamSealer2017 } from '../../src/shadowsocks/aead-2017/stream-sealer.js';
import type { Keyring } from '../../src/shadowsocks/keyring.js';
import { oracleSeal } from '../support/aead-oracle.js';
import { keyringOf } from '../support/keyrings.js';
import { FORGETFUL } from '../support/salt-filters.js';
import { fromHex, loadVectors, toHex } from '../support/vectors.js';

const vectors = loadVectors();
const { aead2017 } = vectors;

function keyringFor(row: { readonly method: string; readonly password: string; readonly salt: string }): Keyring {
  return keyringOf(row.method as Aead2017MethodName, row.password, fromHex(row.salt));
}

describe('AEAD 2017, against the vectors', () => {
  const input = new Region(128 * 1024);
  const output = new Region(128 * 1024);

  before(loadLibsodium);

  after(() => {
    input.release();
    output.release();
  });

  /** Seals each payload by a call of its own, which makes it a chunk of its own. */
  function sealChunks(keyring: Keyring, payloads: readonly Uint8Array[]): Buffer {
    const sealer = new StreamSealer2017(keyring, undefined);
    const parts = payloads.map((payload) => {
      input.bytes.set(payload);
      const length = sealer.seal(input, 0, payload.length, output, 0);
      return output.bytes.slice(0, length);
    });
    sealer.release();
    return Buffer.concat(parts);
  }

  /** @returns the plaintext, or undefined where the stream is refused */
  function openStream(keyring: Keyring, stream: Uint8Array, allowEmptyChunks = false): Buffer | undefined {
    const opener = new StreamOpener2017(keyring, FORGETFUL);
    if (allowEmptyChunks) opener.allowEmptyChunks();
    input.bytes.set(stream);
    const length = opener.open(input, 0, stream.length, output, 0);
    const whole = opener.consumedTo === stream.length && !opener.insideChunk;
    opener.release();
    if (length < 0) return undefined;
    expect(whole, 'everything is consumed').to.equal(true);
    return Buffer.from(output.bytes.slice(0, length));
  }

  it('has a row of each kind for each method', () => {
    for (const method of AEAD_2017_METHODS) {
      for (const rows of Object.values(aead2017)) {
        expect(rows.some((row: { readonly method: string }) => row.method === method)).to.equal(true);
      }
    }
  });

  describe('keys', () => {
    for (const row of vectors.evp_bytes_to_key) {
      it(`come from the password ${JSON.stringify(row.password_utf8)} (${row.key_len} bytes)`, () => {
        expect(toHex(keyFromPassword(row.password_utf8, row.key_len))).to.equal(row.key);
      });
    }

    for (const row of vectors.hkdf_subkey) {
      it(`of a session come from key ${row.key} and salt ${row.salt}`, () => {
        expect(Buffer.from(row.info, 'hex').toString()).to.equal('ss-subkey');
        for (const derivation of [createSubkeyDerivation(), nodeHkdf]) {
          const subkey = new Uint8Array(row.length);
          const salt = new DataView(fromHex(row.salt).slice().buffer);
          derivation.derive(fromHex(row.key), salt, new Int32Array(1), 1, subkey);
          expect(toHex(subkey)).to.equal(row.subkey);
        }
      });
    }
  });

  describe('nonces', () => {
    // Counters are numbers: past 2^53 messages no session goes.
    const reachable = vectors.nonce_increment.filter((row) => BigInt(row.counter) < BigInt(Number.MAX_SAFE_INTEGER));

    it('are covered up to the carry into the fifth byte', () => {
      expect(reachable.filter((row) => row.nonce_len === 12)).to.have.length(7);
      expect(reachable.filter((row) => row.nonce_len === 24)).to.have.length(7);
    });

    for (const row of reachable) {
      it(`of ${row.nonce_len} bytes: ${row.counter} and the next one`, () => {
        const counter = Number(row.counter);
        const methods = AEAD_2017_METHODS.filter(
          (name) => (name === 'xchacha20-ietf-poly1305') === (row.nonce_len === 24),
        );
        for (const method of methods) {
          const secret = Uint8Array.from({ length: METHODS[method].keyLength }, (_, i) => 255 - i);
          const message = Uint8Array.of(1, 2, 3);
          const key = cipherFor(METHODS[method]).sealingKey(secret);
          for (const [at, nonce] of [row.nonce, row.next].entries()) {
            input.bytes.set(message);
            key.seal(counter + at, input, 0, message.length, output, 0);
            const expected = oracleSeal(method, secret, fromHex(nonce), message);
            expect(toHex(output.bytes.slice(0, message.length + 16))).to.equal(toHex(expected));
          }
          key.release();
        }
      });
    }
  });

  describe('TCP streams', () => {
    for (const [i, row] of aead2017.tcp.entries()) {
      const name = `${row.method}, ${row.direction}${row.note === undefined ? '' : `, ${row.note}`} (row ${i})`;

      it(`${name}: is sealed to the same bytes`, () => {
        const sealed = sealChunks(
          keyringFor(row),
          row.chunks.map((chunk) => fromHex(chunk.payload)),
        );
        expect(toHex(sealed)).to.equal(row.stream);
      });

      it(`${name}: is opened to the same bytes`, () => {
        const opened = openStream(keyringFor(row), fromHex(row.stream));
        expect(opened?.toString('hex')).to.equal(row.plaintext);
      });

      if (row.target !== undefined) {
        const { target } = row;
        it(`${name}: names its target`, () => {
          const plaintext = fromHex(row.plaintext);
          const decoded = decodeTarget(plaintext, 0, plaintext.length);
          if (decoded.status !== 'ok') throw new Error(`the target is ${decoded.status}`);
          expect(formatTarget(decoded.target)).to.contain(`:${target.port}`);
          const encoded = new Uint8Array(decoded.length);
          encodeTarget(decoded.target, encoded, 0);
          expect(toHex(encoded)).to.equal(target.bytes);
        });
      }
    }

    for (const [i, row] of aead2017.tcp_large.entries()) {
      it(`${row.method}: ${row.note} (row ${i})`, () => {
        const ramp = Uint8Array.from({ length: 16_383 }, (_, at) => at);
        const payloads =
          row.chunks === 130 ? Array.from({ length: 130 }, (_, at) => Uint8Array.of(at)) : [ramp, Uint8Array.of(0xee)];
        const keyring = keyringFor(row);
        const sealed = sealChunks(keyring, payloads);
        expect(sealed.length).to.equal(row.stream_len);
        expect(createHash('sha256').update(sealed).digest('hex')).to.equal(row.stream_sha256);
        if (row.stream !== undefined) expect(sealed.toString('hex')).to.equal(row.stream);
        if (row.stream_head !== undefined) expect(sealed.toString('hex').startsWith(row.stream_head)).to.equal(true);
        if (row.stream_tail !== undefined) expect(sealed.toString('hex').endsWith(row.stream_tail)).to.equal(true);
        expect(openStream(keyring, sealed)?.equals(Buffer.concat(payloads))).to.equal(true);
      });
    }
  });

  describe('TCP streams that must not pass', () => {
    for (const [i, row] of aead2017.tcp_negative.entries()) {
      const name = `${row.method}: ${row.why} (row ${i})`;
      if (row.expect === 'reject') {
        it(name, () => {
          // A cipher failure, or an address that is none: never anything that could be dialed.
          const opened = openStream(keyringFor(row), fromHex(row.stream));
          if (opened !== undefined) expect(decodeTarget(opened, 0, opened.length).status).to.equal('bad');
        });
      } else {
        // Our choice: refused before the address is whole, skipped after it.
        it(`${name}: refused in front of the address`, () => {
          expect(openStream(keyringFor(row), fromHex(row.stream))).to.equal(undefined);
        });

        it(`${name}: skipped once empty chunks are allowed`, () => {
          const opened = openStream(keyringFor(row), fromHex(row.stream), true);
          if (opened === undefined) throw new Error('the stream was refused');
          expect(decodeTarget(opened, 0, opened.length).status).to.equal('ok');
        });
      }
    }
  });

  describe('UDP packets', () => {
    for (const [i, row] of aead2017.udp.entries()) {
      it(`${row.method}, ${row.direction} (row ${i}): both ways`, () => {
        const plaintext = fromHex(row.plaintext);
        expect(row.plaintext).to.equal(row.address.bytes + row.payload);
        const keyring = keyringFor(row);

        input.bytes.set(plaintext);
        const sealing = keyring.startSealing(output, 0);
        sealing.seal(0, input, 0, plaintext.length, output, keyring.saltLength);
        sealing.release();
        expect(toHex(output.bytes.slice(0, keyring.saltLength + plaintext.length + 16))).to.equal(row.packet);

        const packet = fromHex(row.packet);
        input.bytes.set(packet);
        const opening = keyring.startOpening(input, 0);
        const length = packet.length - keyring.saltLength - 16;
        expect(opening.open(0, input, keyring.saltLength, length, output, 0)).to.equal(true);
        opening.release();
        expect(toHex(output.bytes.slice(0, length))).to.equal(row.plaintext);
      });
    }

    for (const [i, row] of aead2017.udp_negative.entries()) {
      it(`${row.method}: ${row.why} (row ${i}) is refused`, () => {
        const packet = fromHex(row.packet);
        const keyring = keyringFor(row);
        const length = packet.length - keyring.saltLength - 16;
        input.bytes.set(packet);
        const opening = keyring.startOpening(input, 0);
        // A packet with nothing between salt and tag holds no address, whether its tag is right or not.
        const opened = length >= 0 && opening.open(0, input, keyring.saltLength, length, output, 0);
        opening.release();
        expect(opened && decodeTarget(output.bytes, 0, length).status === 'ok').to.equal(false);
      });
    }
  });
});
