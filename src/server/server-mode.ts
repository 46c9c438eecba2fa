/** The server on one reactor: its listeners, what their sessions share. */

import type { ServerSettings } from '../config/types.js';
import { EgressPolicy } from '../net/egress-policy.js';
import { TcpDialer } from '../net/tcp-dialer.js';
import { TcpListener } from '../net/tcp-listener.js';
import type { Mode, ModeParts } from '../relay/mode.js';
import { SessionAcceptor } from '../relay/session-acceptor.js';
import { type ServerContext, ServerSession } from './server-session.js';

/**
 * Starts the server on a reactor.
 * @param listeners listening descriptors, one a port
 */
export function startServerMode(settings: ServerSettings, listeners: readonly number[], parts: ModeParts): Mode {
  const { context, resolver } = parts;
  const dialer = new TcpDialer(context.reactor, resolver, new EgressPolicy(settings.egressAllow), settings);
  const keyrings = settings.listen.map((endpoint) => parts.keyringOf(endpoint));
  const open = keyrings.map((keyring, i) => {
    const server: ServerContext = {
      relay: context,
      dialer,
      keyring,
      probeTimeoutMs: settings.probeTimeoutMs === 0 ? Number.POSITIVE_INFINITY : settings.probeTimeoutMs,
    };
    const acceptor = new SessionAcceptor(context, (fd, peer) => new ServerSession(server, fd, peer));
    return new TcpListener(context.reactor, listeners[i], acceptor);
  });
  return {
    stopListening() {
      for (const listener of open) listener.close();
    },
    release() {
      for (const keyring of keyrings) keyring.wipe();
    },
  };
}
