/** Proxies run as programs, umbra's own and its peers': started until they listen, ended by their own process id. */

import { type ChildProcess, spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** umbra's command line, run by the Node.js that runs this. */
export const UMBRA: readonly string[] = [
  process.execPath,
  fileURLToPath(new URL('../../../bin/umbra.js', import.meta.url)),
];

/** Debian's packages of the peers, for the message where one is missing. */
const PACKAGES: Readonly<Record<string, string>> = {
  'ss-local': 'shadowsocks-libev',
  'ss-server': 'shadowsocks-libev',
  v2ray: 'v2ray',
};

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 15_000;
const POLL_MS = 20;
const OUTPUT_LIMIT = 4_000;
/** Below Linux's ephemeral ports (32768 and up), so that no outgoing connection sits on a port about to be listened on. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/** A TCP port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

export class ProxyProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #command: string;
  #output = '';
  #failure: Error | undefined;

  private constructor(command: readonly string[], env: NodeJS.ProcessEnv) {
    const [program = '', ...args] = command;
    this.#command = command.join(' ');
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    this.pid = this.#child.pid ?? 0;
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_LIMIT);
      });
    }
    this.#child.once('error', (error) => {
      const wanted = PACKAGES[program];
      this.#failure = wanted === undefined ? error : new Error(`${program} is missing: apt-get install ${wanted}`);
    });
    const kill = () => this.#child.kill('SIGKILL');
    process.once('exit', kill);
    this.#child.once('close', () => process.off('exit', kill));
  }

  /** Resolves once `port` of 127.0.0.1 takes a connection; rejects where the program ends instead, or is not there. */
  static async start(command: readonly string[], port: number, env = process.env): Promise<ProxyProcess> {
    const proxy = new ProxyProcess(command, env);
    const until = Date.now() + START_TIMEOUT_MS;
    while (!(await takesConnections(port))) {
      if (proxy.#failure !== undefined) throw proxy.#failure;
      if (proxy.hasEnded || Date.now() > until) {
        await proxy.stop();
        throw new Error(`${proxy.#command}\ndid not listen on ${port}: ${proxy.output}`);
      }
      await delay(POLL_MS);
    }
    return proxy;
  }

  get hasEnded(): boolean {
    return this.pid === 0 || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The last of what it printed. */
  get output(): string {
    return this.#output;
  }

  /** Asks it to end, and makes it end where it does not. */
  async stop(): Promise<void> {
    if (this.hasEnded) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
