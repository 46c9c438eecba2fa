/** Headless Chromium behind a proxy. */

import { accessSync } from 'node:fs';
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

/** Loopback addresses go through it too. */
export function launchBehind(proxy: BrowserProxy): Promise<Browser> {
  return launch({ args: FLAGS, proxy: { ...proxy } });
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
