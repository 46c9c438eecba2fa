/** `umbra server`: the server. */

import { formatHostPort } from '../config/host-port.js';
import { loadServer } from '../config/load.js';
import { DEFAULTS } from '../config/types.js';
import type { Command } from './command.js';
import { LATER_SERVER_FLAGS, SERVER_FLAGS } from './flags.js';
import { runProxy } from './run-proxy.js';

export const serverCommand: Command = {
  summary: 'Run the server: clients connect to it, it connects to where they want to go.',
  flags: SERVER_FLAGS,
  later: LATER_SERVER_FLAGS,
  run: (program, values) =>
    runProxy(
      {
        program,
        load: loadServer,
        start: async (settings, options) => (await import('../umbra.js')).startServer(settings, options),
        announce(log, { listen, workers }, { addresses }) {
          addresses.forEach((address, at) => {
            const { method, mode = DEFAULTS.mode } = listen[at];
            const carries = mode === DEFAULTS.mode ? {} : { mode };
            log.info(`listening on ${formatHostPort(address)}`, { method, ...carries, workers });
          });
        },
      },
      values,
    ),
};
