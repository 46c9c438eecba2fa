/** The client on one reactor: its listeners, what their sessions share. */

import type { LocalSettings } from '../config/types.js';
import { targetFromHost } from '../net/target.js';
import { TcpDialer } from '../net/tcp-dialer.js';
import { TcpListener } from '../net/tcp-listener.js';
import type { Mode, ModeParts } from '../relay/mode.js';
import { SessionAcceptor } from '../relay/session-acceptor.js';
import { clientProtocol } from '../shadowsocks/protocols.js';
import { SocksCredentials } from '../socks/credentials.js';
import type { LocalContext } from './local-context.js';
import { LocalSession } from './local-session.js';

/**
 * Starts the client on a reactor.
 * @param listeners listening descriptors, one an inlet
 */
export function startLocalMode(settings: LocalSettings, listeners: readonly number[], parts: ModeParts): Mode {
  const { context, resolver } = parts;
  // A client's server may well be on its own machine or network: egress is the server's policy.
  const dialer = new TcpDialer(context.reactor, resolver, undefined, settings);
  const upstreams = settings.servers.map((endpoint) => ({
    endpoint,
    target: targetFromHost(endpoint.host, endpoint.port),
    protocol: clientProtocol(endpoint, parts.means),
  }));
  const open = settings.inlets.map((inlet, i) => {
    const local: LocalContext = {
      relay: context,
      dialer,
      upstreams,
      credentials: new SocksCredentials(inlet.users),
      handshakeTimeoutMs: settings.connectTimeoutMs,
    };
    const acceptor = new SessionAcceptor(context, (fd, peer) => new LocalSession(local, fd, peer).start());
    return new TcpListener(context.reactor, listeners[i], acceptor);
  });
  return {
    stopListening() {
      for (const listener of open) listener.close();
    },
    release() {
      for (const { protocol } of upstreams) protocol.wipe();
    },
  };
}
