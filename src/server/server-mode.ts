/** The server on one reactor: its listeners, what their sessions share. */

import type { ServerSettings } from '../config/types.js';
import { EgressPolicy, ELSEWHERE } from '../net/egress-policy.js';
import { TcpDialer } from '../net/tcp-dialer.js';
import { TcpListener } from '../net/tcp-listener.js';
import type { Mode, ModeParts, PortDescriptors } from '../relay/mode.js';
import { SessionAcceptor } from '../relay/session-acceptor.js';
import { serverPacketProtocol, serverProtocol } from '../shadowsocks/protocols.js';
import { Destinations } from './destinations.js';
import { type ServerContext, ServerSession } from './server-session.js';
import { UdpPort } from './udp-port.js';

/** For hops, whose destinations are the owner's choice and not a client's. */
const EVERYWHERE = ['0.0.0.0/0', '::/0'];

/**
 * Starts the server on a reactor.
 * @param listeners the descriptors of each port
 */
export function startServerMode(
  settings: ServerSettings,
  listeners: readonly PortDescriptors[],
  parts: ModeParts,
): Mode {
  const { context, resolver } = parts;
  const waysOut = (egressAllow: readonly string[], watched?: EgressPolicy) => {
    const policy = new EgressPolicy(egressAllow);
    return {
      dialer: new TcpDialer(context.reactor, resolver, policy, settings, watched),
      destinations: new Destinations(context.reactor, resolver, policy, settings.ipv6First, (error) =>
        context.reportBug(error),
      ),
    };
  };
  const ofClients = waysOut(settings.egressAllow);
  const ofHops = waysOut(EVERYWHERE, ELSEWHERE);
  const opened: { close(): void }[] = [];
  const protocols: { wipe(): void }[] = [];
  settings.listen.forEach((endpoint, i) => {
    const { tcp, udp } = listeners[i];
    const isHop = endpoint.destinations !== undefined;
    const { dialer, destinations } = isHop ? ofHops : ofClients;
    if (tcp >= 0) {
      const protocol = serverProtocol(endpoint, parts.means);
      protocols.push(protocol);
      const server: ServerContext = {
        relay: context,
        dialer,
        protocol,
        isHop,
        probeTimeoutMs: settings.probeTimeoutMs === 0 ? Number.POSITIVE_INFINITY : settings.probeTimeoutMs,
      };
      const acceptor = new SessionAcceptor(context, (fd, peer) => new ServerSession(server, fd, peer));
      opened.push(new TcpListener(context.reactor, tcp, acceptor));
    }
    if (udp >= 0) {
      const protocol = serverPacketProtocol(endpoint, parts.means);
      protocols.push(protocol);
      opened.push(new UdpPort(context, udp, protocol, destinations, settings));
    }
  });
  return {
    stopListening() {
      for (const each of opened) each.close();
    },
    release() {
      for (const { dialer, destinations } of [ofClients, ofHops]) {
        dialer.used.close();
        destinations.close();
      }
      for (const protocol of protocols) protocol.wipe();
    },
  };
}
