/** `umbra local` and `umbra server` as processes: they start, relay, log what they should, and end in order. */

import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';

import { expect } from 'chai';
import { servePage } from '../../src/cli/quickstart-page.js';
import { fetchThroughProxy } from '../../src/cli/quickstart-probe.js';
import { ChildLines } from '../support/child-lines.js';
import { type Program, programCommand, runCli } from '../support/run-cli.js';
import { TemporaryDirectory } from '../support/temporary-directory.js';

const PASSWORD = 'a password that no log may show';

/** The line that a program prints once it can be connected to. */
const LISTENING = /listening on 127\.0\.0\.1:(\d+) /;

describe('the programs, running', () => {
  const children: ChildLines[] = [];

  function start(program: Program, ...args: string[]): ChildLines {
    const child = new ChildLines([...programCommand(program), ...args]);
    children.push(child);
    return child;
  }

  async function portOf(child: ChildLines): Promise<number> {
    return Number((await child.line(LISTENING))[1]);
  }

  /** A server that lets loopback through, and a client before it. @returns the SOCKS5 port */
  async function startPair(...flags: string[]): Promise<{ client: ChildLines; server: ChildLines; port: number }> {
    const common = ['-k', PASSWORD, '-m', 'aes-128-gcm', '--workers', '1', ...flags];
    const server = start('ssserver', '-s', '127.0.0.1:0', '--egress-allow', '127.0.0.0/8', ...common);
    const client = start('sslocal', '-s', `127.0.0.1:${await portOf(server)}`, '-b', '127.0.0.1:0', ...common);
    return { client, server, port: await portOf(client) };
  }

  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.kill()));
  });

  it('relay a request, say nothing of it by default, and end with 0 on SIGTERM and SIGINT', async () => {
    const { client, server, port } = await startPair();
    const page = await servePage();
    try {
      expect(await fetchThroughProxy(port, page.port)).to.match(/^HTTP\/1\.1 200 /);
    } finally {
      page.close();
    }
    client.signal('SIGTERM');
    expect(await client.exit()).to.equal(0);
    server.signal('SIGINT');
    expect(await server.exit()).to.equal(0);
    for (const { lines } of [client, server]) {
      expect(lines.filter((line) => !/listening on|no new connections/.test(line))).to.deep.equal([]);
    }
  });

  for (const [method, said] of [
    ['aes-128-ctr', /^warn .*"aes-128-ctr" authenticates nothing: .* redirect attack/],
    ['rc4-md5', /^warn .*"rc4-md5" authenticates nothing: .* redirect attack/],
    ['none', /^warn .*"none" encrypts nothing/],
  ] as const) {
    it(`relay with ${method} where insecure methods are allowed, and warn of it at both ends`, async () => {
      const { client, server, port } = await startPair('-m', method, '--allow-insecure-ciphers', '--log-without-time');
      const page = await servePage();
      try {
        expect(await fetchThroughProxy(port, page.port)).to.match(/^HTTP\/1\.1 200 /);
      } finally {
        page.close();
      }
      for (const { lines } of [client, server]) expect(lines.filter((line) => said.test(line))).to.have.length(1);
    });
  }

  it('log a line a connection at -v, and never the password', async () => {
    const { client, server, port } = await startPair('-v', '--log-without-time');
    const page = await servePage();
    try {
      await fetchThroughProxy(port, page.port);
      const ofTarget = new RegExp(`^info .*127\\.0\\.0\\.1:${page.port}`);
      await Promise.all([client.line(ofTarget), server.line(ofTarget)]);
    } finally {
      page.close();
    }
    expect([...client.lines, ...server.lines].join('\n')).not.to.include(PASSWORD);
  });

  it('log as JSON where that is asked for', async () => {
    const server = start('umbra', 'server', '-s', '127.0.0.1:0', '-k', PASSWORD, '--log-json');
    const [line] = await server.line(/.*listening.*/);
    expect(JSON.parse(line)).to.include({ level: 'info', method: 'chacha20-ietf-poly1305' });
  });

  it('start from a file, warn of what is not served yet, and say at -v which file it was', async () => {
    const directory = new TemporaryDirectory();
    try {
      const content = { server: '127.0.0.1', server_port: 0, password: PASSWORD, fast_open: true };
      const path = directory.write('server.json', content);
      const server = start('umbra', 'server', '-c', path, '-v');
      await server.line(/warn .*server\.json:1:\d+: "fast_open" is not served yet/);
      await server.line(/info configuration from .*server\.json/);
      await server.line(LISTENING);
    } finally {
      directory.remove();
    }
  });

  it('take the password from the environment', async () => {
    const environment = { ...process.env, SS_SERVER_PASSWORD: PASSWORD };
    const server = new ChildLines([...programCommand('ssserver'), '-s', '127.0.0.1:0'], environment);
    children.push(server);
    await server.line(LISTENING);
  });

  it('read the password from standard input, and exit with 1 and one sentence where the port is in use', async () => {
    const occupant = createServer();
    occupant.listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    try {
      const address = occupant.address();
      const port = typeof address === 'object' ? address?.port : undefined;
      const { code, stderr } = await runCli('umbra', ['server', '-s', `127.0.0.1:${port}`, '-k', '-'], {
        input: `${PASSWORD}\n`,
      });
      expect(code).to.equal(1);
      expect(stderr).to.match(new RegExp(`^umbra: .*${port}.*\\n$`));
    } finally {
      occupant.close();
    }
  });

  it('wait for live connections on the first signal, and end at once on the second', async () => {
    // Cut off in the middle, the connection is reset, and neither end is to take that for an end.
    const silent: Server = createServer((accepted) => accepted.on('error', () => undefined));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { client, port } = await startPair('--drain-timeout', '60');
    const address = silent.address();
    const silentPort = typeof address === 'object' && address !== null ? address.port : 0;
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    try {
      const accepted = once(silent, 'connection');
      // RFC 1928: version 5, no authentication; CONNECT to the server that never answers.
      socket.write(Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, silentPort >> 8, silentPort & 0xff]));
      await accepted;
      client.signal('SIGTERM');
      await client.line(/SIGTERM: no new connections/);
      client.signal('SIGTERM');
      expect(await client.exit()).to.equal(143);
    } finally {
      socket.destroy();
      silent.close();
    }
  });
});
