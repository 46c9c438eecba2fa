/** A page of our own on loopback, so that the first request through the proxy needs no internet. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface QuickstartPage {
  readonly port: number;
  close(): void;
}

export const PAGE_TEXT = 'It works: this page came to you through umbra.\n';

export function servePage(): Promise<QuickstartPage> {
  const server = createServer((request, response) => {
    const [status, text] = request.url === '/' ? [200, PAGE_TEXT] : [404, 'Not found.\n'];
    const length = Buffer.byteLength(text);
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'content-length': length });
    response.end(text);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({
        port,
        close() {
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}
