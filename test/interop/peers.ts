/** Command lines of each implementation as client and as server, all speaking to one endpoint. */

import { existsSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { EndpointUser, MethodName } from '../../src/config/types.js';
import { UMBRA } from '../support/proxy-process.js';

export interface Endpoint {
  readonly serverPort: number;
  readonly localPort: number;
  readonly method: MethodName;
  /** What the client gives. */
  readonly password: string;
  /** What the server has: another than the client's where it has users. */
  readonly serverPassword: string;
  readonly users: readonly EndpointUser[];
  /** For configuration files. */
  readonly folder: string;
}

type Command = (endpoint: Endpoint) => readonly string[];

export interface Peer {
  readonly name: string;
  readonly client: Command;
  readonly server: Command;
}

/** Where `scripts/peers.js` puts what it builds. */
const BUILT = join(homedir(), '.cache/umbra-peers');

/** @throws Error where it is not there */
export function builtPeer(path: string): string {
  const program = join(BUILT, path);
  if (!existsSync(program)) throw new Error(`${program} is missing: "node scripts/peers.js" builds it`);
  return program;
}

const INSECURE: ReadonlySet<string> = new Set(['none', 'rc4-md5', 'salsa20', 'chacha20', 'chacha20-ietf']);

function isInsecure(method: MethodName): boolean {
  return INSECURE.has(method) || /-(?:cfb|ctr)$/.test(method);
}

export const umbra: Peer = {
  name: 'umbra',
  client: (endpoint) => [
    ...[...UMBRA, 'local', '-b', `127.0.0.1:${endpoint.localPort}`, '-s', `127.0.0.1:${endpoint.serverPort}`],
    ...['-m', endpoint.method, '-k', endpoint.password, '-U', '--workers', '1', ...allowInsecure(endpoint)],
  ],
  server: ({ folder, serverPort, method, serverPassword, users }) => {
    const file = join(folder, 'umbra-server.json');
    const credentials = { method, password: serverPassword, ...(users.length > 0 ? { users } : {}) };
    const address = { server: '127.0.0.1', server_port: serverPort, mode: 'tcp_and_udp', workers: 1 };
    writeFileSync(
      file,
      JSON.stringify({
        ...address,
        ...credentials,
        egress_allow: ['127.0.0.0/8'],
        allow_insecure_ciphers: isInsecure(method),
      }),
      { mode: 0o600 },
    );
    return [...UMBRA, 'server', '-c', file];
  },
};

function allowInsecure({ method }: Endpoint): string[] {
  return isInsecure(method) ? ['--allow-insecure-ciphers'] : [];
}

export const libev: Peer = {
  name: 'shadowsocks-libev',
  client: (endpoint) => [
    ...['ss-local', ...libevServerFlags(endpoint, endpoint.password)],
    ...['-b', '127.0.0.1', '-l', `${endpoint.localPort}`],
  ],
  server: (endpoint) => ['ss-server', ...libevServerFlags(endpoint, endpoint.serverPassword)],
};

function libevServerFlags({ serverPort, method }: Endpoint, password: string): string[] {
  return ['-s', '127.0.0.1', '-p', `${serverPort}`, '-m', method, '-k', password, '-u'];
}

export const rust: Peer = {
  name: 'shadowsocks-rust',
  client: ({ localPort, serverPort, method, password }) => [
    ...[builtPeer('shadowsocks-rust/bin/sslocal'), '-b', `127.0.0.1:${localPort}`, '-s', `127.0.0.1:${serverPort}`],
    ...['-m', method, '-k', password, '-U'],
  ],
  server: ({ folder, serverPort, method, serverPassword, users }) => {
    const file = join(folder, 'rust-server.json');
    const server = { server: '127.0.0.1', server_port: serverPort, method, password: serverPassword };
    const servers = [{ ...server, ...(users.length > 0 ? { users } : {}) }];
    writeFileSync(file, JSON.stringify({ servers, mode: 'tcp_and_udp' }));
    return [builtPeer('shadowsocks-rust/bin/ssserver'), '-c', file];
  },
};

export const singBox: Peer = {
  name: 'sing-box',
  client: ({ folder, localPort, serverPort, method, password }) =>
    singBoxCommand(join(folder, 'sing-box-client.json'), {
      inbounds: [{ type: 'socks', listen: '127.0.0.1', listen_port: localPort }],
      outbounds: [{ type: 'shadowsocks', server: '127.0.0.1', server_port: serverPort, method, password }],
    }),
  server: ({ folder, serverPort, method, serverPassword, users }) =>
    singBoxCommand(join(folder, 'sing-box-server.json'), {
      inbounds: [
        {
          ...{ type: 'shadowsocks', listen: '127.0.0.1', listen_port: serverPort, method, password: serverPassword },
          ...(users.length > 0 ? { users } : {}),
        },
      ],
      outbounds: [{ type: 'direct' }],
      route: { default_domain_resolver: 'system' },
    }),
};

/** A hop of SIP023 before the server: it takes its identity header off and passes the rest on. */
export type Relay = (endpoint: Endpoint, port: number, identityKey: string, next: RelayTarget) => readonly string[];

export const umbraRelay: Relay = ({ folder, method }, port, identityKey, next) => {
  const file = join(folder, 'umbra-hop.json');
  const destinations = [{ name: 'next', server: '127.0.0.1', server_port: next.port, password: next.identityKey }];
  const address = { server: '127.0.0.1', server_port: port, mode: 'tcp_and_udp', workers: 1 };
  writeFileSync(file, JSON.stringify({ ...address, method, password: identityKey, destinations }), { mode: 0o600 });
  return [...UMBRA, 'server', '-c', file];
};

export const singBoxRelay: Relay = ({ folder, method }, port, identityKey, next) => {
  const destinations = [{ name: 'next', server: '127.0.0.1', server_port: next.port, password: next.identityKey }];
  return singBoxCommand(join(folder, 'sing-box-relay.json'), {
    inbounds: [
      { type: 'shadowsocks', listen: '127.0.0.1', listen_port: port, method, password: identityKey, destinations },
    ],
    outbounds: [{ type: 'direct' }],
  });
};

export interface RelayTarget {
  readonly port: number;
  /** By which the relay knows where to pass a client on. */
  readonly identityKey: string;
}

function singBoxCommand(file: string, config: object): string[] {
  const dns = { servers: [{ type: 'local', tag: 'system' }] };
  writeFileSync(file, JSON.stringify({ log: { level: 'warn' }, dns, ...config }));
  return [builtPeer('sing-box/sing-box'), 'run', '-c', file];
}

export const v2ray: Peer = {
  name: 'v2ray',
  client: ({ folder, localPort, serverPort, method, password }) =>
    v2rayCommand(join(folder, 'v2ray-client.json'), {
      inbounds: [
        {
          ...{ listen: '127.0.0.1', port: localPort, protocol: 'socks' },
          settings: { auth: 'noauth', udp: true, ip: '127.0.0.1' },
        },
      ],
      outbounds: [
        {
          protocol: 'shadowsocks',
          settings: { servers: [{ address: '127.0.0.1', port: serverPort, method, password }] },
        },
      ],
    }),
  server: ({ folder, serverPort, method, serverPassword }) =>
    v2rayCommand(join(folder, 'v2ray-server.json'), {
      inbounds: [
        {
          ...{ listen: '127.0.0.1', port: serverPort, protocol: 'shadowsocks' },
          settings: { method, password: serverPassword, network: 'tcp,udp' },
        },
      ],
      outbounds: [{ protocol: 'freedom' }],
    }),
};

function v2rayCommand(file: string, config: object): string[] {
  writeFileSync(file, JSON.stringify({ log: { loglevel: 'warning' }, ...config }));
  return ['v2ray', '-config', file];
}
