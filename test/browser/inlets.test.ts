/** A real browser by every way that it has to a proxy: SOCKS, HTTP, with a password, and told by a PAC file. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { freePort, type ProxyProcess } from '../support/proxy-process.js';
import { launchBehind, launchWithPac } from './browser.js';
import { NameServer } from './name-server.js';
import { portOf, startUmbra } from './pair.js';
import { COUNT_LOADED, ECHO_PATH, RESOURCE_COUNT, Site } from './site.js';

const NAMES = { 'page.umbra.test': '127.0.0.1', 'other.umbra.test': '127.0.0.1' };
const USER = { username: 'ann', password: 'secret' };

/** Run in the page: what a WebSocket gives back. */
const SPEAK = `new Promise((resolve, reject) => {
  const socket = new WebSocket('ws://' + location.host + '/socket');
  socket.onopen = () => socket.send('through the tunnel');
  socket.onmessage = ({ data }) => resolve(data);
  socket.onerror = () => reject(new Error('no WebSocket'));
})`;
/** Run in the page: how many bytes of a large body come back. */
const POST = `fetch('${ECHO_PATH}', { method: 'POST', body: 'x'.repeat(3_000_000) })
  .then((response) => response.text())
  .then((text) => text.length)`;

describe('Chromium finds umbra', () => {
  const processes: ProxyProcess[] = [];
  let folder = '';
  let site: Site;
  let names: NameServer;
  let local = '';
  let guarded = '';
  let browser: Browser | undefined;

  before(async () => {
    site = await Site.start();
    names = await NameServer.start(NAMES);
    folder = mkdtempSync(join(tmpdir(), 'umbra-browser-'));
    const server = `127.0.0.1:${await freePort()}`;
    local = `127.0.0.1:${await freePort()}`;
    guarded = `127.0.0.1:${await freePort()}`;
    const egress = ['--egress-allow', '127.0.0.0/8', '--dns', `127.0.0.1:${names.port}`];
    processes.push(await startUmbra(server, 'server', '-s', server, ...egress));
    processes.push(await startUmbra(local, 'local', '-s', server, '-b', local));
    processes.push(await startUmbra(guarded, 'local', '-s', server, '-c', guardedFile(portOf(guarded))));
  });

  after(async () => {
    await Promise.all(processes.map((each) => each.stop()));
    names?.stop();
    site?.stop();
    rmSync(folder, { recursive: true });
  });

  afterEach(async () => {
    await browser?.close();
  });

  function guardedFile(port: number): string {
    const [file, users] = [join(folder, 'local.json'), join(folder, 'users.json')];
    const ann = { user_name: USER.username, password: USER.password };
    writeFileSync(users, JSON.stringify({ basic: { users: [ann] } }), { mode: 0o600 });
    const locals = [{ protocol: 'http', local_address: '127.0.0.1', local_port: port, http_auth_config_path: users }];
    writeFileSync(file, JSON.stringify({ locals }), { mode: 0o600 });
    return file;
  }

  /** A page with its resources, of two hosts; a body of 3 MB both ways; a WebSocket. */
  async function useWeb(page: Page): Promise<void> {
    for (const host of ['page.umbra.test', 'other.umbra.test', 'page.umbra.test']) {
      await page.goto(`http://${host}:${site.port}/`, { waitUntil: 'load' });
      expect(await page.evaluate<number>(COUNT_LOADED)).to.equal(RESOURCE_COUNT);
    }
    expect(await page.evaluate<number>(POST)).to.equal(3_000_000);
    expect(await page.evaluate<string>(SPEAK)).to.equal('through the tunnel');
    expect(names.queries).to.include.members(['page.umbra.test', 'other.umbra.test']);
  }

  const pac = (where: string) => `function FindProxyForURL(url, host) {
    return dnsDomainIs(host, '.umbra.test') ? '${where}' : 'DIRECT';
  }`;
  const ways: Readonly<Record<string, () => Promise<Browser>>> = {
    'by SOCKS': () => launchBehind({ server: `socks5://${local}` }),
    'by HTTP': () => launchBehind({ server: `http://${local}` }),
    'by HTTP with user and password': () => launchBehind({ server: `http://${guarded}`, ...USER }),
    'by a PAC file that says SOCKS5': () => launchWithPac(pac(`SOCKS5 ${local}`)),
    'by a PAC file that says PROXY': () => launchWithPac(pac(`PROXY ${local}`)),
  };
  for (const [how, launch] of Object.entries(ways)) {
    it(how, async () => {
      names.queries.length = 0;
      browser = await launch();
      await useWeb(await browser.newPage());
    });
  }

  it('by HTTP, and shows its page where a destination cannot be had', async () => {
    browser = await launchBehind({ server: `http://${local}` });
    const page = await browser.newPage();
    const response = await page.goto('http://nowhere.umbra.test/');
    expect(response?.status()).to.equal(502);
    expect(await page.textContent('body')).to.include('umbra: the connection ended before an answer came.');
  });
});
