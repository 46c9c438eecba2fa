/** `umbra quickstart`: a client and a server in one process, proved to work, with the words to try them. */

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';

import { checkMethod } from '../config/methods.js';
import { DEFAULTS, type MethodName } from '../config/types.js';
import { StartError } from '../control/start-error.js';
import { METHODS } from '../crypto/methods.js';
import type { Running, RunOptions } from '../umbra.js';
import type { Command } from './command.js';
import { QUICKSTART_FLAGS } from './flags.js';
import { dataPlaneLevel, Log } from './log.js';
import type { FlagValues } from './parse-flags.js';
import { PAGE_TEXT, type QuickstartPage, servePage } from './quickstart-page.js';
import { fetchThroughProxy } from './quickstart-probe.js';
import { EndingSignals } from './signals.js';
import { UsageError } from './usage-error.js';

/** Both ends are on this machine, so what a server refuses by default is what there is to reach. */
const EVERYTHING = ['0.0.0.0/0', '::/0'];

/** A demonstration is not held up by a browser that keeps its connections open. */
const DRAIN_TIMEOUT_MS = 500;

export const quickstartCommand: Command = {
  summary: 'Try umbra: a client and a server in one process on this machine, with a random password.',
  flags: QUICKSTART_FLAGS,
  async run(_program, values) {
    const signals = new EndingSignals();
    const log = new Log({ verbosity: values.count('verbose'), json: false, withoutTime: false });
    const running: Running[] = [];
    const stop = (timeoutMs: number) => Promise.all(running.map((one) => one.stop(timeoutMs)));
    const page = await servePage();
    try {
      const [{ port, method }] = await Promise.all([startPair(values, log, running), log.open()]);
      await prove(port, page);
      process.stdout.write(instructions(port, page.port, method));
    } catch (error) {
      await stop(0);
      throw error;
    }
    await signals.first;
    process.stdout.write('Stopping.\n');
    page.close();
    return signals.stop(stop, DRAIN_TIMEOUT_MS);
  },
};

/** @throws StartError where a request does not come through */
async function prove(port: number, page: QuickstartPage): Promise<void> {
  const answer = await fetchThroughProxy(port, page.port).catch((error: Error) => error.message);
  if (answer.endsWith(PAGE_TEXT)) return;
  const [reason] = answer.split('\r\n');
  throw new StartError(
    `A request through the proxy on port ${port} failed (${reason}): run again with -vv to see why.`,
  );
}

/** Starts a server and a client before it, and adds them to `running` as they are. */
async function startPair(
  values: FlagValues,
  log: Log,
  running: Running[],
): Promise<{ readonly port: number; readonly method: MethodName }> {
  const checked = checkMethod(values.text('encrypt-method') ?? '2022-blake3-aes-256-gcm', false);
  if ('problem' in checked) throw new UsageError(`--encrypt-method ${checked.problem}.`);
  const { method } = checked;
  const asked = values.number('port', 'a port', { min: 0, max: 0xffff, whole: true });
  const host = '127.0.0.1';
  const credentials = { host, method, password: freshSecret(method) };
  const options: RunOptions = { logLevel: dataPlaneLevel(values.count('verbose')), onLog: log.write };
  const { startLocal, startServer } = await import('../umbra.js');
  const server = await startServer(
    { listen: [{ ...credentials, port: 0 }], workers: 1, egressAllow: EVERYTHING },
    options,
  );
  running.push(server);
  const servers = [{ ...credentials, port: server.addresses[0].port }];
  const port = asked ?? ((await isFree(DEFAULTS.localPort)) ? DEFAULTS.localPort : 0);
  const client = await startLocal({ servers, workers: 1, inlets: [{ host, port, users: [] }] }, options);
  running.push(client);
  return { port: client.addresses[0].port, method };
}

/** As good as the method's key; of a 2022 method it is the key. */
function freshSecret(method: MethodName): string {
  const { keyLength } = METHODS[method];
  return randomBytes(keyLength === 0 ? 32 : keyLength).toString('base64');
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
  http://${proxy}

Try it (a page on this machine, so no internet is needed; then any other):
  curl --proxy socks5h://${proxy} http://127.0.0.1:${pagePort}/
  curl --proxy http://${proxy} https://example.com/

Point a browser at it:
  chromium --proxy-server=socks5://${proxy}
  Firefox: Settings > Network Settings > Manual proxy configuration,
           SOCKS Host 127.0.0.1, Port ${port}, SOCKS v5, "Proxy DNS when using SOCKS v5"
  Or as an HTTP proxy: 127.0.0.1, Port ${port}, for HTTP and HTTPS

Client and server are both on this machine, encrypted in between with ${method} and a password
made for this run. The server lets every destination through, private addresses included; one
started by "umbra server" does not. Ctrl-C stops both.
`;
}
