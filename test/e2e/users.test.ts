/** Several users on one port: whose connection it is shows in the server's counters and log, and nobody else gets in. */

import { expect } from 'chai';
import type { EndpointUser, MethodName } from '../../src/config/types.js';
import type { Running } from '../../src/umbra.js';
import { AEAD_METHODS, endpoint, SOCKS_REPLY_LENGTH, Stage, secretOf } from '../support/proxy-pair.js';
import { Listener } from '../support/wire.js';

const NAMES = ['alice', 'bob', '__proto__'];
const PROBE_TIMEOUT_MS = 300;

/** A secret for a name, of the kind that the method wants. */
function secretFor(method: MethodName, name: string): string {
  const plain = secretOf(method);
  return method.startsWith('2022')
    ? Buffer.alloc(Buffer.from(plain, 'base64').length, name).toString('base64')
    : `${plain} of ${name}`;
}

/** How the client of a user is set up: in the 2022 edition his key stands behind the server's. */
function clientSecret(method: MethodName, name: string): string {
  const own = secretFor(method, name);
  return method.startsWith('2022') ? `${secretOf(method)}:${own}` : own;
}

describe('users on one port', () => {
  const stage = new Stage();

  afterEach(() => stage.close());

  /** A client of a user, and what it gets from the target. */
  async function fetchAs(server: Running, method: MethodName, name: string, target: Listener): Promise<string> {
    const servers = [{ ...endpoint(server.addresses[0].port, method), password: clientSecret(method, name) }];
    const local = await stage.local([], { servers });
    const program = await stage.through(local.addresses[0].port, target.port);
    program.finish(`I am ${name}`);
    await program.end();
    await local.stop(0);
    return program.received.subarray(SOCKS_REPLY_LENGTH).toString();
  }

  const methods = AEAD_METHODS.filter((method) => !method.includes('chacha20') || !method.startsWith('2022'));
  for (const method of [methods[2], methods[4], ...methods.filter((name) => name.startsWith('2022'))]) {
    it(`are told apart, counted and named (${method})`, async () => {
      const target = await Listener.open((wire) => {
        wire.socket.once('end', () => wire.finish('welcome'));
      });
      stage.onClose(() => target.close());
      const users: EndpointUser[] = NAMES.map((name) => ({ name, password: secretFor(method, name) }));
      const listen = [{ ...endpoint(0, method), users }];
      const server = await stage.server({ listen, workers: 2, probeTimeoutMs: PROBE_TIMEOUT_MS });
      for (const name of [...NAMES, 'bob']) expect(await fetchAs(server, method, name, target)).to.equal('welcome');
      expect(await fetchAs(server, method, 'mallory', target)).to.equal('');
      const { users: counted, connections } = await server.statistics();
      expect(connections).to.equal(5);
      expect(Object.entries(counted).sort()).to.deep.equal([
        ['__proto__', { connections: 1, bytesUp: 14, bytesDown: 7 }],
        ['alice', { connections: 1, bytesUp: 10, bytesDown: 7 }],
        ['bob', { connections: 2, bytesUp: 16, bytesDown: 14 }],
      ]);
      const lines = (await stage.logged('connection')).filter(({ fields }) => fields['user'] !== undefined);
      expect(lines.map(({ fields }) => fields['user']).sort()).to.deep.equal(['__proto__', 'alice', 'bob', 'bob']);
      expect(target.wires).to.have.length(4);
    });
  }
});
