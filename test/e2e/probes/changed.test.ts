/** Streams of a real client that were recorded, and then changed or cut short: held like garbage, whatever and wherever it is. */

import { expect } from 'chai';
import { DIALECTS, type Dialect } from '../../support/dialects.js';
import { holdsForEachMethod, PROBE_TIMEOUT_MS, type Probe, ProbeStage } from '../../support/probe-stage.js';
import { Listener } from '../../support/wire.js';

/** Which bytes the Great Firewall changes in what it replays, by type of probe. */
const CHANGED_BYTES: Readonly<Record<string, readonly number[]>> = {
  R2: [0],
  R3: [0, 1, 2, 3, 4, 5, 6, 7, 62, 63],
  R4: [16],
  R5: [6, 16],
  'R6 (bytes 16 to 32)': Array.from({ length: 17 }, (_, i) => 16 + i),
};

describe('a server that is probed by what a client has sent, changed', () => {
  holdsForEachMethod('a first packet with any one byte changed', async (stage, dialect) => {
    const probes: Probe[] = [];
    const { length } = stage.begin(dialect).first;
    for (let at = 0; at < length; at++) {
      const { first } = stage.begin(dialect);
      first[at] ^= 1 << (at % 8);
      probes.push(await stage.probe(`byte ${at}`, dialect.method, first));
    }
    return probes;
  });

  holdsForEachMethod('a first packet that is cut anywhere', async (stage, dialect) => {
    const probes: Probe[] = [];
    const { length } = stage.begin(dialect).first;
    for (let end = 0; end < length; end++) {
      const { first } = stage.begin(dialect);
      probes.push(await stage.probe(`${end} bytes`, dialect.method, first.subarray(0, end)));
    }
    return probes;
  });

  holdsForEachMethod('recorded packets as the Great Firewall changes them', async (stage, dialect) => {
    const probes: Probe[] = [];
    for (const [what, places] of Object.entries(CHANGED_BYTES)) {
      const { first } = stage.begin(dialect);
      for (const at of places) first[Math.min(at, first.length - 1)] ^= 0x5a;
      probes.push(await stage.probe(what, dialect.method, first));
      probes.push(await stage.probe(`${what}, again`, dialect.method, first));
    }
    return probes;
  });

  describe('answers a FIN by FIN at once, wherever a first packet is cut', () => {
    let stage: ProbeStage;

    before(async () => {
      stage = await ProbeStage.open({ probeTimeoutMs: 60_000 });
    });

    after(() => stage.close());

    for (const dialect of DIALECTS) {
      it(dialect.method, async () => {
        const { length } = stage.begin(dialect).first;
        for (let end = 0; end < length; end++) {
          const wire = await stage.send(dialect.method, stage.begin(dialect).first.subarray(0, end));
          wire.finish();
          expect(await wire.end(), `${end} bytes`).to.equal('fin');
          expect(wire.lifeMs, `${end} bytes`).to.be.lessThan(1000);
          expect(wire.receivedLength).to.equal(0);
        }
        expect(stage.target.wires).to.have.length(0);
      });
    }
  });

  describe('stops at a chunk that was changed later, sends nothing more, and its FIN late', () => {
    let stage: ProbeStage;
    const ends = new Map<Dialect, { readonly probe: Probe; readonly delivered: string }[]>();

    /** A connection that works, until a chunk comes with a byte changed. */
    async function changedLater(dialect: Dialect, at: number) {
      const target = await Listener.open();
      stage.onClose(() => target.close());
      const talk = stage.begin(dialect, target.port);
      const wire = await stage.send(dialect.method, talk.first);
      const far = await target.next();
      await far.bytes('payload'.length);
      const bad = talk.next(Buffer.from('changed'));
      bad[at] ^= 1;
      wire.send(Buffer.concat([bad, talk.next(Buffer.alloc(1000))]));
      // The target is told that this is not the whole.
      expect(await far.end()).to.equal('reset');
      return { probe: { what: `byte ${at}`, wire }, delivered: far.received.toString() };
    }

    before(async () => {
      stage = await ProbeStage.open();
      for (const dialect of DIALECTS) {
        ends.set(dialect, await Promise.all([0, 17, 18, 40].map((at) => changedLater(dialect, at))));
      }
    });

    after(() => stage.close());

    for (const dialect of DIALECTS) {
      it(dialect.method, async () => {
        for (const { probe, delivered } of ends.get(dialect) ?? []) {
          expect(delivered, probe.what).to.equal('payload');
          expect([await probe.wire.end(), probe.wire.receivedLength], probe.what).to.deep.equal(['fin', 0]);
          expect(probe.wire.lifeMs, probe.what).to.be.greaterThan(PROBE_TIMEOUT_MS - 200);
        }
      });
    }
  });
});
