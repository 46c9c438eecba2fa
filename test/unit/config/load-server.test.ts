import { availableParallelism } from 'node:os';

import { expect } from 'chai';

import { ConfigError } from '../../../src/config/config-error.js';
import { type Loaded, loadLocal, loadServer } from '../../../src/config/load.js';
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
      listen: [{ host: '0.0.0.0', port: 8388, password: 'p', method: DEFAULTS.method, mode: 'tcp_only' }],
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
    const common = { method: 'aes-128-gcm', mode: 'tcp_only' };
    expect(settings.listen).to.deep.equal([
      { ...common, host: '::', port: 8388, password: 'a' },
      { ...common, host: '::', port: 8389, password: 'b' },
      { ...common, host: '0.0.0.0', port: 8388, password: 'a' },
      { ...common, host: '0.0.0.0', port: 8389, password: 'b' },
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

  it('warn of a short password that people could guess, and not of a key or a client', async () => {
    const short = await load({ password: 'fifteen letters', method: 'aes-256-gcm' });
    expect(short.warnings.join()).to.match(/c\.json:1:\d+: "password" has fewer than 16 characters: .*"umbra genkey"/);
    expect((await load({ password: 'sixteen letters.', method: 'aes-256-gcm' })).warnings).to.deep.equal([]);
    const users = [{ name: 'ann', password: 'short' }];
    expect((await load({ method: 'aes-256-gcm', users })).warnings.join()).to.match(/"password" has fewer than 16/);
    const key = Buffer.alloc(16, 1).toString('base64');
    expect((await load({ method: 'aes-128-gcm', key })).warnings).to.deep.equal([]);
    const configPath = directory.write('local.json', { server: 'a', password: 'short' });
    const client = await loadLocal({ configPath, flags: {}, environment: {}, workingDirectory: '/' });
    expect(client.warnings).to.deep.equal([]);
  });

  describe('with users', () => {
    const key = (seed: number, length = 32): string => Buffer.alloc(length, seed).toString('base64');
    const METHOD_2022 = '2022-blake3-aes-256-gcm';

    it('have the identity key beside them, of 2022', async () => {
      const users = [
        { name: 'ann', password: key(2) },
        { name: 'bob', password: key(3) },
      ];
      const top = await load({ method: METHOD_2022, password: key(1), users });
      expect(top.settings.listen[0]).to.deep.include({ password: key(1), users });
      const listed = await load({ method: METHOD_2022, servers: [{ server_port: 1, password: key(1), users }] });
      expect(listed.settings.listen[0]).to.deep.include({ port: 1, password: key(1), users });
      const moved = await load({ method: METHOD_2022, password: key(1), users }, { server: ':9' });
      expect(moved.settings.listen[0]).to.deep.include({ port: 9, users });
    });

    it('need no password beside theirs, of AEAD 2017', async () => {
      const users = [{ name: 'ann', password: 'a' }];
      const { settings } = await load({ method: 'aes-256-gcm', users });
      expect(settings.listen[0]).to.deep.include({ password: '', users });
    });

    it('take their passwords from the environment too', async () => {
      const configPath = directory.write('c.json', {
        method: 'aes-256-gcm',
        users: [{ name: 'ann', password: `\${A}` }],
      });
      const request = { configPath, flags: {}, workingDirectory: directory.path };
      const { settings } = await loadServer({ ...request, environment: { A: 'secret' } });
      expect(settings.listen[0].users).to.deep.equal([{ name: 'ann', password: 'secret' }]);
    });

    it('name each mistake with its place, and no secret', async () => {
      const users = [
        { name: 'ann', password: key(2) },
        { name: 'ann', password: key(2) },
        { name: 'bob', password: key(4, 5) },
        { name: 'cy' },
      ];
      const problem = await problemOf({ method: METHOD_2022, password: key(1), users });
      expect(problem).to.match(/"users" has two users of the name "ann"/);
      expect(problem).to.match(/"users": "ann" and "ann" have the same password/);
      expect(problem).to.match(/c\.json:1:\d+: "password" is 5 bytes long: 2022-blake3-aes-256-gcm needs 32 bytes/);
      expect(problem).to.match(/c\.json:1:\d+: "users": each user needs a "name" and a "password"/);
      for (const seed of [1, 2]) expect(problem).not.to.include(key(seed));
    });

    it('need a method that can tell them apart', async () => {
      const users = [{ name: 'ann', password: key(2) }];
      expect(await problemOf({ method: '2022-blake3-chacha20-poly1305', password: key(1), users })).to.match(
        /"users" need a method with identity headers/,
      );
      const stream = { method: 'aes-256-ctr', password: 'p', users, allow_insecure_ciphers: true };
      expect(await problemOf(stream)).to.match(/"users" cannot be told apart by aes-256-ctr/);
    });

    it('are a thousand at most where each password is tried', async () => {
      const users = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `${i}`, password: `p${i}` }));
      expect((await load({ method: 'aes-256-gcm', users: users(1000) })).settings.listen[0].users).to.have.length(1000);
      expect(await problemOf({ method: 'aes-256-gcm', users: users(1001) })).to.match(/are 1001, .* at most 1000/);
    });

    it('are no business of a client with the same file', async () => {
      const configPath = directory.write('c.json', {
        server: 'a',
        password: 'p',
        users: [{ name: 'ann', password: 'a' }],
      });
      const { settings } = await loadLocal({ configPath, flags: {}, environment: {}, workingDirectory: '/' });
      expect(settings.servers[0]).to.include({ password: 'p' });
      expect(settings.servers[0]).not.to.have.property('users');
    });
  });

  describe('with destinations', () => {
    const key = (seed: number, length = 32): string => Buffer.alloc(length, seed).toString('base64');
    const hop = { method: '2022-blake3-aes-256-gcm', password: key(1) };

    it('are those of a hop, at the top or in an entry', async () => {
      const destinations = [
        { name: 'north', server: '192.0.2.1', server_port: '1', password: key(2) },
        { server: '2001:db8::1', password: key(3) },
      ];
      const expected = [
        { name: 'north', host: '192.0.2.1', port: 1, password: key(2) },
        { name: '[2001:db8::1]:8388', host: '2001:db8::1', port: 8388, password: key(3) },
      ];
      const top = await load({ ...hop, destinations });
      expect(top.settings.listen[0]).to.deep.include({ password: key(1), destinations: expected });
      const listed = await load({
        servers: [
          { ...hop, server_port: 1, destinations },
          { ...hop, server_port: 2 },
        ],
      });
      expect(listed.settings.listen[0]).to.deep.include({ port: 1, destinations: expected });
      expect(listed.settings.listen[1]).not.to.have.property('destinations');
      const moved = await load({ ...hop, destinations }, { server: ':9' });
      expect(moved.settings.listen[0]).to.deep.include({ port: 9, destinations: expected });
    });

    it('take their keys from the environment too', async () => {
      const destinations = [{ server: 'a.test', password: `\${A}` }];
      const configPath = directory.write('c.json', { ...hop, destinations });
      const request = { configPath, flags: {}, workingDirectory: directory.path };
      const { settings } = await loadServer({ ...request, environment: { A: key(7) } });
      expect(settings.listen[0].destinations?.[0].password).to.equal(key(7));
    });

    it('name each mistake with its place, and no secret', async () => {
      const destinations = [
        { name: 'a', server: 'a.test', password: key(2) },
        { name: 'a', server: 'b.test', password: key(2) },
        { server: 'c.test:1', password: key(3) },
        { server: 'd.test', server_port: 0, password: key(4, 5) },
        { name: 'e', password: key(5) },
      ];
      const problem = await problemOf({ ...hop, destinations });
      expect(problem).to.match(/"destinations" has two destinations of the name "a"/);
      expect(problem).to.match(/"destinations": "a" and "a" have the same password/);
      expect(problem).to.match(/"server" must be a host name or an IP address without a port, not "c\.test:1"/);
      expect(problem).to.match(/c\.json:1:\d+: "server_port" must be a port from 1 to 65535/);
      expect(problem).to.match(/c\.json:1:\d+: "password" is 5 bytes long: 2022-blake3-aes-256-gcm needs 32 bytes/);
      expect(problem).to.match(/"destinations": each destination needs a "server" and a "password"/);
      for (const seed of [1, 2, 3, 5]) expect(problem).not.to.include(key(seed));
      expect(await problemOf({ ...hop, destinations: [] })).to.match(/"destinations" must be an array of at least one/);
    });

    it('need identity headers, and leave no room for users', async () => {
      const destinations = [{ server: 'a.test', password: key(2) }];
      for (const method of ['2022-blake3-chacha20-poly1305', 'aes-256-gcm']) {
        expect(await problemOf({ ...hop, method, destinations })).to.match(
          new RegExp(`"destinations" need a method with identity headers, which ${method} has not`),
        );
      }
      const users = [{ name: 'ann', password: key(3) }];
      expect(await problemOf({ ...hop, users, destinations })).to.match(
        /a hop knows keys of servers and none of "users"/,
      );
    });

    it('are no business of a client with the same file', async () => {
      const destinations = [{ server: 'b.test', password: key(2) }];
      const configPath = directory.write('c.json', { ...hop, server: 'a.test', destinations });
      const { settings } = await loadLocal({ configPath, flags: {}, environment: {}, workingDirectory: '/' });
      expect(settings.servers[0]).not.to.have.property('destinations');
    });
  });
});
