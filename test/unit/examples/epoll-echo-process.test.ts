/** The epoll echo example as a program: signals, running out of descriptors, its command line. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { ChildLines } from '../../support/child-lines.js';
import { MODES } from './echo-drive.js';

const PROGRAM = fileURLToPath(new URL('../../../docs/examples/epoll-echo.js', import.meta.url));

/** The third field of /proc/PID/stat (proc(5)): S where the main thread sleeps, T where the process is stopped. */
function processState(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '')[0];
}

async function untilState(pid: number, state: string): Promise<void> {
  const deadline = Date.now() + 5000;
  while (processState(pid) !== state) {
    if (Date.now() > deadline) throw new Error(`the child is not in state ${state}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Stops and continues the child inside epoll_wait. Another try is only needed where it slept for something else just then. */
async function interruptWait(child: ChildLines): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    await child.line(/^step 3: waiting/);
    await untilState(child.pid, 'S');
    child.signal('SIGSTOP');
    await untilState(child.pid, 'T');
    child.signal('SIGCONT');
    const [next] = await child.line(/^step 3: interrupted by a signal|^step 6/);
    if (next.startsWith('step 3')) return;
  }
  throw new Error('the wait was never interrupted');
}

for (const { mode, edgeTriggered } of MODES) {
  const flags = edgeTriggered ? ['--edge'] : [];

  describe(`epoll echo program, ${mode}`, () => {
    let child: ChildLines;
    let port: number;
    const open: Socket[] = [];

    async function start(...command: [string, ...string[]]): Promise<void> {
      child = new ChildLines(command);
      const [, found] = await child.line(/^step 2: listening on 127\.0\.0\.1:(\d+)/);
      port = Number(found);
    }

    async function connected(): Promise<Socket> {
      const socket = connect(port, '127.0.0.1');
      open.push(socket);
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      return socket;
    }

    /** What comes back for a message: the echo, or nothing where the server turns the client away. */
    async function echoOf(socket: Socket, text: string): Promise<string> {
      let got = '';
      if (socket.closed) return got;
      socket.setEncoding('utf8');
      socket.write(text);
      return new Promise((resolve) => {
        socket.on('data', (part: string) => {
          got += part;
          if (got.length >= text.length) resolve(got);
        });
        socket.on('close', () => resolve(got));
      });
    }

    afterEach(async () => {
      for (const socket of open.splice(0)) socket.destroy();
      await child.kill();
    });

    it('4: goes on after being stopped and continued', async () => {
      await start(process.execPath, PROGRAM, '--port', '0', ...flags);
      const socket = await connected();
      await child.line(/^step 4: accepted/);
      await interruptWait(child);
      expect(await echoOf(socket, 'good morning')).to.equal('good morning');
    });

    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      it(`ends with step 7 and status 0 on ${signal}, with a client connected`, async () => {
        await start(process.execPath, PROGRAM, '--port', '0', ...flags);
        const socket = await connected();
        expect(await echoOf(socket, 'x')).to.equal('x');
        child.signal(signal);
        expect(await child.exit()).to.equal(0);
        expect(child.lines.at(-1)).to.equal('step 7: destroyed the epoll object');
      });
    }

    it('15: lives through running out of descriptors, without spinning', async function () {
      this.timeout(20_000);
      await start('sh', '-c', 'ulimit -n 40; exec "$0" "$@"', process.execPath, PROGRAM, '--port', '0', ...flags);
      const sockets: Socket[] = [];
      for (let i = 0; i < 40; i++) sockets.push(await connected());
      const echoes = await Promise.all(sockets.map((socket, i) => echoOf(socket, `client ${i}`)));
      const served = sockets.filter((_, i) => echoes[i] === `client ${i}`);
      expect(served.length).to.be.within(1, 39);
      const turnedAway = /turned a client away \(EMFILE\)/;
      for (let i = served.length; i < 40; i++) await child.line(turnedAway);
      // Everybody has an answer, so from here on there is nothing to do but wait: two waits, two turns.
      await child.line(/^step 6: 0 events/);
      const before = child.lines.length;
      await child.line(/^step 6: 0 events/);
      expect(child.lines.length - before).to.be.lessThan(6);
      expect(child.lines.filter((line) => turnedAway.test(line))).to.have.length(40 - served.length);
      served[0].destroy();
      await child.line(/^step 5: closed/);
      expect(await echoOf(await connected(), 'the next one')).to.equal('the next one');
    });
  });
}

describe('epoll echo program', () => {
  it('says which call failed where its port is in use, and exits 1', async () => {
    const first = new ChildLines([process.execPath, PROGRAM, '--port', '0']);
    try {
      const [, port] = await first.line(/listening on 127\.0\.0\.1:(\d+)/);
      const second = new ChildLines([process.execPath, PROGRAM, '--port', port]);
      expect(await second.exit()).to.equal(1);
      expect(second.lines.at(-1)).to.equal('epoll-echo: bind: EADDRINUSE');
    } finally {
      await first.kill();
    }
  });

  it('ends while it has nothing to do: a signal interrupts the wait', async () => {
    const child = new ChildLines([process.execPath, PROGRAM, '--port', '0']);
    await child.line(/^step 3: waiting at most 1000 ms/);
    child.signal('SIGTERM');
    expect(await child.exit()).to.equal(0);
  });
});
