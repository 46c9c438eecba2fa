/** `umbra local`: the client. */

import { formatHostPort } from '../config/host-port.js';
import { loadLocal } from '../config/load.js';
import { DEFAULTS } from '../config/types.js';
import type { Command } from './command.js';
import { LATER_LOCAL_FLAGS, LOCAL_FLAGS } from './flags.js';
import { runProxy } from './run-proxy.js';

export const localCommand: Command = {
  summary: 'Run the client: programs on this machine connect to it by SOCKS or HTTP, it connects to a server.',
  flags: LOCAL_FLAGS,
  later: LATER_LOCAL_FLAGS,
  run: (program, values) =>
    runProxy(
      {
        program,
        load: loadLocal,
        start: async (settings, options) => (await import('../umbra.js')).startLocal(settings, options),
        announce(log, { servers, inlets }, { addresses }) {
          const [first] = servers;
          const others = servers.length > 1 ? { otherServers: servers.length - 1 } : {};
          const fields = { server: formatHostPort(first), method: first.method, ...others };
          for (const [i, address] of addresses.entries()) {
            const { kind = 'mixed', mode = DEFAULTS.mode, forward } = inlets[i];
            const to = kind === 'tunnel' && forward !== undefined ? { to: formatHostPort(forward) } : {};
            const carries = mode === DEFAULTS.mode ? {} : { mode };
            log.info(`listening on ${formatHostPort(address)}`, { protocol: kind, ...to, ...carries, ...fields });
          }
        },
      },
      values,
    ),
};
