/** The server on one reactor: its listeners, what their sessions share. */

import type { ServerSettings } from '../config/types.js';
import { EgressPolicy } from '../net/egress-policy.js';
import { TcpDialer } from '../net/tcp-dialer.js';
import { TcpListener } from '../net/tcp-listener.js';
import type { Mode, ModeParts } from '../relay/mode.js';
import { SessionAcceptor } from '../relay/session-acceptor.js';
import { serverProtocol } from '../shadowsocks/protocols.js';
import { type ServerContext, ServerSession } from './server-session.js';

/**
 * Starts the server on a reactor.
 * @param listeners listening descriptors, one a port
 */
export function startServerMode(settings: ServerSettings, listeners: readonly number[], parts: ModeParts): Mode {
  const { context, resolver } = parts;
  const dialer = new TcpDialer(context.reactor, resolver, new EgressPolicy(settings.egressAllow), settings);
  const protocols = settings.listen.map((endpoint) => serverProtocol(endpoint, parts.means));
  const open = protocols.map((protocol, i) => {
    const server: ServerContext = {
      relay: context,
      dialer,
      protocol,
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
      for (const protocol of protocols) protocol.wipe();
    },
  };
}
