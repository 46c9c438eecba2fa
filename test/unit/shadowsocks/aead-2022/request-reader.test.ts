/** What a server of the 2022 edition remembers, for how long, and what it says of clocks. The vectors and the property tests have the rest. */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { Region } from '../../../../native-bindings/memory.js';
import type { Target } from '../../../../src/net/target.js';
import { RequestReader2022 } from '../../../../src/shadowsocks/aead-2022/request-reader.js';
import type { RequestOutcome } from '../../../../src/shadowsocks/protocol.js';
import type { SaltFilter } from '../../../../src/shadowsocks/salt-filter.js';
import { allocateSaltMemory, SharedSalts } from '../../../../src/shadowsocks/salt-memory.js';
import { clientOf, type Keys2022, responseSealerOf, serverMeans, TestClock } from '../../../support/aead-2022.js';
import { PlainFilter } from '../../../support/salt-filters.js';
import { OracleSealer2022 } from '../../../support/sip022-oracle.js';

const NOW_S = 1_700_000_000;
const TARGET: Target = { kind: 'name', name: 'example.test', port: 80 };
const AT = 4096;
const keys: Keys2022 = { method: '2022-blake3-aes-256-gcm', userKey: randomBytes(32) };

describe('a server of the 2022 edition', () => {
  const input = new Region(128 * 1024);
  const output = new Region(128 * 1024);

  after(() => {
    input.release();
    output.release();
  });

  function requestAt(seconds: number): Uint8Array {
    const { sealer } = clientOf(keys, TARGET, { clock: new TestClock(seconds) });
    const length = sealer.seal(input, AT, 10, output, 0);
    sealer.release();
    return output.bytes.slice(0, length);
  }

  function read(bytes: Uint8Array, salts: SaltFilter, clock = new TestClock(NOW_S)): RequestOutcome {
    const reader = new RequestReader2022(serverMeans(keys, clock, salts));
    input.bytes.set(bytes);
    const outcome = reader.read(input, 0, bytes.length, output);
    reader.release();
    return outcome;
  }

  it('refuses a request again for as long as its time is good, also of a clock that is ahead', () => {
    for (const aheadS of [0, 30, -30]) {
      let nowMs = 1e6;
      const salts = new SharedSalts(allocateSaltMemory('whole', 100, 62_000), () => nowMs);
      // Just before the server's second ends: the stamp is good for as long as any can be.
      const acceptedMs = nowMs;
      const recorded = requestAt(NOW_S + aheadS);
      expect(read(recorded, salts).kind).to.equal('accepted');
      for (const afterMs of [100, 10_000, 59_000, 60_500, 60_999, 61_000, 70_000]) {
        nowMs = acceptedMs + afterMs;
        const clock = new TestClock(NOW_S + Math.floor(afterMs / 1000));
        expect(read(recorded, salts, clock).kind, `${aheadS} s ahead, after ${afterMs} ms`).to.equal('rejected');
      }
    }
  });

  it('remembers nothing of 20,000 strangers', () => {
    const salts = new PlainFilter();
    const reader = serverMeans(keys, new TestClock(NOW_S), salts);
    for (let i = 0; i < 20_000; i++) {
      input.bytes.set(randomBytes(100));
      expect(new RequestReader2022(reader).read(input, 0, 100, output).kind).to.equal('rejected');
    }
    expect(salts.salts.size).to.equal(0);
    expect(read(requestAt(NOW_S), salts).kind).to.equal('accepted');
  });

  it('remembers nothing of requests with a wrong header, time or type', () => {
    const salts = new PlainFilter();
    const address = Buffer.from('01c000020701bb', 'hex');
    const good = requestAt(NOW_S);
    const changed = Uint8Array.from(good);
    changed[40] ^= 1;
    const answer = new OracleSealer2022('2022-blake3-aes-256-gcm', keys.userKey).request({ address, type: 1 });
    for (const bytes of [changed, requestAt(NOW_S + 31), requestAt(NOW_S - 31), answer, good.subarray(0, 58)]) {
      expect(read(bytes, salts).kind).to.equal('rejected');
    }
    expect(salts.salts.size).to.equal(0);
  });

  it('refuses new ones where it has no room to remember them', () => {
    const salts = new SharedSalts(allocateSaltMemory('whole', 3, 62_000), () => 0);
    const recorded = Array.from({ length: 4 }, () => requestAt(NOW_S));
    expect(recorded.map((bytes) => read(bytes, salts).kind)).to.deep.equal([
      ...Array.from({ length: 3 }, () => 'accepted'),
      'rejected',
    ]);
    expect(read(recorded[0], salts)).to.deep.include({ kind: 'rejected', reason: 'replay' });
  });

  it('says whose clock is wrong and by how much, and only where the message is authentic', () => {
    const clock = new TestClock(NOW_S);
    const salts = new PlainFilter();
    expect(read(requestAt(NOW_S + 45), salts, clock)).to.deep.include({ reason: 'clock ahead by 45 s' });
    expect(read(requestAt(NOW_S - 3600), salts, clock)).to.deep.include({ reason: 'clock ahead by -3600 s' });
    const changed = requestAt(NOW_S + 45);
    changed[33] ^= 1;
    expect(read(changed, salts, clock).kind).to.equal('rejected');
    expect(clock.skews).to.deep.equal([
      { peer: 'client', aheadS: 45 },
      { peer: 'client', aheadS: -3600 },
    ]);
  });

  it('has its clock told of by its client', () => {
    for (const [aheadS, good] of [
      [30, true],
      [31, false],
      [-31, false],
    ] as const) {
      const clock = new TestClock(NOW_S);
      const { sealer, opener } = clientOf(keys, TARGET, { clock });
      sealer.seal(input, AT, 10, output, 0);
      const serverClock = new TestClock(NOW_S + aheadS);
      const answer = responseSealerOf(keys, sealer.salt ?? new Uint8Array(), { clock: serverClock });
      const length = answer.seal(input, AT, 5, output, 0);
      expect(opener.open(output, 0, length, input, 0)).to.equal(good ? 5 : -1);
      expect(clock.skews).to.deep.equal(good ? [] : [{ peer: 'server', aheadS }]);
      for (const half of [sealer, opener, answer]) half.release();
    }
  });

  it('refuses empty chunks, and a client an empty answer', () => {
    const address = Buffer.from('01c000020701bb', 'hex');
    const client = new OracleSealer2022('2022-blake3-aes-256-gcm', keys.userKey);
    const head = client.request({ address, payload: Buffer.of(1) });
    const reader = new RequestReader2022(serverMeans(keys, new TestClock(Math.floor(Date.now() / 1000))));
    input.bytes.set(head);
    const outcome = reader.read(input, 0, head.length, output);
    if (outcome.kind !== 'accepted') throw new Error(`it is ${outcome.kind}`);
    const chunks = Buffer.concat([client.chunk(Buffer.of(2)), client.chunk(Buffer.alloc(0))]);
    input.bytes.set(chunks);
    expect(outcome.stream.opener.open(input, 0, chunks.length, output, 0)).to.equal(-1);
    reader.release();
    expect(outcome.stream.sealer.seal(input, AT, 0, output, 0), 'nothing is sealed of nothing').to.equal(0);
    outcome.stream.sealer.release();
  });
});
