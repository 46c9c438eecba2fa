/**
 * The echo server as a program:
 *
 *   npm run example -- [--edge] [--port N]        then, elsewhere: nc 127.0.0.1 10000
 */

import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DEFAULT_PORT, EpollEchoServer } from './echo-server.js';

/**
 * Turns until SIGINT or SIGTERM, then does step 7.
 *
 * A thread inside epoll_wait runs no JavaScript, signal handlers included. So the loop is cut into turns by `setImmediate`: between two of
 * them Node looks for signals and calls their handlers. A signal also ends the wait itself (EINTR), so that it is noticed at once.
 */
function main(): void {
  const { values } = parseArgs({ options: { edge: { type: 'boolean', default: false }, port: { type: 'string' } } });
  const server = new EpollEchoServer({
    edgeTriggered: values.edge,
    port: values.port === undefined ? DEFAULT_PORT : Number(values.port),
  });
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stopping = true;
    });
  }
  const step6 = (): void => {
    if (stopping) {
      server.close();
      return;
    }
    server.turn();
    setImmediate(step6);
  };
  // A reader of the log that goes away (`| head`) is no reason to end.
  process.stdout.on('error', () => {});
  step6();
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (error) {
    process.stderr.write(`epoll-echo: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
