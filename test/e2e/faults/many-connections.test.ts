/** Many connections through one reactor on each side. */

import { expect } from 'chai';
import { Children, type LoadClient, type ProxyChild } from '../../support/load/children.js';
import type { Origin } from '../../support/load/origin.js';

const KIB = 1024;

describe('many connections', function () {
  this.timeout(110_000);
  const children = new Children();
  let origin: Origin;
  let client: LoadClient;

  beforeEach(async () => {
    [origin, client] = await Promise.all([children.origin(), children.client()]);
  });

  afterEach(() => children.killAll());

  async function chain(): Promise<{ readonly server: ProxyChild; readonly local: ProxyChild }> {
    const server = await children.server();
    return { server, local: await children.local(server) };
  }

  it('2,000 at once move 32 KiB each way, every byte right', async () => {
    const { server, local } = await chain();
    const task = {
      inlets: local.ports,
      port: origin.echoPort,
      connections: 2000,
      parallel: 2000,
      payloadLength: 32 * KIB,
    };
    const result = await client.tell({ kind: 'hold', task });
    expect(result).to.deep.include({ right: 2000, wrong: {} });
    for (const proxy of [local, server]) {
      expect((await proxy.statistics()).activeConnections).to.equal(2000);
    }
    await client.tell({ kind: 'close' });
    for (const proxy of [local, server]) {
      await proxy.settled();
      const { bytesUp, bytesDown, outcomes } = await proxy.statistics();
      expect([bytesUp, bytesDown]).to.deep.equal([2000 * 32 * KIB, 2000 * 32 * KIB]);
      expect(outcomes).to.deep.equal({ OK: 2000 });
    }
  });

  it('10,000 idle ones are held, and live on', async () => {
    // Each proxy has two descriptors a connection, and a process may have 20,000 on some machines: so two chains of 5,000.
    const chains = [await chain(), await chain()];
    const inlets = chains.flatMap(({ local }) => local.ports);
    const task = { inlets, port: origin.echoPort, connections: 10_000, parallel: 500, payloadLength: 64 };
    expect(await client.tell({ kind: 'hold', task })).to.deep.include({ right: 10_000, wrong: {} });
    const proxies = chains.flatMap(({ local, server }) => [local, server]);
    const before = proxies.map((proxy) => proxy.cpuSeconds);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    for (const [i, proxy] of proxies.entries()) {
      expect((await proxy.statistics()).activeConnections).to.equal(5000);
      expect(proxy.cpuSeconds - before[i], 'seconds of work in two seconds of idleness').to.be.lessThan(0.3);
    }
    expect(await client.tell({ kind: 'use' })).to.deep.include({ right: 10_000, wrong: {} });
    await client.tell({ kind: 'close' });
    for (const proxy of proxies) await proxy.settled();
  });

  it('100,000 short ones leave no descriptor and no memory behind', async () => {
    const { server, local } = await chain();
    const proxies = [local, server];
    const atFirst = proxies.map(({ descriptors }) => descriptors);
    const task = { inlets: local.ports, port: origin.echoPort, payloadLength: 64 };
    const run = async (connections: number, parallel = 100): Promise<void> => {
      const result = await client.tell({ kind: 'run', task: { ...task, connections, parallel } });
      expect(result).to.deep.include({ right: connections, wrong: {} });
      for (const proxy of proxies) await proxy.settled();
    };
    // What V8's first collections find alive decides where it places what comes later: so they find as many connections as can be.
    await run(10_000, 1000);
    const before = proxies.map(({ rssMiB }) => rssMiB);
    const growth: number[][] = proxies.map(() => []);
    let last = before;
    for (let batch = 0; batch < 4; batch++) {
      await run(25_000);
      for (const [i, { rssMiB }] of proxies.entries()) growth[i].push(rssMiB - last[i]);
      last = proxies.map(({ rssMiB }) => rssMiB);
    }
    for (const [i, proxy] of proxies.entries()) {
      const { rssMiB } = proxy;
      // A few sockets are kept for half a second, in case that they can be used again.
      await proxy.descriptorsAtMost(atFirst[i]);
      // V8 may take some mebibytes for itself once, whenever it pleases. What is lost with each connection is lost in every batch.
      expect(Math.min(...growth[i]), 'MiB more in each batch of 25,000').to.be.lessThan(2);
      expect(rssMiB - before[i], 'MiB more in all').to.be.lessThan(32);
    }
  });
});
