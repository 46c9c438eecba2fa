/**
 * A client's first packet as a censor sees it who blocks what looks like nothing (Wu et al., USENIX Security 2023): the rules by which traffic was
 * let through, and that the packets of the 2022 edition are as random as they should be. Which means that these rules do not let them
 * through: whoever has to pass them needs a transport of another kind.
 */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { Region } from '../../native-bindings/memory.js';
import { createRandomSource } from '../../src/crypto/random.js';
import type { Target } from '../../src/net/target.js';
import { clientOf, type Keys2022 } from '../support/aead-2022.js';

const TARGET: Target = { kind: 'name', name: 'example.test', port: 443 };
const FIRST_WORDS = ['GET ', 'PUT ', 'POST ', 'HEAD '];

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte <= 0x7e;
}

/** The rule that lets a first packet through, or undefined. */
function exemption(packet: Uint8Array): string | undefined {
  let bits = 0;
  let printable = 0;
  let run = 0;
  let longestRun = 0;
  for (const byte of packet) {
    for (let rest = byte; rest > 0; rest >>= 1) bits += rest & 1;
    run = isPrintable(byte) ? run + 1 : 0;
    if (run > 0) printable++;
    longestRun = Math.max(longestRun, run);
  }
  const bitsAByte = bits / packet.length;
  if (bitsAByte <= 3.4 || bitsAByte >= 4.6) return 'Ex1';
  if (packet.subarray(0, 6).every(isPrintable)) return 'Ex2';
  if (printable > packet.length / 2) return 'Ex3';
  if (longestRun > 20) return 'Ex4';
  const isTls = (packet[0] === 0x16 || packet[0] === 0x17) && packet[1] === 3 && packet[2] <= 9;
  const begin = Buffer.from(packet.subarray(0, 5)).toString('latin1');
  return isTls || FIRST_WORDS.some((word) => begin.startsWith(word)) ? 'Ex5' : undefined;
}

describe('first packets', () => {
  it('of other protocols are known by these rules', () => {
    expect(exemption(Buffer.alloc(100, 0x01))).to.equal('Ex1');
    expect(exemption(Buffer.concat([Buffer.from('SSH-2.0'), randomBytes(500)]))).to.equal('Ex2');
    expect(exemption(Buffer.concat([Buffer.of(0x80), Buffer.alloc(100, 'text'), Buffer.alloc(60, 0xf8)]))).to.equal(
      'Ex3',
    );
    expect(exemption(Buffer.concat([randomBytes(500), Buffer.of(0xff), Buffer.alloc(21, 'x')]))).to.be.oneOf([
      'Ex4',
      'Ex2',
    ]);
    expect(exemption(Buffer.concat([Buffer.of(0x16, 3, 1), randomBytes(500)]))).to.equal('Ex5');
  });

  it('of the 2022 edition look like nothing: hardly any is let through', () => {
    const keys: Keys2022 = { method: '2022-blake3-aes-256-gcm', userKey: randomBytes(32) };
    const input = new Region(8192);
    const output = new Region(8192);
    const packets: Uint8Array[] = [];
    input.bytes.fill(0x41, 4096, 4196);
    // With next to no payload and padding one may come out shorter, which happens by chance now and then.
    for (let i = 0; packets.length < 1000 && i < 1100; i++) {
      const { sealer } = clientOf(keys, TARGET);
      const length = sealer.seal(input, 4096, i % 100, output, 0);
      sealer.release();
      if (length >= 100) packets.push(output.bytes.slice(0, length));
    }
    input.release();
    output.release();
    expect(packets).to.have.length(1000);
    // Of six random bytes all are printable once in 390 times: 2.6 are expected, and 20 once in 10^11 runs.
    expect(packets.map(exemption).filter((rule) => rule !== undefined).length).to.be.lessThan(20);
  });

  it('begin with salts that never come twice', () => {
    const random = createRandomSource();
    const salts = new Set<string>();
    const salt = Buffer.alloc(16);
    for (let i = 0; i < 100_000; i++) {
      random(salt, 0, 16);
      salts.add(salt.toString('latin1'));
    }
    expect(salts.size).to.equal(100_000);
  });
});
