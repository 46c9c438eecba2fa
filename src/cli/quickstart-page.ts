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
    response.writeHead(request.url === '/' ? 200 : 404, {
      'content-type': 'text/plain; charset=utf-8',
      connection: 'close',
    });
    response.end(request.url === '/' ? PAGE_TEXT : 'Not found.\n');
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
