/** No descriptor left: those who have one are served, those who come wait or are refused, and nothing spins. */

import { expect } from 'chai';
import { Children, type LoadClient, type ProxyChild } from '../../support/load/children.js';
import type { Origin } from '../../support/load/origin.js';

/** Of which Node takes some forty for itself. */
const OPEN_FILES = 160;
/** Fewer than fit. */
const SERVED = 20;
/** More than fit. */
const TOO_MANY = 300;

describe('when descriptors run out', function () {
  this.timeout(60_000);
  const children = new Children();
  let origin: Origin;
  let served: LoadClient;
  let crowd: LoadClient;

  beforeEach(async () => {
    [origin, served, crowd] = await Promise.all([children.origin(), children.client(), children.client()]);
  });

  afterEach(() => children.killAll());

  async function suffer(local: ProxyChild, starved: ProxyChild): Promise<void> {
    const task = { inlets: local.ports, port: origin.echoPort, parallel: TOO_MANY, payloadLength: 1000 };
    const few = { ...task, connections: SERVED };
    expect(await served.tell({ kind: 'hold', task: few })).to.deep.include({ right: SERVED, wrong: {} });

    // Connections that ask for nothing yet fill the table, and the queue behind it.
    const stalled = { ...task, port: origin.sourcePort, connections: TOO_MANY };
    expect((await crowd.tell({ kind: 'stall', task: stalled })).wrong).to.deep.equal({});
    const deadlineMs = performance.now() + 10_000;
    while (starved.descriptors < OPEN_FILES - 3) {
      if (performance.now() > deadlineMs) throw new Error(`${starved.descriptors} descriptors only`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const cpu = starved.cpuSeconds;
    const start = performance.now();
    for (let i = 0; i < 5; i++) {
      expect(await served.tell({ kind: 'use' })).to.deep.include({ right: SERVED, wrong: {} });
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    const share = (starved.cpuSeconds - cpu) / ((performance.now() - start) / 1000);
    expect(share, 'share of a processor').to.be.lessThan(0.4);
    const { messages } = await starved.statistics();
    const pauses = messages.filter((message) => message.includes('accepting pauses')).length;
    expect(pauses, 'lines of log about it').to.be.at.most(1);

    await crowd.tell({ kind: 'close' });
    const again = { ...task, parallel: 10, connections: 100 };
    await starved.settled(SERVED);
    expect(await crowd.tell({ kind: 'run', task: again })).to.deep.include({ right: 100, wrong: {} });
    expect(await served.tell({ kind: 'use' })).to.deep.include({ right: SERVED, wrong: {} });
    await served.tell({ kind: 'close' });
    await starved.settled();
  }

  it('the server goes on, and accepts again once there are some', async () => {
    const server = await children.server(OPEN_FILES);
    await suffer(await children.local(server), server);
  });

  it('the client goes on, and accepts again once there are some', async () => {
    const local = await children.local(await children.server(), OPEN_FILES);
    await suffer(local, local);
  });
});
