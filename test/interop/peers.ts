/** Command lines of each implementation as client and as server, all speaking to one endpoint. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MethodName } from '../../src/config/types.js';
import { UMBRA } from '../support/proxy-process.js';

export interface Endpoint {
  readonly serverPort: number;
  readonly localPort: number;
  readonly method: MethodName;
  readonly password: string;
  /** For configuration files. */
  readonly folder: string;
}

export interface Peer {
  readonly name: string;
  readonly client: (endpoint: Endpoint) => readonly string[];
  readonly server: (endpoint: Endpoint) => readonly string[];
}

export const umbra: Peer = {
  name: 'umbra',
  client: (endpoint) => [...UMBRA, 'local', '-b', `127.0.0.1:${endpoint.localPort}`, ...umbraServerFlags(endpoint)],
  server: (endpoint) => [...UMBRA, 'server', ...umbraServerFlags(endpoint), '--egress-allow', '127.0.0.0/8'],
};

function umbraServerFlags({ serverPort, method, password }: Endpoint): string[] {
  return ['-s', `127.0.0.1:${serverPort}`, '-m', method, '-k', password, '--workers', '1'];
}

export const libev: Peer = {
  name: 'shadowsocks-libev',
  client: (endpoint) => ['ss-local', ...libevServerFlags(endpoint), '-b', '127.0.0.1', '-l', `${endpoint.localPort}`],
  server: (endpoint) => ['ss-server', ...libevServerFlags(endpoint)],
};

function libevServerFlags({ serverPort, method, password }: Endpoint): string[] {
  return ['-s', '127.0.0.1', '-p', `${serverPort}`, '-m', method, '-k', password];
}

export const v2ray: Peer = {
  name: 'v2ray',
  client: ({ folder, localPort, serverPort, method, password }) =>
    v2rayCommand(join(folder, 'v2ray-client.json'), {
      inbounds: [{ listen: '127.0.0.1', port: localPort, protocol: 'socks', settings: { auth: 'noauth', udp: false } }],
      outbounds: [
        {
          protocol: 'shadowsocks',
          settings: { servers: [{ address: '127.0.0.1', port: serverPort, method, password }] },
        },
      ],
    }),
  server: ({ folder, serverPort, method, password }) =>
    v2rayCommand(join(folder, 'v2ray-server.json'), {
      inbounds: [
        {
          listen: '127.0.0.1',
          port: serverPort,
          protocol: 'shadowsocks',
          settings: { method, password, network: 'tcp' },
        },
      ],
      outbounds: [{ protocol: 'freedom' }],
    }),
};

function v2rayCommand(file: string, config: object): string[] {
  writeFileSync(file, JSON.stringify({ log: { loglevel: 'warning' }, ...config }));
  return ['v2ray', '-config', file];
}
