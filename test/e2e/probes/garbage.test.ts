/**
 * What somebody without the key learns from a server: nothing, for as long as any other server that never answers. Each probe is held, with
 * no byte and no reset, and ends by FIN at one time after its accept, whatever was sent and however much of it.
 */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { DIALECTS } from '../../support/dialects.js';
import { expectHeld, holdsForEachMethod, PROBE_TIMEOUT_MS, type Probe, ProbeStage } from '../../support/probe-stage.js';

const MIB = 1024 * 1024;
/** What two equal probes may differ by, on a machine that does other things as well. */
const SAME_TIME_MS = 100;

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** Random probes as the Great Firewall sends them, others that were found to give servers away, and both sides of each threshold. */
const RANDOM_LENGTHS = [
  ...range(1, 103),
  ...[168, 169, 180, 220, 221, 255, 256, 257, 402, 4096, 8191, 8192, 8193, 16_383, 16_399, 17_408],
  ...[65_535, 65_536, 65_537],
];

/** A search for a threshold begins in the middle, doubles and halves. */
const SEARCHED_LENGTHS = range(7, 20).flatMap((bits) => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]);

const OTHER_PROTOCOLS: Readonly<Record<string, Buffer>> = {
  'a TLS ClientHello': Buffer.concat([Buffer.from('16030100f8010000f40303', 'hex'), Buffer.alloc(242, 0x5c)]),
  'an HTTP request': Buffer.from('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n'),
  'an SSH banner': Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'),
  'a STUN request': Buffer.concat([Buffer.from('000100002112a442', 'hex'), Buffer.alloc(12, 7)]),
  'a DNS zone transfer': Buffer.from('001c000100000001000000000000076578616d706c6503636f6d0000fc0001', 'hex'),
  'a SOCKS greeting': Buffer.from('050100', 'hex'),
};

describe('a server that is probed without a key', () => {
  holdsForEachMethod('silence, random bytes of any length and other protocols', async (stage, { method }) => {
    const probes: Probe[] = [await stage.probe('silence', method, Buffer.alloc(0))];
    for (const length of RANDOM_LENGTHS) {
      probes.push(await stage.probe(`${length} bytes`, method, randomBytes(length)));
    }
    for (const [what, bytes] of Object.entries(OTHER_PROTOCOLS)) probes.push(await stage.probe(what, method, bytes));
    return probes;
  });

  holdsForEachMethod('a search for the length that it waits for', async (stage, { method }) => {
    const probes: Probe[] = [];
    for (const length of SEARCHED_LENGTHS) {
      probes.push(await stage.probe(`${length} bytes`, method, randomBytes(length)));
    }
    return probes;
  });

  holdsForEachMethod('bytes that come late, or one by one, to the same time', async (stage, { method }) => {
    const slow = await stage.probe('slowly', method, Buffer.alloc(0));
    const timer = setInterval(() => slow.wire.send(randomBytes(1)), 10);
    stage.onClose(() => clearInterval(timer));
    const late = await stage.probe('late', method, Buffer.alloc(0));
    setTimeout(() => late.wire.send(randomBytes(500)), PROBE_TIMEOUT_MS / 2);
    return [slow, late];
  });

  describe('in the same way', () => {
    let stage: ProbeStage;

    before(async () => {
      stage = await ProbeStage.open();
    });

    after(() => stage.close());

    it('counts probes by what they failed at, and by nothing that is to be seen', async () => {
      const probes: Probe[] = [];
      for (const { method } of DIALECTS) {
        probes.push(await stage.probe('silence', method, Buffer.alloc(0)));
        probes.push(await stage.probe('221 bytes', method, randomBytes(221)));
      }
      await Promise.all(probes.map(expectHeld));
      expect(await stage.outcomes()).to.deep.equal(['ERR_CIPHER', 'ERR_HANDSHAKE_TIMEOUT']);
    });

    it('treats a probe that comes twice alike, to the millisecond', async () => {
      const pairs: (readonly [Probe, Probe])[] = [];
      for (const { method } of DIALECTS) {
        const bytes = randomBytes(221);
        pairs.push([
          await stage.probe(`${method}, the first`, method, bytes),
          await stage.probe(`${method}, the second`, method, bytes),
        ]);
      }
      await Promise.all(pairs.flat().map(expectHeld));
      for (const [first, second] of pairs) {
        expect(Math.abs(first.wire.lifeMs - second.wire.lifeMs), second.what).to.be.lessThan(SAME_TIME_MS);
      }
    });

    it('goes on discarding after its FIN', async () => {
      const probes: Probe[] = [];
      for (const { method } of DIALECTS) probes.push(await stage.probe(method, method, randomBytes(100)));
      await Promise.all(probes.map(expectHeld));
      for (let i = 0; i < 10; i++) {
        for (const { wire } of probes) wire.send(randomBytes(10_000));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(probes.map(({ wire }) => wire.ended)).to.deep.equal(probes.map(() => 'fin'));
    });

    it('takes a megabyte of each without keeping it', async () => {
      const before = process.memoryUsage.rss();
      const probes: Probe[] = [];
      const bytes = randomBytes(MIB);
      for (let i = 0; i < 8; i++) {
        for (const { method } of DIALECTS) probes.push(await stage.probe(method, method, bytes));
      }
      await Promise.all(probes.map(expectHeld));
      // 64 MiB went in, through this process's own sockets as well.
      expect((process.memoryUsage.rss() - before) / MIB).to.be.lessThan(32);
    });
  });
});
