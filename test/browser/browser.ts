/** Headless Chromium behind a proxy. */

import { accessSync, readFileSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';
/** No sandbox: the tests may run as root. The rest keeps the browser from calling home. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const LAUNCH_TIMEOUT_MS = 30_000;

/** As Playwright has it. */
export interface BrowserProxy {
  /** `socks5://host:port` or `http://host:port`; to both, Chromium sends names unresolved. */
  readonly server: string;
  readonly username?: string;
  readonly password?: string;
}

/** What is read of Chromium's net log, the file of what its network did. */
interface NetLog {
  readonly constants: { readonly logEventTypes: Readonly<Record<string, number>> };
  readonly events: readonly { readonly type: number; readonly params?: { readonly error_code?: number } }[];
}

/** Loopback addresses go through it too. @param netLog where to write the net log, which is whole once the browser is closed */
export function launchBehind(proxy: BrowserProxy, netLog?: string): Promise<Browser> {
  const args = netLog === undefined ? FLAGS : [...FLAGS, `--log-net-log=${netLog}`];
  return launch({ args, proxy: { ...proxy } });
}

/** The code of every SOCKS5 reply that refused the browser something. */
export function refusalsIn(netLog: string): (number | undefined)[] {
  const { constants, events }: NetLog = JSON.parse(readFileSync(netLog, 'utf8'));
  const refusals = events.filter(({ type }) => type === constants.logEventTypes['SOCKS_SERVER_ERROR']);
  return refusals.map(({ params }) => params?.error_code);
}

/** @param script of a proxy auto-config file */
export function launchWithPac(script: string): Promise<Browser> {
  const encoded = Buffer.from(script).toString('base64');
  return launch({ args: [...FLAGS, `--proxy-pac-url=data:application/x-ns-proxy-autoconfig;base64,${encoded}`] });
}

function launch(options: Parameters<typeof chromium.launch>[0]): Promise<Browser> {
  try {
    accessSync(EXECUTABLE);
  } catch {
    throw new Error(`${EXECUTABLE} is missing: apt-get install chromium`);
  }
  return chromium.launch({ executablePath: EXECUTABLE, timeout: LAUNCH_TIMEOUT_MS, ...options });
}
