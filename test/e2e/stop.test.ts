/** The end of a client or a server that is told to stop. */

import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { expect } from 'chai';
import { openDescriptors } from '../support/open-descriptors.js';
import { GREETING, SOCKS_REPLY_LENGTH, Stage, socksRequest } from '../support/proxy-pair.js';
import { Listener, refusingPort, Wire } from '../support/wire.js';

/** The errno name of a connection attempt, or `connected`. */
function attempt(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

describe('what is told to stop', () => {
  const stage = new Stage();

  async function established() {
    const server = await stage.server();
    const local = await stage.local([server.addresses[0].port]);
    const listener = await Listener.open();
    stage.onClose(() => listener.close());
    const program = await stage.through(local.addresses[0].port, listener.port);
    program.send('hello');
    const target = await listener.next();
    await target.bytes(5);
    return { server, local, program, target };
  }

  afterEach(() => stage.close());

  it('refuses new connections at once, and lets those that live finish', async () => {
    const { server, local, program, target } = await established();
    const started = performance.now();
    const stopped = Promise.all([local.stop(10_000), server.stop(10_000)]);
    for (const { port } of [...local.addresses, ...server.addresses]) {
      for (let code = ''; code !== 'ECONNREFUSED'; code = await attempt(port)) {
        if (performance.now() - started > 2000) throw new Error('it goes on listening');
      }
    }
    const down = randomBytes(3_000_000);
    target.finish(down);
    expect(await program.end()).to.equal('fin');
    expect(program.received.subarray(SOCKS_REPLY_LENGTH).equals(down)).to.equal(true);
    program.finish(' and goodbye');
    expect(await target.text()).to.equal('hello and goodbye');
    await stopped;
    expect(performance.now() - started).to.be.lessThan(8000);
  });

  it('ends what still lives after the time that it was given', async () => {
    const { server, local, program, target } = await established();
    const started = performance.now();
    await Promise.all([local.stop(300), server.stop(300)]);
    expect(performance.now() - started).to.be.within(290, 3000);
    await program.end();
    await target.end();
  });

  it('ends at once where it is told again, with no time', async () => {
    const { server, local, program } = await established();
    const first = Promise.all([local.stop(60_000), server.stop(60_000)]);
    const started = performance.now();
    await Promise.all([local.stop(0), server.stop(0)]);
    await first;
    expect(performance.now() - started).to.be.lessThan(3000);
    await program.end();
  });

  it('waits for nobody who has no key, and for no program that was refused', async () => {
    const server = await stage.server({ probeTimeoutMs: 60_000 });
    const local = await stage.local([await refusingPort()]);
    const probe = await stage.wire(server.addresses[0].port);
    probe.send(randomBytes(300));
    const refused = await stage.wire(local.addresses[0].port);
    refused.send(Buffer.concat([GREETING, socksRequest('127.0.0.1', 80)]));
    expect(await refused.end()).to.equal('fin');
    await stage.quiet();
    const started = performance.now();
    await Promise.all([server.stop(10_000), local.stop(10_000)]);
    expect(performance.now() - started).to.be.lessThan(3000);
    await probe.end();
  });

  it('leaves no descriptor behind, whatever it was doing', async () => {
    /** Once through everything that holds descriptors: relays, dials, probes, refusals, silence. */
    const round = async (): Promise<void> => {
      const { server, local, program } = await established();
      const refusing = await stage.local([await refusingPort()]);
      const refused = await stage.wire(refusing.addresses[0].port);
      refused.send(Buffer.concat([GREETING, socksRequest('127.0.0.1', 80)]));
      await refused.end();
      const probes = await Promise.all([1, 60, 500].map(() => Wire.to(server.addresses[0].port)));
      for (const [i, probe] of probes.entries()) probe.send(randomBytes(1 + i * 100));
      const silent = await Promise.all([local, server].map(({ addresses }) => Wire.to(addresses[0].port)));
      await stage.quiet();
      await Promise.all([server.stop(0), local.stop(0), refusing.stop(0)]);
      for (const wire of [...probes, ...silent, program]) wire.close();
      await stage.close();
      await new Promise(setImmediate);
    };
    await round();
    const before = openDescriptors();
    for (let i = 0; i < 3; i++) await round();
    expect(openDescriptors()).to.be.at.most(before);
  });
});
