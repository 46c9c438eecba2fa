/** `umbra quickstart`: a client and a server in one process, proved to work, with the words to try them. */

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';

import { checkMethod } from '../config/methods.js';
import { DEFAULTS, type MethodName } from '../config/types.js';
import { StartError } from '../control/start-error.js';
import type { Running, RunOptions } from '../umbra.js';
import type { Command } from './command.js';
import { QUICKSTART_FLAGS } from './flags.js';
import { dataPlaneLevel, Log } from './log.js';
import type { FlagValues } from './parse-flags.js';
import { PAGE_TEXT, servePage } from './quickstart-page.js';
import { fetchThroughProxy } from './quickstart-probe.js';
import { firstSignal } from './signals.js';
import { UsageError } from './usage-error.js';

/** Both ends are on this machine, so what a server refuses by default is what there is to reach. */
const EVERYTHING = ['0.0.0.0/0', '::/0'];

/** A demonstration is not held up by a browser that keeps its connections open. */
const DRAIN_TIMEOUT_MS = 500;

export const quickstartCommand: Command = {
  summary: 'Try umbra: a client and a server in one process on this machine, with a random password.',
  flags: QUICKSTART_FLAGS,
  async run(_program, values) {
    const signal = firstSignal();
    const verbosity = values.count('verbose');
    const log = new Log({ verbosity, json: false, withoutTime: false });
    const options: RunOptions = { logLevel: dataPlaneLevel(verbosity), onLog: log.write };
    const [pair, page] = await Promise.all([startPair(values, options), servePage(), log.open()]);
    const { port } = pair.client.addresses[0];
    const answer = await fetchThroughProxy(port, page.port).catch((error: Error) => error.message);
    if (!answer.endsWith(PAGE_TEXT)) {
      throw new StartError(
        `A request through the proxy on port ${port} failed (${answer}): run again with -vv to see why.`,
      );
    }
    process.stdout.write(instructions(port, page.port, pair.method));
    await signal;
    process.stdout.write('Stopping.\n');
    page.close();
    await Promise.all([pair.client.stop(DRAIN_TIMEOUT_MS), pair.server.stop(DRAIN_TIMEOUT_MS)]);
    return 0;
  },
};

interface Pair {
  readonly client: Running;
  readonly server: Running;
  readonly method: MethodName;
}

async function startPair(values: FlagValues, options: RunOptions): Promise<Pair> {
  const checked = checkMethod(values.text('encrypt-method') ?? 'aes-256-gcm');
  if ('problem' in checked) throw new UsageError(`--encrypt-method ${checked.problem}.`);
  const { method } = checked;
  const host = '127.0.0.1';
  const asked = values.number('port', 'a port', { min: 0, max: 0xffff, whole: true });
  const credentials = { host, method, password: randomBytes(32).toString('base64') };
  const { startLocal, startServer } = await import('../umbra.js');
  const server = await startServer(
    { listen: [{ ...credentials, port: 0 }], workers: 1, egressAllow: EVERYTHING },
    options,
  );
  const servers = [{ ...credentials, port: server.addresses[0].port }];
  const port = asked ?? ((await isFree(DEFAULTS.localPort)) ? DEFAULTS.localPort : 0);
  const client = await startLocal({ servers, workers: 1, inlets: [{ host, port, users: [] }] }, options);
  return { client, server, method };
}

/** Whether nobody listens on this port of 127.0.0.1, another umbra included (which would share it with us). */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function instructions(port: number, pagePort: number, method: MethodName): string {
  const proxy = `127.0.0.1:${port}`;
  return `
umbra is running: a request has gone through it.

  socks5://${proxy}

Try it (a page on this machine, so no internet is needed; then any other):
  curl --proxy socks5h://${proxy} http://127.0.0.1:${pagePort}/
  curl --proxy socks5h://${proxy} https://example.com/

Point a browser at it:
  chromium --proxy-server=socks5://${proxy}
  Firefox: Settings > Network Settings > Manual proxy configuration,
           SOCKS Host 127.0.0.1, Port ${port}, SOCKS v5, "Proxy DNS when using SOCKS v5"

Client and server are both on this machine, encrypted in between with ${method} and a password
made for this run. The server lets every destination through, private addresses included; one
started by "umbra server" does not. Ctrl-C stops both.
`;
}
