import { availableParallelism } from 'node:os';

import { expect } from 'chai';

import { ConfigError } from '../../../src/config/config-error.js';
import { type Loaded, loadServer } from '../../../src/config/load.js';
import type { FlagSettings } from '../../../src/config/sources.js';
import { DEFAULTS, type ServerSettings } from '../../../src/config/types.js';
import { TemporaryDirectory } from '../../support/temporary-directory.js';

describe('the settings of a server', () => {
  let directory: TemporaryDirectory;

  beforeEach(() => {
    directory = new TemporaryDirectory();
  });

  afterEach(() => {
    directory.remove();
  });

  function load(content: unknown, flags: FlagSettings = {}): Promise<Loaded<ServerSettings>> {
    const configPath = content === undefined ? undefined : directory.write('c.json', content);
    return loadServer({ configPath, flags, environment: {}, workingDirectory: directory.path });
  }

  async function problemOf(content: unknown, flags: FlagSettings = {}): Promise<string> {
    const error: unknown = await load(content, flags).catch((caught: unknown) => caught);
    return error instanceof ConfigError ? error.message.replaceAll(directory.path, '.') : '';
  }

  it('have defaults: all addresses, a worker a core, nothing private to be reached', async () => {
    const { settings } = await load(undefined, { password: 'p' });
    expect(settings).to.deep.include({
      listen: [{ host: '0.0.0.0', port: 8388, password: 'p', method: DEFAULTS.method }],
      workers: availableParallelism(),
      egressAllow: [],
      probeTimeoutMs: 60_000,
    });
  });

  it('listen on port 0 where that is asked for', async () => {
    const { settings } = await load(undefined, { server: '127.0.0.1:0', password: 'p' });
    expect(settings.listen[0]).to.include({ host: '127.0.0.1', port: 0 });
  });

  it('listen on every port of port_password, in place of the one port and password', async () => {
    const { settings } = await load({
      server: ['::', '0.0.0.0'],
      server_port: 1,
      password: 'not used',
      method: 'aes-128-gcm',
      port_password: { 8388: 'a', 8389: 'b' },
    });
    expect(settings.listen).to.deep.equal([
      { host: '::', port: 8388, password: 'a', method: 'aes-128-gcm' },
      { host: '::', port: 8389, password: 'b', method: 'aes-128-gcm' },
      { host: '0.0.0.0', port: 8388, password: 'a', method: 'aes-128-gcm' },
      { host: '0.0.0.0', port: 8389, password: 'b', method: 'aes-128-gcm' },
    ]);
    expect(await problemOf({ port_password: { http: 'a' } })).to.equal(
      './c.json:1:26: "http" must be a port from 1 to 65535.',
    );
  });

  it('listen on the entries of servers alone where the top has no address', async () => {
    const { settings } = await load({ password: 'p', server_port: 7, servers: [{ server: '127.0.0.1' }, { port: 9 }] });
    expect(settings.listen.map(({ host, port }) => `${host}:${port}`)).to.deep.equal(['127.0.0.1:7', '0.0.0.0:9']);
  });

  it('take blocks that may be reached from the file, or from flags in their place', async () => {
    const file = { password: 'p', egress_allow: ['10.0.0.0/8', 'fd00::/8', '127.0.0.1'], probe_timeout: 0 };
    expect((await load(file)).settings).to.deep.include({ egressAllow: file.egress_allow, probeTimeoutMs: 0 });
    const flags: FlagSettings = { values: { egress_allow: ['192.168.0.0/16'], probe_timeout: 3 } };
    expect((await load(file, flags)).settings).to.deep.include({
      egressAllow: ['192.168.0.0/16'],
      probeTimeoutMs: 3000,
    });
  });

  it('refuse a bad block, with its place', async () => {
    expect(await problemOf({ password: 'p', egress_allow: ['10.0.0.0/8', '10.0.0.0/33'] })).to.match(
      /^\.\/c\.json:1:46: "egress_allow": "10\.0\.0\.0\/33" is not a CIDR block: /,
    );
    expect(await problemOf(undefined, { password: 'p', values: { egress_allow: ['lan'] } })).to.match(
      /^--egress-allow: "lan" is not a CIDR block: /,
    );
  });

  it('refuse a key of the wrong length', async () => {
    const problem = await problemOf(undefined, { key: Buffer.alloc(16).toString('base64'), method: 'aes-256-gcm' });
    expect(problem).to.match(/^--key is 16 bytes long: aes-256-gcm needs 32 bytes/);
  });
});
