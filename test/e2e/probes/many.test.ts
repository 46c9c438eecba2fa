/** Probes in numbers: they do not keep those out who have the key, and past a number of them the oldest gets its FIN. */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { DIALECTS } from '../../support/dialects.js';
import { ProbeStage } from '../../support/probe-stage.js';
import { Stage } from '../../support/proxy-pair.js';
import { Listener, type Wire } from '../../support/wire.js';

describe('a server that is probed many times', () => {
  it('serves those who have the key all the while', async () => {
    const stage = await ProbeStage.open();
    const target = await Listener.open((wire) => wire.send('an answer'));
    stage.onClose(() => target.close());
    for (const dialect of DIALECTS) {
      for (let i = 0; i < 100; i++) await stage.send(dialect.method, randomBytes(1 + i));
      const served = await stage.send(dialect.method, stage.begin(dialect, target.port).first);
      await served.bytes(dialect.saltLength + 34);
    }
    expect(target.wires).to.have.length(DIALECTS.length);
    await stage.close();
  });

  it('holds nobody past a number of them: the oldest gets its FIN', async function () {
    this.timeout(60_000);
    const stage = new Stage();
    const patient = await stage.server({ probeTimeoutMs: 60_000 });
    const [{ port }] = patient.addresses;
    const probe = async (): Promise<Wire> => {
      const wire = await stage.wire(port);
      wire.send(randomBytes(60));
      return wire;
    };
    const wires: Wire[] = [];
    for (let i = 0; i < 4096; i++) wires.push(await probe());
    await stage.quiet();
    expect(wires[0].ended).to.equal(undefined);
    await probe();
    expect(await wires[0].end()).to.equal('fin');
    expect(wires[1].ended).to.equal(undefined);
    await stage.close();
  });
});
