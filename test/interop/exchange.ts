/** What is sent through a pair of peers by TCP: random bytes in both directions of one connection, and a page fetched by curl. */

import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { SocksClient } from 'socks';

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;

interface Received {
  readonly byteCount: number;
  readonly sha256: string;
}

export interface Direction {
  readonly sent: Received;
  readonly received: Received;
}

/**
 * Both ends send at once and keep the connection open until both have everything: libev passes no half-close on, so the end is told by
 * the count, not by FIN.
 */
export async function exchangeBothWays(
  proxyPort: number,
  amount: number,
): Promise<{ readonly up: Direction; readonly down: Direction }> {
  const upload = randomBytes(amount);
  const download = randomBytes(amount);
  const origin = createServer();
  const arrival = once(origin, 'connection');
  const port = await listen(origin);
  let client: Socket | undefined;
  try {
    client = await connectThrough(proxyPort, port);
    client.write(upload);
    const atClient = receive(client, amount);
    const [peer]: Socket[] = await arrival;
    peer.write(download);
    const [atOrigin, back] = await Promise.all([receive(peer, amount), atClient]);
    peer.destroy();
    return {
      up: { sent: describeBytes(upload), received: atOrigin },
      down: { sent: describeBytes(download), received: back },
    };
  } finally {
    client?.destroy();
    origin.close();
  }
}

async function connectThrough(proxyPort: number, port: number): Promise<Socket> {
  const { socket } = await SocksClient.createConnection({
    proxy: { host: '127.0.0.1', port: proxyPort, type: 5 },
    command: 'connect',
    destination: { host: '127.0.0.1', port },
    timeout: TIMEOUT_MS,
  });
  return socket;
}

/** Resolves at so many bytes, or at the end of the stream if that comes first; the byte count tells which. */
function receive(socket: Socket, amount: number): Promise<Received> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256');
    let byteCount = 0;
    const finish = () => resolve({ byteCount, sha256: hash.digest('hex') });
    socket.setTimeout(TIMEOUT_MS, () => reject(new Error(`stalled after ${byteCount} bytes`)));
    socket.on('error', reject);
    socket.once('end', finish);
    socket.on('data', (bytes: Buffer) => {
      hash.update(bytes);
      byteCount += bytes.length;
      if (byteCount < amount) return;
      socket.off('end', finish);
      finish();
    });
    socket.resume();
  });
}

function describeBytes(bytes: Buffer): Received {
  return { byteCount: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Fetches a page of a local server as `http://localhost:PORT/`; the name goes through the proxy unresolved. Returns what curl got. */
export async function fetchByName(proxyPort: number): Promise<{ readonly served: string; readonly fetched: string }> {
  const served = randomBytes(50_000).toString('hex');
  const origin = createHttpServer((_request, response) => response.end(served));
  const port = await listen(origin);
  try {
    const { stdout } = await run(
      'curl',
      ['-sS', '--fail', '--max-time', '20', '--socks5-hostname', `127.0.0.1:${proxyPort}`, `http://localhost:${port}/`],
      { timeout: TIMEOUT_MS },
    );
    return { served, fetched: stdout };
  } finally {
    origin.close();
    origin.closeAllConnections();
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
}
