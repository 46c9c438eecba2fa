/** umbra's programs, as the browser tests start them. */

import { ProxyProcess, UMBRA } from '../support/proxy-process.js';

const ENDPOINT = ['-m', 'aes-256-gcm', '-k', 'browser', '--workers', '1'];

/** Resolves once it listens on `address`. */
export function startUmbra(address: string, command: string, ...flags: string[]): Promise<ProxyProcess> {
  return ProxyProcess.start([...UMBRA, command, ...flags, ...ENDPOINT], portOf(address));
}

export function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
