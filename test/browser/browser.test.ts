/** A real browser through client and server: a page with many resources under a name that only the server's side can resolve, and its
 * own error page, soon, where a destination or the server cannot be had. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { freePort, type ProxyProcess } from '../support/proxy-process.js';
import { TemporaryDirectory } from '../support/temporary-directory.js';
import { launchBehind, refusalsIn } from './browser.js';
import { NameServer } from './name-server.js';
import { startUmbra } from './pair.js';
import { COUNT_LOADED, RESOURCE_COUNT, Site } from './site.js';

const PICTURES = fileURLToPath(new URL('../../../.cache/browser/', import.meta.url));
/** Above umbra's connect timeout (5 s). */
const ERROR_TIMEOUT_MS = 15_000;
/** Below umbra's connect timeout and its name servers' (5 s both): in that time it is a failure that was told, not waited for. */
const AT_ONCE_MS = 4_000;

/** In 127.0.0.0/8, which the server lets through, but a broadcast address: the kernel refuses to connect (ENETUNREACH). */
const UNREACHABLE = '127.255.255.255';
/** No name server knows it. */
const NOWHERE = 'nowhere.umbra.test';
const NAMES = {
  'page.umbra.test': '127.0.0.1',
  'refused.umbra.test': '127.0.0.1',
  'unreachable.umbra.test': UNREACHABLE,
  'private.umbra.test': '10.0.0.1',
};

/** Opens `url`, which must fail; returns the browser's error and the code on the page that it then shows. */
async function failToOpen(
  page: Page,
  url: string,
  timeout = ERROR_TIMEOUT_MS,
): Promise<{ readonly error: string; readonly shown: string | null }> {
  const outcome = await page.goto(url, { timeout }).then(
    () => 'it opened',
    (error: Error) => error.message,
  );
  const error = /net::(\w+)/.exec(outcome)?.[1] ?? outcome;
  return { error, shown: await page.locator('.error-code').textContent({ timeout }) };
}

describe('Chromium through client and server', () => {
  const processes: ProxyProcess[] = [];
  let site: Site;
  let names: NameServer;
  let browser: Browser;
  let page: Page;
  let closedPort = 0;

  before(async () => {
    mkdirSync(PICTURES, { recursive: true });
    site = await Site.start();
    names = await NameServer.start(NAMES);
    closedPort = await freePort();
    const server = `127.0.0.1:${await freePort()}`;
    const local = `127.0.0.1:${await freePort()}`;
    const egress = ['--egress-allow', '127.0.0.0/8', '--dns', `127.0.0.1:${names.port}`];
    processes.push(await startUmbra(server, 'server', '-s', server, ...egress));
    processes.push(await startUmbra(local, 'local', '-s', server, '-b', local));
    browser = await launchBehind({ server: `socks5://${local}` });
  });

  after(async () => {
    await browser?.close();
    await Promise.all(processes.map((each) => each.stop()));
    names?.stop();
    site?.stop();
  });

  beforeEach(async () => {
    page = await browser.newPage();
  });

  afterEach(async () => {
    await page?.close();
  });

  it('loads a page with 50 resources by a name that is resolved on the server side', async () => {
    await page.goto(`http://page.umbra.test:${site.port}/`, { waitUntil: 'load' });
    expect(await page.evaluate<number>(COUNT_LOADED)).to.equal(RESOURCE_COUNT);
    expect(RESOURCE_COUNT).to.equal(50);
    expect([...site.requests]).to.include.members(site.resourcePaths);
    expect(names.queries).to.include('page.umbra.test');
    await page.screenshot({ path: `${PICTURES}page.png` });
  });

  const failures = [
    ['that refuses the connection', () => `http://refused.umbra.test:${closedPort}/`],
    ['that cannot be reached', () => `http://unreachable.umbra.test:${site.port}/`],
    ['in a private network, which the server keeps closed', () => `http://private.umbra.test:${site.port}/`],
    ['whose name does not exist', () => `http://${NOWHERE}:${site.port}/`],
  ] as const;
  for (const [what, url] of failures) {
    it(`shows its own error for a destination ${what}`, async () => {
      const { error, shown } = await failToOpen(page, url());
      // The protocol cannot say why: the server ends the connection.
      expect(error).to.be.oneOf(['ERR_EMPTY_RESPONSE', 'ERR_CONNECTION_CLOSED', 'ERR_CONNECTION_RESET']);
      expect(shown).to.equal(error);
    });
  }

  it('opens the page again after the failures', async () => {
    const response = await page.goto(`http://page.umbra.test:${site.port}/`);
    expect(response?.status()).to.equal(200);
  });
});

describe('Chromium through a client whose server cannot be had', () => {
  let folder: TemporaryDirectory;
  let names: NameServer;
  let client: ProxyProcess | undefined;
  let browser: Browser | undefined;

  before(async () => {
    mkdirSync(PICTURES, { recursive: true });
    folder = new TemporaryDirectory();
    names = await NameServer.start({});
  });

  after(() => {
    names?.stop();
    folder?.remove();
  });

  afterEach(async () => {
    await browser?.close();
    await client?.stop();
  });

  const failures = [
    { what: 'refuses the connection', host: '127.0.0.1', reply: 0x05, queries: [], picture: 'server-refused' },
    { what: 'cannot be reached', host: UNREACHABLE, reply: 0x03, queries: [], picture: 'server-unreachable' },
    { what: 'is not found by name', host: NOWHERE, reply: 0x04, queries: [NOWHERE], picture: 'server-unknown' },
  ];
  for (const { what, host, reply, queries, picture } of failures) {
    it(`shows its own error at once where the server ${what}`, async () => {
      names.queries.length = 0;
      const netLog = join(folder.path, `${picture}.json`);
      const local = `127.0.0.1:${await freePort()}`;
      const server = `${host}:${await freePort()}`;
      client = await startUmbra(local, 'local', '-s', server, '-b', local, '--dns', `127.0.0.1:${names.port}`);
      browser = await launchBehind({ server: `socks5://${local}` }, netLog);
      const page = await browser.newPage();
      const { error, shown } = await failToOpen(page, 'http://page.umbra.test/', AT_ONCE_MS);
      // Chromium has one error for all of them, and for a client that just closes: its log has the reply.
      expect(error).to.equal('ERR_SOCKS_CONNECTION_FAILED');
      expect(shown).to.equal(error);
      await page.screenshot({ path: `${PICTURES}${picture}.png` });
      await browser.close();
      expect([...new Set(refusalsIn(netLog))]).to.deep.equal([reply]);
      expect([...new Set(names.queries)]).to.deep.equal(queries);
    });
  }
});
