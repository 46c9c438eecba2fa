/**
 * Streams that were recorded, whole: sent to the server again, sent back to the one they came from, or exchanged. The server's two reactors
 * share what they have seen.
 */

import { expect } from 'chai';
import { DIALECTS, type Dialect } from '../../support/dialects.js';
import { expectHeld, type Probe, ProbeStage } from '../../support/probe-stage.js';
import { SOCKS_REPLY_LENGTH, Stage } from '../../support/proxy-pair.js';
import { Listener, type Wire } from '../../support/wire.js';

/** One of each kind: the codecs' own tests have the others. */
const KINDS = [true, false].map(
  (binds) => DIALECTS.findLast(({ bindsAnswers }) => bindsAnswers === binds) ?? DIALECTS[0],
);
/** The kernel chooses a reactor by the ports of a connection, so that a few of them meet both. */
const REPLAYS = 8;

describe('what was recorded', () => {
  describe('is held where it is sent to the server again', () => {
    let stage: ProbeStage;
    const replays = new Map<Dialect, { readonly probes: readonly Probe[]; readonly target: Listener }>();

    /** A connection that is served, then its first packet again and again, and its answer as if that were a request. */
    async function replay(dialect: Dialect) {
      const { method } = dialect;
      const target = await Listener.open((wire) => wire.send('an answer that is no probe'));
      stage.onClose(() => target.close());
      const { first } = stage.begin(dialect, target.port);
      const served = await stage.send(method, first);
      await served.until('the answer', () => served.receivedLength >= dialect.saltLength + 34 + 26);
      const probes: Probe[] = [];
      for (let i = 0; i < REPLAYS; i++) probes.push(await stage.probe(`replay ${i}`, method, first));
      probes.push(await stage.probe('replay with more behind it', method, Buffer.concat([first, Buffer.alloc(100)])));
      for (let i = 0; i < REPLAYS; i++) probes.push(await stage.probe(`reflection ${i}`, method, served.received));
      return { probes, target };
    }

    before(async () => {
      stage = await ProbeStage.open({ workers: 2 });
      for (const dialect of DIALECTS) replays.set(dialect, await replay(dialect));
    });

    after(() => stage.close());

    for (const dialect of DIALECTS) {
      it(dialect.method, async () => {
        const { probes, target } = replays.get(dialect) ?? expect.fail('nothing was replayed');
        await Promise.all(probes.map(expectHeld));
        expect(target.wires, 'connections to the target').to.have.length(1);
      });
    }
  });

  describe('is no answer', () => {
    const stage = new Stage();

    afterEach(() => stage.close());

    /** Through a client that takes this listener for its server. */
    async function programThrough(dialect: Dialect, server: Listener): Promise<Wire> {
      const local = await stage.local([server.port], { method: dialect.method });
      const program = await stage.through(local.addresses[0].port, 80);
      program.send('a question');
      return program;
    }

    for (const dialect of KINDS) {
      it(`where it is the client's own request (${dialect.method})`, async () => {
        const mirror = await Listener.open((wire) => wire.socket.pipe(wire.socket));
        stage.onClose(() => mirror.close());
        const program = await programThrough(dialect, mirror);
        expect(await program.end()).to.equal('reset');
        expect(program.receivedLength).to.equal(SOCKS_REPLY_LENGTH);
      });
    }

    /** Somebody between client and server who gives each of two connections the answer of the other one. */
    async function exchangeAnswers(dialect: Dialect): Promise<readonly Wire[]> {
      const target = await Listener.open((wire) => {
        wire.socket.once('data', (bytes) => wire.finish(`to ${bytes.toString()}`));
      });
      const server = await stage.server({ method: dialect.method });
      const between = await Listener.open();
      stage.onClose(() => Promise.all([target.close(), between.close()]));
      const local = await stage.local([between.port], { method: dialect.method });
      const programs: Wire[] = [];
      const client: Wire[] = [];
      const upstream: Wire[] = [];
      for (const name of ['A', 'B']) {
        const program = await stage.through(local.addresses[0].port, target.port);
        program.send(name);
        programs.push(program);
        const near = await between.next();
        client.push(near);
        const far = await stage.wire(server.addresses[0].port);
        upstream.push(far);
        await near.bytes(1);
        far.send(near.received);
      }
      await Promise.all(upstream.map((wire) => wire.end()));
      for (const [i, wire] of client.entries()) wire.finish(upstream[1 - i].received);
      return programs;
    }

    for (const dialect of KINDS) {
      const refuses = dialect.bindsAnswers;
      it(`where it belongs to another connection: ${refuses ? 'refused' : 'cannot be told'} (${dialect.method})`, async () => {
        for (const [i, program] of (await exchangeAnswers(dialect)).entries()) {
          expect(await program.end()).to.equal(refuses ? 'reset' : 'fin');
          const came = program.received.subarray(SOCKS_REPLY_LENGTH).toString();
          expect(came).to.equal(refuses ? '' : `to ${['B', 'A'][i]}`);
        }
      });
    }
  });

  it('is served once more by a server that was restarted, where nothing in it tells when it was made', async () => {
    const [dialect] = DIALECTS;
    const target = await Listener.open((wire) => wire.send('served'));
    const counts: number[] = [];
    let recorded: Buffer | undefined;
    for (const _start of ['first', 'second']) {
      const stage = await ProbeStage.open();
      recorded ??= stage.begin(dialect, target.port).first;
      const wire = await stage.send(dialect.method, recorded);
      await wire.bytes(1);
      await expectHeld(await stage.probe('again', dialect.method, recorded));
      counts.push(target.wires.length);
      await stage.close();
    }
    await target.close();
    expect(counts).to.deep.equal([1, 2]);
  });
});
