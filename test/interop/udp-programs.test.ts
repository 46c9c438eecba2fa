/** Programs that nobody here wrote, whose datagrams go through umbra at both ends: a DNS resolver and its client, and HTTP/3 over QUIC. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { freePort, ProxyProcess, UMBRA } from '../support/proxy-process.js';
import { builtPeer } from './peers.js';
import { recordProgram } from './table.js';

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;
const QUIC_PEER = fileURLToPath(new URL('../../../test/interop/quic_peer.py', import.meta.url));
/** Some hundred datagrams each way. */
const QUIC_BYTES = 512 * 1024;

for (const method of ['aes-256-gcm', '2022-blake3-aes-256-gcm', '2022-blake3-chacha20-poly1305'] as const) {
  describe(`programs of others by UDP through umbra, ${method}`, () => {
    const endpoint = ['-m', method, '-k', randomBytes(32).toString('base64'), '--workers', '1', '-U'];
    const processes: ProxyProcess[] = [];
    let resolver: ProxyProcess;
    let quicServer: ChildProcess | undefined;
    let folder = '';
    let proxyPort = 0;
    /** Where all datagrams go to the resolver. */
    let tunnelPort = 0;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'umbra-udp-programs-'));
      const serverPort = await freePort();
      const dnsPort = await freePort();
      [proxyPort, tunnelPort] = [await freePort(), await freePort()];
      const server = `127.0.0.1:${serverPort}`;
      await start(serverPort, 'server', '-s', server, '--egress-allow', '127.0.0.0/8', ...endpoint);
      await start(proxyPort, 'local', '-s', server, '-b', `127.0.0.1:${proxyPort}`, ...endpoint);
      const tunnel = ['-b', `127.0.0.1:${tunnelPort}`, '-f', `127.0.0.1:${dnsPort}`];
      await start(tunnelPort, 'local', '-s', server, ...tunnel, ...endpoint);
      resolver = await ProxyProcess.start(dnsmasq(dnsPort), dnsPort);
      processes.push(resolver);
    });

    after(async () => {
      quicServer?.stdin?.end();
      await Promise.all(processes.map((each) => each.stop()));
      rmSync(folder, { recursive: true });
    });

    afterEach(function () {
      const { title = '', state } = this.currentTest ?? {};
      const [program, how] = title.split(/: (.*)/s);
      recordProgram(program, `${how}, \`${method}\``, state === 'passed');
    });

    async function start(port: number, ...args: string[]): Promise<void> {
      processes.push(await ProxyProcess.start([...UMBRA, ...args], port));
    }

    function dnsmasq(port: number): string[] {
      const records = ['--address=/umbra.test/192.0.2.7', '--address=/umbra.test/2001:db8::7'];
      const text = `--txt-record=long.test,${Array.from({ length: 4 }, () => 'x'.repeat(200)).join(',')}`;
      const quiet = ['--keep-in-foreground', '--no-resolv', '--no-hosts', '--no-daemon', '--pid-file', '--user=root'];
      return [
        'dnsmasq',
        '-p',
        `${port}`,
        '--listen-address=127.0.0.1',
        '--bind-interfaces',
        ...quiet,
        ...records,
        text,
      ];
    }

    async function dig(...question: string[]): Promise<string> {
      const server = ['@127.0.0.1', '-p', `${tunnelPort}`];
      const { stdout } = await run('dig', [...server, '+tries=1', '+time=5', '+short', ...question], {
        timeout: TIMEOUT_MS,
      });
      return stdout.trim();
    }

    it('dig and dnsmasq: DNS over UDP through the tunnel', async () => {
      expect(await dig('umbra.test', 'A')).to.equal('192.0.2.7');
      expect(await dig('umbra.test', 'AAAA')).to.equal('2001:db8::7');
      expect(await dig('long.test', 'TXT', '+bufsize=4096')).to.match(/^("x{200}" ?){4}$/);
    });

    it('dig and dnsmasq: DNS over TCP through the tunnel', async () => {
      expect(await dig('long.test', 'TXT', '+tcp')).to.match(/^("x{200}" ?){4}$/);
    });

    it('aioquic: HTTP/3 through SOCKS5 UDP ASSOCIATE', async () => {
      const python = builtPeer('aioquic/bin/python');
      quicServer = spawn(python, [QUIC_PEER, 'server', folder], { stdio: ['pipe', 'pipe', 'inherit'] });
      if (quicServer.stdout === null) throw new Error('no output');
      const [port] = await once(createInterface({ input: quicServer.stdout }), 'line');
      const args = [QUIC_PEER, 'client', `${proxyPort}`, port, `${QUIC_BYTES}`];
      const { stdout } = await run(python, args, { timeout: TIMEOUT_MS });
      const [sent, received, length] = stdout.trim().split(' ');
      expect(Number(length)).to.equal(QUIC_BYTES);
      expect(received).to.equal(sent);
    });
  });
}
