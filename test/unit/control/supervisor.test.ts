/** What the control plane does to threads, and to what they leave behind. */

import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { EPOLLIN } from '../../../native-bindings/constants.js';
import { eventfd } from '../../../native-bindings/epoll.js';
import { close } from '../../../native-bindings/socket.js';
import { Reactor } from '../../../src/reactor/reactor.js';
import { type Running, startLocal, startServer } from '../../../src/umbra.js';
import { openDescriptors } from '../../support/open-descriptors.js';

const server = { host: '127.0.0.1', port: 0, method: 'aes-256-gcm', password: 'control' } as const;
const inlet = { host: '127.0.0.1', port: 0, users: [] } as const;

/** This thread does nothing for so long, while others go on. */
function blockMs(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

/** A program that starts both ends and then ends in some way, without stopping them. */
function programThat(ends: string): readonly string[] {
  const library = new URL('../../../src/umbra.js', import.meta.url).href;
  const script = `import { startLocal, startServer } from ${JSON.stringify(library)};
    const server = ${JSON.stringify(server)};
    await startServer({ listen: [server], workers: 2 });
    await startLocal({ inlets: [${JSON.stringify(inlet)}], servers: [{ ...server, port: 1 }] });
    ${ends}`;
  return ['--input-type=module', '--eval', script];
}

describe('the control plane', () => {
  const started: Running[] = [];

  async function keep(starting: Promise<Running>): Promise<Running> {
    const running = await starting;
    started.push(running);
    return running;
  }

  // A thread that still turns would keep this process alive.
  afterEach(async () => {
    for (const running of started.splice(0)) await running.stop(0);
  });

  const endings: Readonly<Record<string, readonly [string, number]>> = {
    exits: ["console.error('on purpose'); process.exit(3);", 3],
    throws: ["setImmediate(() => { throw new Error('on purpose'); });", 1],
  };
  for (const [what, [ends, code]] of Object.entries(endings)) {
    it(`holds up no program that ${what}`, () => {
      const options = { timeout: 10_000, killSignal: 'SIGKILL', encoding: 'utf8' } as const;
      const child = spawnSync(process.execPath, programThat(ends), options);
      expect(child.stderr).to.contain('on purpose');
      expect([child.signal, child.status]).to.deep.equal([null, code]);
    });
  }

  it('signals no descriptor of a thread that has gone', async () => {
    const running = await keep(startLocal({ inlets: [inlet], servers: [{ ...server, port: 1 }] }));
    const stopped = running.stop(0);
    // The thread ends, which this one has not been told yet; the numbers of its descriptors are given to others.
    blockMs(500);
    const reactor = new Reactor();
    const strangers = Array.from({ length: 64 }, eventfd);
    let signals = 0;
    const handler = {
      handleEvents: () => {
        signals++;
      },
      handleFailure: (error: unknown) => {
        throw error;
      },
    };
    for (const fd of strangers) reactor.register(fd, EPOLLIN, handler);
    const statistics = running.statistics();
    reactor.turn(100);
    for (const fd of strangers) close(fd);
    reactor.close();
    expect(signals).to.equal(0);
    await stopped;
    expect((await statistics).connections).to.equal(0);
  });

  it('leaves no descriptor open, however often it starts and stops', async () => {
    const once = async (): Promise<void> => {
      const far = await startServer({ listen: [server], workers: 2 });
      const near = await startLocal({ inlets: [inlet], servers: [{ ...server, port: far.addresses[0].port }] });
      await near.stop();
      await far.stop();
    };
    await once();
    const before = openDescriptors();
    for (let i = 0; i < 5; i++) await once();
    expect(openDescriptors()).to.be.at.most(before);
  });

  it('may be stopped twice at once, and asked afterwards', async () => {
    const running = await keep(startServer({ listen: [server], workers: 2 }));
    await Promise.all([running.stop(), running.stop(0)]);
    await running.stop();
    expect(await running.statistics()).to.include({ connections: 0, activeConnections: 0 });
  });

  it('has nothing open where it could not start', async () => {
    const running = await keep(startServer({ listen: [server] }));
    const before = openDescriptors();
    const taken = { ...server, port: running.addresses[0].port };
    const failures = await Promise.allSettled([
      startServer({ listen: [server, taken] }),
      startServer({ listen: [server, taken], workers: 2 }),
      startLocal({ inlets: [inlet, taken].map(({ host, port }) => ({ host, port, users: [] })), servers: [server] }),
      startServer({ listen: [{ ...server, host: '192.0.2.1' }] }),
      startServer({ listen: [server], egressAllow: ['nonsense'] }),
    ]);
    expect(failures.map((result) => result.status)).to.deep.equal(Array(5).fill('rejected'));
    expect(openDescriptors()).to.be.at.most(before);
    await running.stop();
  });
});
