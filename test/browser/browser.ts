/** Headless Chromium behind a SOCKS5 proxy. */

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

/** Chromium sends names to a SOCKS5 proxy unresolved. Loopback addresses go through it too. */
export function launchBehind(proxyPort: number): Promise<Browser> {
  try {
    accessSync(EXECUTABLE);
  } catch {
    throw new Error(`${EXECUTABLE} is missing: apt-get install chromium`);
  }
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: FLAGS,
    proxy: { server: `socks5://127.0.0.1:${proxyPort}` },
    timeout: LAUNCH_TIMEOUT_MS,
  });
}
