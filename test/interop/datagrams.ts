/** Datagrams through a pair of peers: a program sends them by SOCKS5 UDP ASSOCIATE, another behind the server sends each back. */

import { createHash, randomBytes } from 'node:crypto';
import { AssociatedProgram, UdpPeer } from '../support/udp.js';

/** Bytes of payload; the largest still fits one packet of every peer. */
const SIZES = [1, 2, 15, 16, 17, 64, 255, 256, 512, 900, 1000, 1200, 1300, 1400];
const ROUNDS = 8;

/** What went out and what came back, in the order of sending. @throws Error where an answer says that it is from elsewhere */
export async function exchangeDatagrams(
  proxyPort: number,
): Promise<{ readonly sent: readonly string[]; readonly received: readonly string[] }> {
  const echo = await UdpPeer.echo();
  const program = await AssociatedProgram.begin({ host: '127.0.0.1', port: proxyPort });
  try {
    const payloads = Array.from({ length: ROUNDS * SIZES.length }, (_, i) => randomBytes(SIZES[i % SIZES.length]));
    const received: string[] = [];
    for (const payload of payloads) {
      program.send(payload, echo.port);
      const { data, from } = await program.next();
      if (from.port !== echo.port) throw new Error(`an answer of port ${from.port}, not of ${echo.port}`);
      received.push(digest(data));
    }
    return { sent: payloads.map(digest), received };
  } finally {
    program.close();
    echo.close();
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
