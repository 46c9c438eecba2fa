/** How tests see that something has not been received: what the kernel holds of it, by /proc/net/tcp (proc_pid_net(5)). */

import { readFileSync } from 'node:fs';

/** 127.0.0.1 as the list has it: a number of this machine's byte order. */
const LOOPBACK_HEX = hex(new Uint32Array(Uint8Array.of(127, 0, 0, 1).buffer)[0], 8);

/**
 * Bytes in the receive queue of a connection within 127.0.0.1.
 * @param port of the side that receives
 * @returns undefined where it is not listed: while other connections come and go, the list may have gaps
 */
export function unreadBytes(port: number, peerPort: number): number | undefined {
  const ends = `${LOOPBACK_HEX}:${hex(port, 4)} ${LOOPBACK_HEX}:${hex(peerPort, 4)}`;
  const line = new RegExp(` ${ends} [0-9A-F]+ [0-9A-F]+:([0-9A-F]+) `);
  const queue = line.exec(readFileSync('/proc/net/tcp', 'latin1'))?.[1];
  return queue === undefined ? undefined : Number.parseInt(queue, 16);
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
