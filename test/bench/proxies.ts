/** The two proxies under comparison: their commands, and a running pair of client and server of one of them. */

import { readFileSync } from 'node:fs';
import { freePort, ProxyProcess } from '../support/proxy-process.js';
import type { Side } from './options.js';

const PASSWORD = 'benchmark';

export interface Ports {
  readonly local: number;
  readonly server: number;
}

export interface Commands {
  readonly local: readonly string[];
  readonly server: readonly string[];
}

/** One reactor (or process) each side, TCP and UDP, TCP_NODELAY on both, no logging of connections. */
export function commandsOf(side: Side, method: string, ports: Ports, umbra: readonly string[]): Commands {
  const { local, server } = ports;
  if (side === 'libev') {
    const common = ['-s', '127.0.0.1', '-p', `${server}`, '-k', PASSWORD, '-m', method, '--no-delay', '-u'];
    return {
      local: ['ss-local', ...common, '-b', '127.0.0.1', '-l', `${local}`],
      server: ['ss-server', ...common],
    };
  }
  const common = ['-s', `127.0.0.1:${server}`, '-k', PASSWORD, '-m', method, '--workers', '1', '-U'];
  return {
    local: [...umbra, 'local', ...common, '-b', `127.0.0.1:${local}`],
    server: [...umbra, 'server', ...common, '--egress-allow', '127.0.0.0/8'],
  };
}

export async function freePorts(): Promise<Ports> {
  return { local: await freePort(), server: await freePort() };
}

export class ProxyPair {
  readonly side: Side;
  readonly localPort: number;
  /** Of client and server, in this order. */
  readonly pids: readonly number[];
  readonly #processes: readonly ProxyProcess[];

  private constructor(side: Side, localPort: number, processes: readonly ProxyProcess[]) {
    this.side = side;
    this.localPort = localPort;
    this.pids = processes.map(({ pid }) => pid);
    this.#processes = processes;
  }

  /** Resolves once both ends listen. */
  static async start(side: Side, method: string, umbra: readonly string[]): Promise<ProxyPair> {
    const ports = await freePorts();
    const commands = commandsOf(side, method, ports, umbra);
    const { UMBRA_DEBUG: _debug, ...env } = process.env;
    const server = await ProxyProcess.start(commands.server, ports.server, env);
    try {
      const local = await ProxyProcess.start(commands.local, ports.local, env);
      return new ProxyPair(side, ports.local, [local, server]);
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Resident memory of both processes in MiB. */
  residentMiB(): number {
    const kilobytes = this.pids.map((pid) =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
    );
    return kilobytes.reduce((sum, each) => sum + each, 0) / 1024;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.stop()));
  }
}
