/** Programs that nobody here wrote in front of umbra's client, by every protocol that its port speaks. */

import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { freePort, ProxyProcess, UMBRA } from '../support/proxy-process.js';
import { type Asked, Site } from './site.js';
import { recordProgram } from './table.js';

const run = promisify(execFile);
const TIMEOUT_MS = 30_000;
const ENDPOINT = ['-m', '2022-blake3-aes-128-gcm', '-k', randomBytes(16).toString('base64'), '--workers', '1'];
const MIB = 1024 * 1024;

describe('programs of others through umbra', () => {
  const processes: ProxyProcess[] = [];
  let folder = '';
  let site: Site;
  let other: Site;
  let secure: Site;
  /** Mixed, open to everybody. */
  let proxy = '';
  /** Mixed, for ann alone. */
  let guarded = '';

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'umbra-programs-'));
    [site, other, secure] = await Promise.all([Site.start(), Site.start(), Site.startTls(folder)]);
    const [server, open, closed] = (await Promise.all([freePort(), freePort(), freePort()])).map(
      (port) => `127.0.0.1:${port}`,
    );
    [proxy, guarded] = [open, closed];
    await start(server, 'server', '-s', server, '--egress-allow', '127.0.0.0/8', ...ENDPOINT);
    await start(proxy, 'local', '-s', server, '-b', proxy, ...ENDPOINT);
    await start(guarded, 'local', '-s', server, '-c', guardedFile(portOf(guarded)), ...ENDPOINT);
  });

  after(async () => {
    await Promise.all(processes.map((each) => each.stop()));
    for (const each of [site, other, secure]) each?.stop();
    rmSync(folder, { recursive: true });
  });

  afterEach(function () {
    const { title = '', state } = this.currentTest ?? {};
    const [program, how] = title.split(/: (.*)/s);
    recordProgram(program, how, state === 'passed');
  });

  async function start(address: string, ...args: string[]): Promise<void> {
    processes.push(await ProxyProcess.start([...UMBRA, ...args], portOf(address)));
  }

  function guardedFile(port: number): string {
    const users = join(folder, 'users.json');
    const file = join(folder, 'local.json');
    const ann = { password: { users: [{ user_name: 'ann', password: 'se:cret' }] } };
    writeFileSync(users, JSON.stringify(ann), { mode: 0o600 });
    const locals = [{ local_address: '127.0.0.1', local_port: port, socks5_auth_config_path: users }];
    writeFileSync(file, JSON.stringify({ locals }), { mode: 0o600 });
    return file;
  }

  function portOf(address: string): number {
    return Number(address.split(':')[1]);
  }

  async function curl(...args: string[]): Promise<string> {
    const { stdout } = await run('curl', ['-sS', '--max-time', '20', ...args], {
      timeout: TIMEOUT_MS,
      maxBuffer: 64 * MIB,
      env: { PATH: process.env['PATH'] },
    });
    return stdout;
  }

  async function asked(...args: string[]): Promise<Asked> {
    return JSON.parse(await curl(...args));
  }

  const byAddress = () => `http://127.0.0.1:${site.port}/page?a=b`;
  const byName = () => `http://localhost:${site.port}/page?a=b`;
  const ways: Readonly<Record<string, () => string[]>> = {
    'curl: --socks4': () => ['--socks4', proxy, byAddress()],
    'curl: --socks4a': () => ['--socks4a', proxy, byName()],
    'curl: --socks5': () => ['--socks5', proxy, byAddress()],
    'curl: --socks5-hostname': () => ['--socks5-hostname', proxy, byName()],
    'curl: --socks5-hostname with user and password': () => [
      ...['--proxy-user', 'ann:se:cret', '--socks5-hostname', guarded],
      byName(),
    ],
    'curl: -x http://, plain': () => ['-x', `http://${proxy}`, byName()],
    'curl: -x http://, plain, HTTP/1.0': () => ['-0', '-x', `http://${proxy}`, byName()],
    'curl: -x http://, plain, with user and password': () => [...['-x', `http://ann:se%3Acret@${guarded}`], byName()],
    'curl: -x http://, CONNECT (-p)': () => ['-p', '-x', `http://${proxy}`, byName()],
    'curl: -x http://, CONNECT with user and password': () => [
      ...['-p', '-x', `http://${guarded}`, '--proxy-user', 'ann:se:cret'],
      byName(),
    ],
    'curl: -x http://, CONNECT after a 407 (--proxy-anyauth)': () => [
      ...['-p', '--proxy-anyauth', '-x', `http://${guarded}`, '--proxy-user', 'ann:se:cret'],
      byName(),
    ],
    'curl: -x http://, plain, after a 407 (--proxy-anyauth)': () => [
      ...['--proxy-anyauth', '-x', `http://${guarded}`, '--proxy-user', 'ann:se:cret'],
      byName(),
    ],
    'curl: -x http://, https://': () => ['-k', '-x', `http://${proxy}`, `https://localhost:${secure.port}/page?a=b`],
    'curl: --socks5-hostname, https://': () => [
      ...['-k', '--socks5-hostname', proxy],
      `https://localhost:${secure.port}/page?a=b`,
    ],
  };
  for (const [title, args] of Object.entries(ways)) {
    it(title, async () => {
      const { method, url, headers } = await asked(...args());
      expect([method, url]).to.deep.equal(['GET', '/page?a=b']);
      expect(Object.keys(headers)).to.have.members(
        title.endsWith('HTTP/1.0') ? ['host', 'user-agent', 'accept', 'connection'] : ['host', 'user-agent', 'accept'],
      );
    });
  }

  it('curl: a wrong password, by HTTP and SOCKS', async () => {
    const status = ['-o', '/dev/null', '-w', '%{http_code} %{http_connect}'];
    const wrong = ['--proxy-user', 'ann:secret'];
    expect(await curl(...status, ...wrong, '-x', `http://${guarded}`, byName())).to.equal('407 000');
    const connect = await run('curl', ['-s', '-p', ...status, ...wrong, '-x', `http://${guarded}`, byName()]).catch(
      (error: { readonly code: number; readonly stdout: string }) => error,
    );
    expect(connect).to.include({ code: 56, stdout: '000 407' });
    const socks = spawnSync('curl', ['-sS', ...wrong, '--socks5', guarded, byAddress()], { encoding: 'utf8' });
    expect([socks.status, socks.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 97 && /rejected/.test(text),
    );
  });

  it('curl: a body in chunks, 16 MiB up and 16 MiB down, plain and CONNECT', async () => {
    const file = join(folder, 'upload');
    const body = randomBytes(16 * MIB + 3);
    writeFileSync(file, body);
    const sha256 = createHash('sha256').update(body).digest('hex');
    for (const flags of [[], ['-p']]) {
      const up = ['-H', 'Transfer-Encoding: chunked', '-T', file];
      const { method, byteCount, ...rest } = await asked(...flags, '-x', `http://${proxy}`, ...up, byName());
      expect([method, byteCount, rest.sha256]).to.deep.equal(['PUT', body.length, sha256]);
      const down = await curl(...flags, '-x', `http://${proxy}`, `http://localhost:${site.port}/${16 * MIB}`);
      expect(down.length).to.equal(16 * MIB);
    }
  });

  it('curl: POST with a length, and HEAD', async () => {
    const { method, byteCount, headers } = await asked('-x', `http://${proxy}`, '-d', 'a=b', byName());
    expect([method, byteCount, headers['content-length']]).to.deep.equal(['POST', 3, '3']);
    const head = await curl('-I', '-x', `http://${proxy}`, `http://localhost:${site.port}/12345`);
    expect(head).to.match(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('curl: four requests to two hosts on one connection, plain', async () => {
    const urls = [site, site, other, site].map(({ port }, i) => `http://localhost:${port}/${'abcd'[i]}`);
    const out = await curl('-x', `http://${proxy}`, '-w', '\n%{num_connects}\n', ...urls);
    const lines = out.trimEnd().split('\n');
    const answers: Asked[] = [0, 2, 4, 6].map((at) => JSON.parse(lines[at]));
    expect([1, 3, 5, 7].map((at) => lines[at])).to.deep.equal(['1', '0', '0', '0']);
    expect(answers.map(({ url }) => url)).to.deep.equal(['/a', '/b', '/c', '/d']);
    expect(answers.map(({ headers }) => headers.host)).to.deep.equal(urls.map((url) => new URL(url).host));
    expect(answers[1].port, 'the tunnel is used again').to.equal(answers[0].port);
  });

  it('curl: a destination that cannot be had', async () => {
    const status = ['-o', '/dev/null', '-w', '%{http_code}'];
    for (const url of ['http://127.0.0.1:1/', 'http://nowhere.invalid/', 'http://10.0.0.1/']) {
      expect(await curl(...status, '-x', `http://${proxy}`, url), url).to.equal('502');
    }
  });

  for (const type of ['socks4', 'socks5', 'http']) {
    for (const [how, open] of [
      ['', true],
      [' with user and password', false],
    ] as const) {
      if (type === 'socks4' && !open) continue;
      it(`proxychains4: ${type}${how}`, async () => {
        const file = join(folder, `proxychains-${type}-${open}.conf`);
        const entry = open ? `${type} 127.0.0.1 ${portOf(proxy)}` : `${type} 127.0.0.1 ${portOf(guarded)} ann se:cret`;
        writeFileSync(file, `strict_chain\nproxy_dns\n[ProxyList]\n${entry}\n`);
        const args = ['-q', '-f', file, 'curl', '-sS', '--max-time', '20', byName()];
        const { stdout } = await run('proxychains4', args, { timeout: TIMEOUT_MS });
        const answer: Asked = JSON.parse(stdout);
        expect(answer.url).to.equal('/page?a=b');
      });
    }
  }

  for (const [how, url] of [
    ['http_proxy', () => byName()],
    ['https_proxy', () => `https://localhost:${secure.port}/page?a=b`],
  ] as const) {
    it(`wget: ${how}`, async () => {
      const env = { PATH: process.env['PATH'], http_proxy: `http://${proxy}`, https_proxy: `http://${proxy}` };
      const args = ['-q', '-O', '-', '-T', '20', '-t', '1', '--no-check-certificate', url()];
      const { stdout } = await run('wget', args, { timeout: TIMEOUT_MS, env });
      const answer: Asked = JSON.parse(stdout);
      expect(answer.url).to.equal('/page?a=b');
    });
  }
});
