import { expect } from 'chai';

import { ConfigError, MissingPasswordError } from '../../../src/config/config-error.js';
import { type Loaded, loadLocal } from '../../../src/config/load.js';
import type { FlagSettings } from '../../../src/config/sources.js';
import { DEFAULTS, type LocalSettings } from '../../../src/config/types.js';
import { TemporaryDirectory } from '../../support/temporary-directory.js';

/** A value that stands for an environment variable. */
const variable = (name: string): string => `\${${name}}`;

describe('the settings of a client', () => {
  let directory: TemporaryDirectory;

  beforeEach(() => {
    directory = new TemporaryDirectory();
  });

  afterEach(() => {
    directory.remove();
  });

  function load(
    content: unknown,
    flags: FlagSettings = {},
    environment: Record<string, string> = {},
  ): Promise<Loaded<LocalSettings>> {
    const configPath = content === undefined ? undefined : directory.write('c.json', content);
    return loadLocal({ configPath, flags, environment, workingDirectory: directory.path });
  }

  async function problemsOf(...input: Parameters<typeof load>): Promise<readonly string[]> {
    try {
      await load(...input);
    } catch (error) {
      if (error instanceof ConfigError) return error.problems.map((text) => text.replaceAll(directory.path, '.'));
      throw error;
    }
    return [];
  }

  const SERVER = { server: 'proxy.example', server_port: 8388, password: 'p', method: 'aes-256-gcm' };
  const ENDPOINT = { host: 'proxy.example', port: 8388, password: 'p', method: 'aes-256-gcm', mode: 'tcp_and_udp' };
  const INLET = { host: '127.0.0.1', port: 1080, kind: 'mixed', users: [], mode: 'tcp_only' };

  it('have defaults for everything but the server and its password', async () => {
    const { settings, verbosity, warnings } = await load({ server: '192.0.2.1', password: 'p' });
    expect(settings).to.deep.equal({
      inlets: [INLET],
      servers: [{ ...ENDPOINT, host: '192.0.2.1', method: 'chacha20-ietf-poly1305' }],
      workers: 1,
      noDelay: DEFAULTS.noDelay,
      keepAliveMs: DEFAULTS.keepAliveMs,
      connectTimeoutMs: DEFAULTS.connectTimeoutMs,
      idleTimeoutMs: DEFAULTS.idleTimeoutMs,
      udpTimeoutMs: DEFAULTS.udpTimeoutMs,
      udpMaxAssociations: DEFAULTS.udpMaxAssociations,
      drainTimeoutMs: DEFAULTS.drainTimeoutMs,
      nameServers: [],
      ipv6First: false,
    });
    expect(verbosity).to.equal(0);
    expect(warnings).to.deep.equal([]);
  });

  it('take every key that is served, seconds turned to milliseconds', async () => {
    const loaded = await load({
      ...SERVER,
      timeout: 1.5,
      idle_timeout: 3,
      drain_timeout: 0,
      keep_alive: 0,
      no_delay: false,
      ipv6_first: true,
      workers: 2,
      runtime: { worker_count: 3 },
      nameserver: '192.0.2.53',
      log: { level: 1, format: { without_time: true } },
    });
    expect(loaded.settings).to.include({
      connectTimeoutMs: 1500,
      idleTimeoutMs: 3000,
      drainTimeoutMs: 0,
      keepAliveMs: 0,
      noDelay: false,
      ipv6First: true,
      workers: 3,
    });
    expect(loaded.settings.nameServers).to.deep.equal(['192.0.2.53']);
    expect(loaded).to.include({ verbosity: 1, logWithoutTime: true });
  });

  it('join the server at the top with those of the list, which inherit what they do not say', async () => {
    const key = Buffer.alloc(16, 1).toString('base64');
    const { settings } = await load({
      ...SERVER,
      servers: [
        { address: '2001:db8::1', port: '9', remarks: 'six' },
        { server: 'off.example', disabled: true },
        { server: '[2001:db8::2]', key, method: 'aes-128-gcm', id: 'seven' },
      ],
    });
    expect(settings.servers).to.deep.equal([
      ENDPOINT,
      { ...ENDPOINT, host: '2001:db8::1', port: 9, name: 'six' },
      { ...ENDPOINT, host: '2001:db8::2', password: '', key, method: 'aes-128-gcm', name: 'seven' },
    ]);
  });

  it('take an array of servers and the alias of the list', async () => {
    const { settings } = await load({ ...SERVER, server: ['a', '::1'], shadowsocks: [{ server: 'b' }] });
    expect(settings.servers.map(({ host }) => host)).to.deep.equal(['a', '::1', 'b']);
    expect(await problemsOf({ ...SERVER, servers: [{ server: 'a' }], shadowsocks: [{ server: 'b' }] })).to.have.length(
      1,
    );
  });

  it('ask the name servers of the system where the file has others that are not served yet, and say so', async () => {
    const { settings, warnings } = await load({ ...SERVER, dns: 'tls://dns.example' });
    expect(settings.nameServers).to.deep.equal([]);
    expect(warnings.join()).to.match(
      /c\.json:1:\d+: "dns": "tls:\/\/dns\.example" is not served yet, so the system's name servers are asked over UDP\.$/,
    );
    expect((await problemsOf(SERVER, { values: { dns: 'tls://dns.example' } })).join()).to.match(
      /^--dns tls:\/\/dns\.example is not served yet: give "system", /,
    );
  });

  it('have one connect bound for all servers, the largest, and say so where they differ', async () => {
    const { settings, warnings } = await load({
      password: 'p',
      servers: [
        { server: 'a', timeout: 9 },
        { server: 'b', timeout: 7 },
      ],
    });
    expect(settings.connectTimeoutMs).to.equal(9000);
    expect(warnings.join()).to.match(/c\.json:1:\d+: "timeout" differs between servers: 9 s/);
  });

  it('listen on every entry of locals that is served, and at the top where it has a port', async () => {
    const { settings, warnings } = await load({
      ...SERVER,
      local_address: '127.0.0.2',
      local_port: 1,
      locals: [{ local_port: '2' }, { protocol: 'redir', local_port: 3 }, { disabled: true }, { local_address: '::1' }],
    });
    expect(settings.inlets).to.deep.equal([
      { ...INLET, host: '127.0.0.2', port: 1 },
      { ...INLET, host: '127.0.0.2', port: 2 },
      { ...INLET, host: '::1' },
    ]);
    expect(warnings.join()).to.match(/"protocol" is "redir", which is not served yet: this listener is left out/);
    expect((await load({ ...SERVER, locals: [{ local_port: 5 }] })).settings.inlets).to.have.length(1);
    expect((await problemsOf({ ...SERVER, locals: [{ protocol: 'dns' }] })).join()).to.match(
      /leaves nothing to listen on/,
    );
  });

  it('read the SOCKS5 users of a listener', async () => {
    const users = directory.write('users.json', { password: { users: [{ user_name: 'ann', password: 'ä' }] } });
    const { settings } = await load({ ...SERVER, locals: [{ socks5_auth_config_path: users }] });
    expect(settings.inlets[0].users).to.deep.equal([{ user: 'ann', password: 'ä' }]);
    const moved = await load({ ...SERVER, locals: [{ socks5_auth_config_path: users }] }, { local: '127.0.0.1:9' });
    expect(moved.settings.inlets).to.deep.equal([{ ...INLET, port: 9, users: [{ user: 'ann', password: 'ä' }] }]);
  });

  it('read the users of an HTTP listener, beside those of SOCKS5', async () => {
    const basic = directory.write('http.json', { basic: { users: [{ user_name: 'bob', password: 'b' }] } });
    const socks = directory.write('socks.json', { password: { users: [{ user_name: 'ann', password: 'a' }] } });
    const both = { http_auth_config_path: basic, socks5_auth_config_path: socks };
    const { settings } = await load({ ...SERVER, locals: [both, { ...both, socks5_auth_config_path: undefined }] });
    expect(settings.inlets.map(({ users }) => users.map(({ user }) => user))).to.deep.equal([['ann', 'bob'], ['bob']]);
    expect((await problemsOf({ ...SERVER, locals: [{ http_auth_config_path: socks }] })).join()).to.match(
      /"basic" must be an object with "users"/,
    );
  });

  it('speak what the protocol of a listener says', async () => {
    const locals = ['socks', 'socks5', 'socks4', 'http', 'mixed'].map((protocol) => ({ protocol }));
    const { settings } = await load({ ...SERVER, locals });
    expect(settings.inlets.map(({ kind }) => kind)).to.deep.equal(['socks', 'socks', 'socks', 'http', 'mixed']);
    const top = await load({ ...SERVER, protocol: 'http', local_port: 8080 });
    expect(top.settings.inlets).to.deep.equal([{ ...INLET, kind: 'http', port: 8080 }]);
    const flag = await load({ ...SERVER, local_port: 8080 }, { protocol: 'socks' });
    expect(flag.settings.inlets).to.deep.equal([{ ...INLET, kind: 'socks', port: 8080 }]);
    expect(await problemsOf(SERVER, { protocol: 'dns' })).to.deep.equal([
      '--protocol dns is not served: use one of mixed, socks, http, tunnel.',
    ]);
  });

  it('know where a tunnel goes, by the file or by a flag', async () => {
    const tunnel = { protocol: 'tunnel', local_port: 53, forward_address: '192.0.2.53', forward_port: '53' };
    const { settings } = await load({ ...SERVER, locals: [tunnel] });
    const inlet = { ...INLET, kind: 'tunnel', port: 53, forward: { host: '192.0.2.53', port: 53 } };
    expect(settings.inlets).to.deep.equal([inlet]);
    const flag = await load(SERVER, { local: ':53', forward: '[2001:db8::53]:5353' });
    expect(flag.settings.inlets).to.deep.equal([{ ...inlet, forward: { host: '2001:db8::53', port: 5353 } }]);
    expect((await problemsOf({ ...SERVER, locals: [{ protocol: 'tunnel' }] })).join()).to.match(
      /"protocol" is "tunnel", which needs "forward_address" and "forward_port"/,
    );
    expect((await problemsOf(SERVER, { protocol: 'tunnel' })).join()).to.match(/needs to know where to: use -f/);
    expect((await problemsOf(SERVER, { forward: 'nowhere' })).join()).to.match(/^--forward-addr must be HOST:PORT/);
  });

  it('carry UDP where the listener, the file or a flag says so', async () => {
    const content = { ...SERVER, mode: 'tcp_and_udp', locals: [{ mode: 'udp_only' }, { local_port: 2 }] };
    const { settings } = await load({ ...content, udp_timeout: 60, udp_max_associations: '100' });
    expect(settings.inlets.map(({ mode }) => mode)).to.deep.equal(['udp_only', 'tcp_and_udp']);
    expect(settings).to.include({ udpTimeoutMs: 60_000, udpMaxAssociations: 100 });
    const flag = await load(content, { values: { mode: 'tcp_only', udp_timeout: 5, udp_max_associations: 7 } });
    expect(flag.settings.inlets.map(({ mode }) => mode)).to.deep.equal(['tcp_only', 'tcp_only']);
    expect(flag.settings.servers.map(({ mode }) => mode)).to.deep.equal(['tcp_only']);
    expect(flag.settings).to.include({ udpTimeoutMs: 5000, udpMaxAssociations: 7 });
    const entry = await load({ servers: [{ ...SERVER, mode: 'udp_only' }] });
    expect(entry.settings.servers.map(({ mode }) => mode)).to.deep.equal(['udp_only']);
  });

  it('have the key of a 2022 method as its password, with those of the hops before', async () => {
    const key = Buffer.alloc(16, 1).toString('base64');
    const server = { server: 'a', method: '2022-blake3-aes-128-gcm' };
    expect((await load({ ...server, password: `${key}:${key}` })).settings.servers[0].password).to.equal(
      `${key}:${key}`,
    );
    expect((await load({ ...server, key })).settings.servers[0]).to.deep.equal({
      ...ENDPOINT,
      host: 'a',
      method: server.method,
      password: key,
    });
    expect(await problemsOf({ ...server, password: 'correct horse' })).to.deep.equal([
      './c.json:1:61: "password" is not base64: 2022-blake3-aes-128-gcm needs 16 bytes in base64, which "umbra genkey -m 2022-blake3-aes-128-gcm" makes.',
    ]);
  });

  it('have a method without integrity only where it is allowed', async () => {
    const content = { ...SERVER, method: 'rc4-md5' };
    expect((await problemsOf(content)).join()).to.match(/set allow_insecure_ciphers \(--allow-insecure-ciphers\)\.$/);
    const { settings } = await load({ ...content, allow_insecure_ciphers: true });
    expect(settings.servers[0].method).to.equal('rc4-md5');
    const many = [
      { server: 'b', server_port: 1 },
      { server: 'c', server_port: 1, method: 'aes-256-gcm' },
    ];
    const { warnings } = await load({ ...content, allow_insecure_ciphers: true, servers: many });
    expect(warnings, 'one a method').to.have.length(1);
    expect(warnings[0]).to.include('"rc4-md5" authenticates nothing');
    const flag = await load({ server: 'a', method: 'none' }, { values: { allow_insecure_ciphers: true } });
    expect(flag.warnings).to.have.length(1);
    expect(flag.warnings[0]).to.include('"none" encrypts nothing');
    expect(flag.settings.servers[0]).to.include({ method: 'none', password: '' });
  });

  it('refuse a file of SOCKS5 users that is missing or wrong', async () => {
    const wrong = directory.write('users.json', {
      password: { users: [{ user_name: 'x'.repeat(256), password: '' }] },
    });
    expect(await problemsOf({ ...SERVER, locals: [{ socks5_auth_config_path: wrong }] })).to.deep.equal([
      './users.json:1:36: "password.users.0.user_name" must be a string of 1 to 255 bytes.',
      './users.json:1:306: "password.users.0.password" must be a string of 1 to 255 bytes.',
    ]);
    const missing = await problemsOf({ ...SERVER, locals: [{ socks5_auth_config_path: '/nonexistent/u' }] });
    expect(missing.join()).to.match(/"socks5_auth_config_path": There is no file \/nonexistent\/u/);
  });

  it('let flags go before the file', async () => {
    const flags: FlagSettings = {
      server: '[2001:db8::9]:9',
      local: ':7',
      values: { timeout: 2, workers: 5, dns: 'system' },
      verbosity: 2,
    };
    const content = { ...SERVER, timeout: 9, runtime: { worker_count: 2 }, dns: '192.0.2.53', log: { level: 1 } };
    const { settings, verbosity } = await load(content, flags);
    expect(settings.servers).to.deep.equal([{ ...ENDPOINT, host: '2001:db8::9', port: 9 }]);
    expect(settings.inlets).to.deep.equal([{ ...INLET, port: 7 }]);
    expect(settings).to.deep.include({ connectTimeoutMs: 2000, workers: 5, nameServers: [] });
    expect(verbosity).to.equal(2);
  });

  it('take a link in place of the servers of the file, other flags before it', async () => {
    const link = 'ss://YWVzLTEyOC1nY206dGVzdA@192.0.2.1:8888#home';
    const { settings } = await load({ ...SERVER, servers: [{ server: 'b' }] }, { serverUrl: link });
    const endpoint = {
      ...ENDPOINT,
      host: '192.0.2.1',
      port: 8888,
      method: 'aes-128-gcm',
      password: 'test',
      name: 'home',
    };
    expect(settings.servers).to.deep.equal([endpoint]);
    const other = await load(undefined, { serverUrl: link, password: 'other' });
    expect(other.settings.servers).to.deep.equal([{ ...endpoint, password: 'other' }]);
  });

  it('refuse a link that is wrong, needs a plugin, or comes with -s', async () => {
    expect((await problemsOf(undefined, { serverUrl: 'ss://x' })).join()).to.match(/^--server-url has no "@"/);
    const plugin = { serverUrl: 'ss://YWVzLTEyOC1nY206dGVzdA@a:1/?plugin=obfs-local' };
    expect((await problemsOf(undefined, plugin)).join()).to.match(/needs the plugin "obfs-local"/);
    const both = { serverUrl: 'ss://YWVzLTEyOC1nY206dGVzdA@a:1', server: 'a:1', password: 'p' };
    expect((await problemsOf(undefined, both)).join()).to.match(/--server-url and --server-addr: give one/);
  });

  it('let a password flag hide the key of the file', async () => {
    const key = Buffer.alloc(32, 1).toString('base64');
    const { settings } = await load(
      { server: 'a', key, method: 'aes-256-gcm' },
      { password: 'q', method: 'aes-128-gcm' },
    );
    expect(settings.servers).to.deep.equal([{ ...ENDPOINT, host: 'a', password: 'q', method: 'aes-128-gcm' }]);
  });

  it('need no file where flags say enough', async () => {
    const { settings, file } = await load(undefined, { server: 'a:1', password: 'p' });
    expect(settings.servers).to.deep.equal([{ ...ENDPOINT, host: 'a', port: 1, method: 'chacha20-ietf-poly1305' }]);
    expect(file).to.equal(undefined);
  });

  it('take a password from the environment, by name or where none is written', async () => {
    const expanded = await load(
      { ...SERVER, password: variable('SECRET_1') },
      {},
      { SECRET_1: 's', UMBRA_PASSWORD: 'no' },
    );
    expect(expanded.settings.servers[0].password).to.equal('s');
    const environment = { SS_SERVER_PASSWORD: 'rust', UMBRA_PASSWORD: '' };
    expect((await load({ server: 'a' }, {}, environment)).settings.servers[0].password).to.equal('rust');
    expect(
      (await load({ server: 'a' }, {}, { ...environment, UMBRA_PASSWORD: 'u' })).settings.servers[0].password,
    ).to.equal('u');
    expect((await load(SERVER, {}, environment)).settings.servers[0].password).to.equal('p');
    expect(await problemsOf({ ...SERVER, password: variable('NOT_SET') })).to.deep.equal([
      './c.json:1:57: "password" needs the environment variable NOT_SET: set it.',
    ]);
  });

  it('ask for a password where none is given, and say how', async () => {
    const error: unknown = await load({ server: 'a' }).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(MissingPasswordError);
    expect(await problemsOf({ server: 'a' })).to.deep.equal([
      'No password is given for a:8388: add "password" to ./c.json, use -k PASSWORD, or set UMBRA_PASSWORD ("umbra genkey -m chacha20-ietf-poly1305" makes a good one).',
    ]);
  });

  it('name the place of every mistake, of the file or of a flag', async () => {
    const content = { server: 'a:1', server_port: 0, method: 'rc4', key: 'eA==', dns: 'x' };
    const problems = await problemsOf(content);
    expect(problems.map((problem) => problem.slice(0, 32))).to.deep.equal([
      './c.json:1:11: "server" must be ',
      './c.json:1:31: "server_port" mus',
      './c.json:1:42: "method" is "rc4"',
      './c.json:1:67: "dns" must be "sy',
    ]);
    const flags: FlagSettings = { server: 'a b', local: 'x:y', password: 'p', method: 'no', values: { dns: 'x' } };
    expect((await problemsOf(undefined, flags)).map((problem) => problem.split(' ')[0])).to.include.members([
      '--dns',
      '--encrypt-method',
      '--local-addr',
      '--server-addr',
    ]);
  });

  it('need a server', async () => {
    expect(await problemsOf({ password: 'p' })).to.deep.equal([
      'No server is given: add "server" and "server_port" to ./c.json, or use -s HOST:PORT.',
    ]);
  });

  it('warn of a password that others can read', async () => {
    const open = directory.write('open.json', SERVER, 0o644);
    const request = { flags: {}, environment: {}, workingDirectory: directory.path };
    const { warnings } = await loadLocal({ ...request, configPath: open });
    expect(warnings).to.deep.equal([
      `${open}: other users of this machine can read the password in this file: run "chmod 600 ${open}".`,
    ]);
    const harmless = directory.write('env.json', { ...SERVER, password: variable('P') }, 0o644);
    expect((await loadLocal({ ...request, configPath: harmless, environment: { P: 'x' } })).warnings).to.deep.equal([]);
  });

  it('look for a file where none is named, but not where flags say what to connect to', async () => {
    directory.write('config.json', { ...SERVER, server: 'generic' });
    const request = { environment: { XDG_CONFIG_HOME: directory.path }, workingDirectory: directory.path };
    expect((await loadLocal({ ...request, flags: { verbosity: 1 } })).settings.servers[0].host).to.equal('generic');
    directory.write('local.json', { ...SERVER, server: 'special' });
    expect((await loadLocal({ ...request, flags: {} })).settings.servers[0].host).to.equal('special');
    const byFlags = await loadLocal({ ...request, flags: { server: 'flag:1', password: 'p' } });
    expect(byFlags.settings.servers[0]).to.deep.include({ host: 'flag', password: 'p' });
  });
});
