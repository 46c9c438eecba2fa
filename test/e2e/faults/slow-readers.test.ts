/** Receivers that never read: what is stuck must stay with the sender, not in this program. */

import { expect } from 'chai';
import { OUTPUT_SIZE } from '../../../src/relay/workspace.js';
import { CHUNK_OVERHEAD, FORMAT_2017 } from '../../../src/shadowsocks/chunk-format.js';
import { Children, mebibytes, type ProxyChild } from '../../support/load/children.js';

const STALLED = 100;
const TRANSFER_LENGTH = 100 * 1024 * 1024;
/** What a stalled direction may keep: what one send left over, and the beginning of a chunk. */
const BACKLOG_BOUND_MIB = mebibytes(STALLED * (OUTPUT_SIZE + FORMAT_2017.maxPayload + CHUNK_OVERHEAD));

describe('slow readers', function () {
  this.timeout(60_000);
  const children = new Children();

  afterEach(() => children.killAll());

  /** Waits until a proxy moves nothing any more. */
  async function still(proxy: ProxyChild): Promise<void> {
    for (let before = -1, same = 0; same < 4; ) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const cpu = proxy.cpuSeconds;
      same = cpu - before < 0.011 ? same + 1 : 0;
      before = cpu;
    }
  }

  it(`${STALLED} stalled transfers of 100 MiB cost less than a mebibyte beyond the backlog bound, and nothing afterwards`, async () => {
    const origin = await children.origin(TRANSFER_LENGTH);
    const client = await children.client();
    const server = await children.server();
    const local = await children.local(server);
    const proxies = [local, server];
    const stall = async (connections: number): Promise<void> => {
      const task = {
        inlets: local.ports,
        port: origin.sourcePort,
        connections,
        parallel: connections,
        payloadLength: 0,
      };
      expect(await client.tell({ kind: 'stall', task })).to.deep.include({ right: connections, wrong: {} });
      for (const proxy of proxies) await still(proxy);
      for (const proxy of proxies) expect((await proxy.statistics()).activeConnections).to.equal(connections);
    };
    const end = async (): Promise<void> => {
      await client.tell({ kind: 'close' });
      for (const proxy of proxies) await proxy.settled();
      for (const proxy of proxies) await still(proxy);
    };
    // The first ones warm the program up: its code is compiled, its heap has its size.
    for (let i = 0; i < 3; i++) {
      await stall(10);
      await end();
    }
    const rounds: { readonly during: readonly number[]; readonly after: readonly number[] }[] = [];
    for (let round = 0; round < 2; round++) {
      const before = proxies.map(({ rssMiB }) => rssMiB);
      const growth = (): number[] => proxies.map(({ rssMiB }, i) => rssMiB - before[i]);
      await stall(STALLED);
      const during = growth();
      await end();
      rounds.push({ during, after: growth() });
    }
    // V8 may take some mebibytes for itself once, whenever it pleases. What a stalled transfer takes, or leaves, it does in every round.
    for (const i of proxies.keys()) {
      const during = Math.min(...rounds.map((round) => round.during[i]));
      const after = Math.min(...rounds.map((round) => round.after[i]));
      expect(during, 'MiB more while they are stalled').to.be.lessThan(BACKLOG_BOUND_MIB + 1);
      expect(after, 'MiB more afterwards').to.be.lessThan(3);
    }
  });
});
