/** One whole request through the proxy, as a program would make it, to know that it works before anybody is told so. */

import { connect } from 'node:net';

/** Everything is on this machine, where a working proxy answers in milliseconds. */
const TIMEOUT_MS = 5_000;

/** RFC 1928 §3, §4: version 5, one method, no authentication; then CONNECT, reserved, an IPv4 address. */
const GREETING = [5, 1, 0];
const CONNECT_IPV4 = [5, 1, 0, 1];

/** What comes before the answer: METHOD selection (2 bytes) and the reply with an IPv4 address (10 bytes). */
const HANDSHAKE_LENGTH = 12;

/**
 * Fetches `http://127.0.0.1:<originPort>/` through the SOCKS5 proxy on a port of 127.0.0.1.
 *
 * @returns the answer, head and body
 * @throws Error where the proxy refuses, closes early, or takes too long
 */
export function fetchThroughProxy(proxyPort: number, originPort: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(proxyPort, '127.0.0.1');
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), TIMEOUT_MS);
    socket.on('error', reject);
    socket.on('close', () => clearTimeout(timer));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => {
      const bytes = Buffer.concat(chunks);
      // Byte 3 is REP; 0 is success.
      if (bytes.length < HANDSHAKE_LENGTH || bytes[1] !== 0 || bytes[3] !== 0)
        reject(new Error(`SOCKS5 failure ${bytes[3]}`));
      else resolve(bytes.toString('utf8', HANDSHAKE_LENGTH));
      socket.end();
    });
    const target = [127, 0, 0, 1, originPort >> 8, originPort & 0xff];
    socket.write(Buffer.from([...GREETING, ...CONNECT_IPV4, ...target]));
    socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${originPort}\r\nConnection: close\r\n\r\n`);
  });
}
