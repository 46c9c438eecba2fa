/** Memories of salts: what they know, for how long, and that threads share them. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { allocateSaltMemory, type SaltMemory, SharedSalts } from '../../../src/shadowsocks/salt-memory.js';

const FOR_EVER = Number.POSITIVE_INFINITY;

function numbered(number: number, length = 32): Uint8Array {
  const salt = new Uint8Array(length);
  new DataView(salt.buffer).setUint32(length - 4, number);
  return salt;
}

/** Adds the salts `from, …, to − 1`. @returns how many of them were taken */
function addAll(salts: SharedSalts, from: number, to: number): number {
  let added = 0;
  for (let i = from; i < to; i++) {
    if (salts.add(numbered(i), 0, 32)) added++;
  }
  return added;
}

function knownOf(salts: SharedSalts, from: number, to: number): number {
  let known = 0;
  for (let i = from; i < to; i++) {
    if (salts.seen(numbered(i), 0, 32)) known++;
  }
  return known;
}

describe('a memory of salts', () => {
  for (const part of ['whole', 'end'] as const) {
    it(`takes each salt once, wherever it stands (${part})`, () => {
      const salts = new SharedSalts(allocateSaltMemory(part, 100, FOR_EVER));
      for (const length of [8, 16, 24, 32]) {
        const bytes = randomBytes(100);
        expect(salts.seen(bytes, 3, length)).to.equal(false);
        expect(salts.add(bytes, 3, length)).to.equal(true);
        expect(salts.seen(bytes, 3, length)).to.equal(true);
        expect(salts.add(Buffer.concat([randomBytes(5), bytes.subarray(3)]), 5, length)).to.equal(false);
        expect(salts.seen(bytes, 2, length)).to.equal(false);
      }
    });
  }

  it('tells whole salts apart by any bit', () => {
    const salts = new SharedSalts(allocateSaltMemory('whole', 1000, FOR_EVER));
    const salt = randomBytes(32);
    expect(salts.add(salt, 0, 32)).to.equal(true);
    for (let bit = 0; bit < 256; bit++) {
      salt[bit >> 3] ^= 1 << (bit & 7);
      expect(salts.seen(salt, 0, 32), `bit ${bit}`).to.equal(false);
      salt[bit >> 3] ^= 1 << (bit & 7);
    }
  });

  it('knows ends of salts, because beginnings may be the same text', () => {
    const salts = new SharedSalts(allocateSaltMemory('end', 100, FOR_EVER));
    const begin = Buffer.from('GET / HTTP/1.1\r\nHost: x.');
    expect(salts.add(Buffer.concat([begin, randomBytes(8)]), 0, 32)).to.equal(true);
    expect(salts.add(Buffer.concat([begin, randomBytes(8)]), 0, 32)).to.equal(true);
  });

  it('knows those that were drawn, once they have been added together', () => {
    const salts = new SharedSalts(allocateSaltMemory('end', 100, FOR_EVER));
    const drawn = randomBytes(5 * 40);
    const at = Int32Array.of(3, 43, 83, 123, 163);
    salts.addFresh(drawn, at, 4, 32);
    expect(Array.from(at, (saltAt) => salts.seen(drawn, saltAt, 32))).to.deep.equal([true, true, true, true, false]);
    expect(salts.add(drawn, 43, 32)).to.equal(false);
    expect(salts.add(drawn, 163, 32)).to.equal(true);
  });

  it('adds no more drawn ones than there is room for, where none may be forgotten', () => {
    const salts = new SharedSalts(allocateSaltMemory('whole', 2, 60_000), () => 0);
    const drawn = randomBytes(3 * 32);
    salts.addFresh(drawn, Int32Array.of(0, 32, 64), 3, 32);
    expect([0, 32, 64].map((at) => salts.seen(drawn, at, 32))).to.deep.equal([true, true, false]);
  });

  it('does not come to know salts that it was told to expect', () => {
    const salts = new SharedSalts(allocateSaltMemory('end', 100, FOR_EVER));
    const bytes = randomBytes(64);
    salts.expect(bytes, Int32Array.of(0, 32), 2, 32);
    expect(salts.seen(bytes, 0, 32)).to.equal(false);
    expect(salts.add(bytes, 32, 32)).to.equal(true);
  });

  it('has room for fewer than two million salts', () => {
    expect(() => allocateSaltMemory('end', 1 << 21, FOR_EVER)).to.throw(RangeError);
  });

  it('knows between one and two generations of them where older ones make room', () => {
    const capacity = 5000;
    const salts = new SharedSalts(allocateSaltMemory('end', capacity, FOR_EVER));
    expect(addAll(salts, 0, capacity)).to.equal(capacity);
    expect(knownOf(salts, 0, capacity)).to.equal(capacity);
    expect(addAll(salts, capacity, 2 * capacity)).to.equal(capacity);
    expect(knownOf(salts, 0, 2 * capacity)).to.equal(2 * capacity);
    expect(addAll(salts, 2 * capacity, 2 * capacity + 1)).to.equal(1);
    expect(knownOf(salts, 0, capacity)).to.equal(0);
    expect(knownOf(salts, capacity, 2 * capacity + 1)).to.equal(capacity + 1);
  });

  it('keeps salts for the retention at least, and for twice of it at most', () => {
    let nowMs = 1e9;
    const salts = new SharedSalts(allocateSaltMemory('whole', 100, 62_000), () => nowMs);
    for (let start = 0; start < 62_000; start += 10_000) {
      nowMs += 10_000;
      const salt = randomBytes(32);
      expect(salts.add(salt, 0, 32)).to.equal(true);
      const addedMs = nowMs;
      for (const ageMs of [1, 30_000, 60_500, 61_999]) {
        nowMs = addedMs + ageMs;
        expect(salts.seen(salt, 0, 32), `${ageMs} ms`).to.equal(true);
        expect(salts.add(salt, 0, 32), `${ageMs} ms`).to.equal(false);
      }
      nowMs = addedMs + 124_000;
      expect(salts.seen(salt, 0, 32)).to.equal(false);
    }
  });

  it('forgets both generations after a long silence', () => {
    let nowMs = 0;
    const salts = new SharedSalts(allocateSaltMemory('whole', 10, 1000), () => nowMs);
    expect(addAll(salts, 0, 10)).to.equal(10);
    nowMs = 1500;
    expect(addAll(salts, 10, 20)).to.equal(10);
    nowMs = 1_000_000;
    expect(knownOf(salts, 0, 20)).to.equal(0);
    expect(addAll(salts, 0, 10)).to.equal(10);
  });

  it('refuses new salts rather than forget any before their time', () => {
    let nowMs = 0;
    const salts = new SharedSalts(allocateSaltMemory('whole', 100, 62_000), () => nowMs);
    expect(addAll(salts, 0, 150)).to.equal(100);
    expect(knownOf(salts, 0, 100)).to.equal(100);
    expect(knownOf(salts, 100, 150)).to.equal(0);
    nowMs = 62_000;
    expect(addAll(salts, 100, 300)).to.equal(100);
    expect(knownOf(salts, 0, 200)).to.equal(200);
  });

  it('has room again after many generations', () => {
    const salts = new SharedSalts(allocateSaltMemory('whole', 3000, FOR_EVER));
    for (let round = 0; round < 20; round++) {
      expect(addAll(salts, round * 3000, (round + 1) * 3000)).to.equal(3000);
      expect(knownOf(salts, round * 3000, (round + 1) * 3000)).to.equal(3000);
    }
  });

  it('is one memory to all threads, also for additions at the same time', async () => {
    const memory = allocateSaltMemory('whole', 20_000, FOR_EVER);
    const added = await Promise.all(Array.from({ length: 4 }, () => addOnThread(memory, 20_000)));
    expect(added.reduce((sum, count) => sum + count)).to.equal(20_000);
    expect(knownOf(new SharedSalts(memory), 0, 20_000)).to.equal(20_000);
  });
});

async function addOnThread(memory: SaltMemory, count: number): Promise<number> {
  const worker = new Worker(new URL('./salt-worker.js', import.meta.url), { workerData: { memory, count } });
  const [added] = (await once(worker, 'message')) as [number];
  await worker.terminate();
  return added;
}
