/** The same tests for every pair of client and server. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { MethodName } from '../../src/config/types.js';
import { freePort, ProxyProcess } from '../support/proxy-process.js';
import { exchangeBothWays, fetchByName } from './exchange.js';
import type { Endpoint, Peer } from './peers.js';

/** Defines the suite: `client` in front of `server`, with `method`. */
export function describeInterop(client: Peer, server: Peer, method: MethodName): void {
  describe(`${client.name} client → ${server.name} server, ${method}`, () => {
    const processes: ProxyProcess[] = [];
    let folder = '';
    let localPort = 0;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'umbra-interop-'));
      localPort = await freePort();
      const endpoint: Endpoint = { folder, localPort, serverPort: await freePort(), method, password: 'barfoo!' };
      processes.push(await ProxyProcess.start(server.server(endpoint), endpoint.serverPort));
      processes.push(await ProxyProcess.start(client.client(endpoint), localPort));
    });

    after(async () => {
      await Promise.all(processes.map((each) => each.stop()));
      rmSync(folder, { recursive: true });
    });

    it('carries 64 MiB of random bytes up and down at once on one connection', async () => {
      const { up, down } = await exchangeBothWays(localPort);
      expect(up.received).to.deep.equal(up.sent);
      expect(down.received).to.deep.equal(down.sent);
    });

    it('serves curl by host name', async () => {
      const { served, fetched } = await fetchByName(localPort);
      expect(fetched).to.equal(served);
    });
  });
}
