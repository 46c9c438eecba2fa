/** The same tests for every pair of client and server. */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { EndpointUser, MethodName } from '../../src/config/types.js';
import { METHODS } from '../../src/crypto/methods.js';
import { freePort, ProxyProcess } from '../support/proxy-process.js';
import { exchangeDatagrams } from './datagrams.js';
import { exchangeBothWays, fetchByName } from './exchange.js';
import type { Endpoint, Peer, Relay } from './peers.js';
import { record } from './table.js';

/** What a pair is tried with. */
export interface Pairing {
  readonly client: Peer;
  readonly server: Peer;
  readonly method: MethodName;
  /** The server has users, and the client is one of them. */
  readonly users?: boolean;
  /** Starts what is in between, before the client. @returns where the client connects, and with what in place of its password */
  readonly between?: (
    endpoint: Endpoint,
    processes: ProxyProcess[],
  ) => Promise<Pick<Endpoint, 'serverPort' | 'password'>>;
  /** For the title and the table, where the method does not say it all. */
  readonly variant?: string;
  /** Bytes of each direction of the long TCP connection. */
  readonly amount?: number;
}

/** Many chunks of every format. */
const AMOUNT = 8 * 2 ** 20;

/** A password that a method can have. */
function secretFor(method: MethodName): string {
  return METHODS[method].family === 'aead-2022'
    ? randomBytes(METHODS[method].keyLength).toString('base64')
    : `barfoo!${randomBytes(6).toString('hex')}`;
}

function secretsOf({ method, users = false }: Pairing): Pick<Endpoint, 'password' | 'serverPassword' | 'users'> {
  const serverPassword = secretFor(method);
  if (!users) return { password: serverPassword, serverPassword, users: [] };
  const both: EndpointUser[] = ['ann', 'bob'].map((name) => ({ name, password: secretFor(method) }));
  const own = both[1].password;
  const password = METHODS[method].family === 'aead-2022' ? `${serverPassword}:${own}` : own;
  return { password, serverPassword, users: both };
}

/** Defines the suite: `client` in front of `server`, with `method`. */
export function describeInterop(pairing: Pairing): void {
  const { client, server, method, between } = pairing;
  const variant = pairing.variant ?? (pairing.users === true ? 'users' : '');
  describe(`${client.name} client → ${server.name} server, ${method}${variant === '' ? '' : `, ${variant}`}`, () => {
    const processes: ProxyProcess[] = [];
    let folder = '';
    let localPort = 0;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'umbra-interop-'));
      localPort = await freePort();
      const ports = { folder, localPort, serverPort: await freePort() };
      const endpoint: Endpoint = { ...ports, method, ...secretsOf(pairing) };
      processes.push(await ProxyProcess.start(server.server(endpoint), endpoint.serverPort));
      const way = between === undefined ? {} : await between(endpoint, processes);
      processes.push(await ProxyProcess.start(client.client({ ...endpoint, ...way }), localPort));
    });

    after(async () => {
      await Promise.all(processes.map((each) => each.stop()));
      rmSync(folder, { recursive: true });
    });

    afterEach(function () {
      const { title, state } = this.currentTest ?? {};
      record({ client: client.name, server: server.name, method, variant }, title ?? '', state === 'passed');
    });

    it('TCP: carries random bytes up and down at once on one connection', async () => {
      const { up, down } = await exchangeBothWays(localPort, pairing.amount ?? AMOUNT);
      expect(up.received).to.deep.equal(up.sent);
      expect(down.received).to.deep.equal(down.sent);
    });

    it('TCP: serves curl by host name', async () => {
      const { served, fetched } = await fetchByName(localPort);
      expect(fetched).to.equal(served);
    });

    it('UDP: carries datagrams of all sizes there and back', async () => {
      const { sent, received } = await exchangeDatagrams(localPort);
      expect(received).to.deep.equal(sent);
    });
  });
}

/** Puts a relay in between: the client's keys are then those of the relay, of the server and its own. */
export function through(relay: Relay): NonNullable<Pairing['between']> {
  return async (endpoint, processes) => {
    const serverPort = await freePort();
    const identityKey = secretFor(endpoint.method);
    const next = { port: endpoint.serverPort, identityKey: endpoint.serverPassword };
    processes.push(await ProxyProcess.start(relay(endpoint, serverPort, identityKey, next), serverPort));
    return { serverPort, password: `${identityKey}:${endpoint.password}` };
  };
}

/** Both ways round. */
export function describeBothWays(one: Peer, other: Peer, pairing: Omit<Pairing, 'client' | 'server'>): void {
  describeInterop({ client: one, server: other, ...pairing });
  describeInterop({ client: other, server: one, ...pairing });
}
