/** Where the programs of others are sent: two web servers, one of them with TLS, that say what they have been asked. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly byteCount: number;
  readonly sha256: string;
  /** Of the connection that the request came by. */
  readonly port: number | undefined;
}

export class Site {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(): Promise<Site> {
    return Site.#listen(createServer(answer));
  }

  /** @param folder for its key */
  static async startTls(folder: string): Promise<Site> {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const names = ['-subj', '/CN=localhost', '-days', '1', '-keyout', key, '-out', cert];
    execFileSync('openssl', ['req', '-x509', ...curve, ...names], { stdio: 'ignore', timeout: 20_000 });
    return Site.#listen(createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, answer));
  }

  static async #listen(server: Server): Promise<Site> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Site(server);
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Says what was asked, as JSON; of a path that is a number, as many bytes instead. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const hash = createHash('sha256');
  let byteCount = 0;
  request.on('data', (bytes: Buffer) => {
    hash.update(bytes);
    byteCount += bytes.length;
  });
  request.on('end', () => {
    const { method, url = '', headers, socket } = request;
    const length = Number(url.slice(1));
    const asked: Asked = { method, url, headers, byteCount, sha256: hash.digest('hex'), port: socket.remotePort };
    response.end(length > 0 ? Buffer.alloc(length, 'x') : JSON.stringify(asked));
  });
}
