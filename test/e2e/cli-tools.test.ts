/** The commands that start nothing: help, version, check, genkey, completion. */

import { expect } from 'chai';

import { runCli } from '../support/run-cli.js';
import { TemporaryDirectory } from '../support/temporary-directory.js';

describe('umbra genkey', () => {
  it('prints a fresh secret as long as the key of the method', async () => {
    const secrets = new Set<string>();
    for (const [method, length] of [
      ['aes-128-gcm', 16],
      ['aes-192-gcm', 24],
      ['aes-256-gcm', 32],
    ] as const) {
      const { code, stdout, stderr } = await runCli('umbra', ['genkey', '-m', method]);
      expect([code, stderr]).to.deep.equal([0, '']);
      expect(Buffer.from(stdout.trim(), 'base64')).to.have.length(length);
      secrets.add(stdout);
    }
    secrets.add((await runCli('umbra', ['genkey'])).stdout);
    secrets.add((await runCli('umbra', ['genkey'])).stdout);
    expect(secrets.size).to.equal(5);
  });
});

describe('umbra url', () => {
  let directory: TemporaryDirectory;

  beforeEach(() => {
    directory = new TemporaryDirectory();
  });

  afterEach(() => {
    directory.remove();
  });

  const KEY = Buffer.alloc(32, 0xfb).toString('base64');
  const FILE = {
    servers: [
      { server: '192.0.2.1', server_port: 8388, method: 'aes-256-gcm', password: 'p@ss', remarks: 'the first' },
      { server: '2001:db8::1', server_port: 9, method: '2022-blake3-aes-256-gcm', password: KEY },
      { server: 'a.example', server_port: 1, method: 'none', plugin: 'obfs-local', plugin_opts: 'obfs=http' },
    ],
  };
  const LINKS = [
    'ss://YWVzLTI1Ni1nY206cEBzcw@192.0.2.1:8388#the%20first',
    `ss://2022-blake3-aes-256-gcm:${encodeURIComponent(KEY)}@[2001:db8::1]:9`,
    'ss://bm9uZTo@a.example:1/?plugin=obfs-local%3Bobfs%3Dhttp',
  ];

  it('prints the servers of a file as links, and ssurl does', async () => {
    const path = directory.write('c.json', FILE);
    for (const [program, args] of [
      ['umbra', ['url', '-e', path]],
      ['ssurl', ['--encode', path]],
    ] as const) {
      const { code, stdout, stderr } = await runCli(program, args);
      expect([code, stderr, stdout]).to.deep.equal([0, '', LINKS.map((link) => `${link}\n`).join('')]);
    }
  });

  it('prints what a link says as a configuration that makes the same link', async () => {
    for (const link of LINKS) {
      const { code, stdout } = await runCli('umbra', ['url', '-d', link]);
      expect(code).to.equal(0);
      const path = directory.write('again.json', JSON.parse(stdout));
      expect((await runCli('ssurl', ['-e', path])).stdout).to.equal(`${link}\n`);
    }
  });

  it('takes a server from flags, a name for it, and a link from standard input', async () => {
    const flags = ['-s', '192.0.2.1:8388', '-k', 'p@ss', '-m', 'aes-256-gcm', '-n', 'the first'];
    expect((await runCli('umbra', ['url', ...flags])).stdout).to.equal(`${LINKS[0]}\n`);
    const { stdout } = await runCli('umbra', ['url', '-d', '-'], { input: `${LINKS[1]}\n` });
    expect(JSON.parse(stdout)).to.deep.equal(FILE.servers[1]);
  });

  it('prints a QR code behind the link where that is asked for', async () => {
    const { stdout } = await runCli('umbra', ['url', '-c', '-d', LINKS[0]]);
    const lines = stdout.trimEnd().split('\n');
    const code = lines.slice(lines.indexOf('}') + 1);
    expect(code.length).to.be.within(15, 40);
    expect(new Set(code.join(''))).to.deep.equal(new Set('█▀▄ '));
  });

  it('refuses what is no link, what has no place in one, and both ways at once', async () => {
    const refused = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await runCli('umbra', ['url', ...args]);
      expect([code, stdout]).to.deep.equal([1, '']);
      return stderr;
    };
    expect(await refused('-d', 'ss://x')).to.equal('umbra: --decode has no "@" between the password and the server.\n');
    const raw = directory.write('raw.json', { server: 'a', method: 'aes-256-gcm', key: KEY });
    expect(await refused('-e', raw)).to.match(/a:8388 has a raw "key", for which a link has no place/);
    expect(await refused()).to.match(/Use either -e FILE or -s HOST:PORT to print links, or -d LINK to read one/);
    expect(await refused('-e', raw, '-d', LINKS[0])).to.match(/Use either/);
  });
});

describe('umbra check', () => {
  let directory: TemporaryDirectory;

  beforeEach(() => {
    directory = new TemporaryDirectory();
  });

  afterEach(() => {
    directory.remove();
  });

  it('says what a file does in both modes, and none of its secrets', async () => {
    const path = directory.write('c.json', {
      server: '192.0.2.1',
      server_port: 8388,
      password: 'geheim und lang genug',
      method: 'aes-256-gcm',
      egress_allow: ['10.0.0.0/8'],
      plugin: 'x',
    });
    const { code, stdout, stderr } = await runCli('umbra', ['check', '-c', path]);
    expect(code).to.equal(0);
    expect(stderr).to.match(/^warning: \S+c\.json:1:\d+: "plugin" is not served yet and has no effect\.\n$/);
    expect(stdout).to.equal(
      `${path} is in order.
As a client (umbra local):
  SOCKS and HTTP on 127.0.0.1:1080
  through 192.0.2.1:8388 (aes-256-gcm)
As a server (umbra server):
  listens on 192.0.2.1:8388 (aes-256-gcm)
  loopback, private and link-local blocks that may be reached: 10.0.0.0/8
`,
    );
  });

  it('passes a file for one mode alone, unless the other is asked for', async () => {
    directory.write('config.json', { port_password: { 8388: 'p' } });
    const options = { cwd: directory.path, environment: { HOME: directory.path } };
    const { code, stdout } = await runCli('umbra', ['check'], options);
    expect(code).to.equal(0);
    expect(stdout).to.match(/config\.json is in order\.\nAs a server \(umbra server\):\n/);
    expect((await runCli('umbra', ['check', '--as', 'local'], options)).code).to.equal(1);
    expect((await runCli('umbra', ['check', '--as', 'both'], options)).stderr).to.match(/--as must be local or server/);
  });

  it('prints the JSON schema', async () => {
    const { code, stdout } = await runCli('umbra', ['check', '--schema']);
    expect(code).to.equal(0);
    expect(JSON.parse(stdout)).to.have.nested.property('properties.server_port');
  });
});

describe('the help', () => {
  it('of every program lists its flags', async () => {
    for (const [program, args] of [
      ['umbra', ['local', '--help']],
      ['umbra', ['server', '-h']],
      ['sslocal', ['--help']],
      ['ssserver', ['-v', '--help']],
    ] as const) {
      const { code, stdout } = await runCli(program, args);
      expect(code).to.equal(0);
      expect(stdout).to.include('--encrypt-method').and.to.include('not served yet: -');
    }
  });

  it('of umbra lists its commands; without a command that is a failure', async () => {
    const { code, stdout } = await runCli('umbra', ['--help']);
    expect(code).to.equal(0);
    for (const name of ['local', 'server', 'quickstart', 'check', 'genkey'])
      expect(stdout).to.include(`umbra ${name} `);
    const bare = await runCli('umbra', []);
    expect([bare.code, bare.stderr]).to.deep.equal([1, stdout]);
  });

  it('includes the version', async () => {
    expect((await runCli('umbra', ['--version'])).stdout).to.match(/^umbra \d+\.\d+\.\d+\n$/);
    expect((await runCli('sslocal', ['-V'])).stdout).to.match(/^umbra \d+\.\d+\.\d+\n$/);
  });

  it('completes commands and flags in a shell', async () => {
    expect((await runCli('umbra', ['completion'])).stdout).to.include('--get-yargs-completions');
    const { stdout } = await runCli('umbra', ['--get-yargs-completions', 'umbra', 'server', '--eg']);
    expect(stdout).to.include('--egress-allow');
  });
});
