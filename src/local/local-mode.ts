/** The client on one reactor: its listeners, what their sessions share. */

import { close } from '../../native-bindings/socket.js';
import { DEFAULTS, type LocalInlet, type LocalSettings, type ShadowsocksEndpoint } from '../config/types.js';
import { ELSEWHERE } from '../net/egress-policy.js';
import { type Target, targetFromHost } from '../net/target.js';
import { TcpDialer } from '../net/tcp-dialer.js';
import { TcpListener } from '../net/tcp-listener.js';
import { AssociationTable } from '../relay/association-table.js';
import type { RelayContext } from '../relay/context.js';
import type { Mode, ModeParts, PortDescriptors } from '../relay/mode.js';
import { SessionAcceptor } from '../relay/session-acceptor.js';
import { clientPacketProtocol, clientProtocol } from '../shadowsocks/protocols.js';
import { SocksCredentials } from '../socks/credentials.js';
import { IdleConversations } from './idle-conversations.js';
import type { LocalContext } from './local-context.js';
import { LocalSession } from './local-session.js';
import type { PacketLinkContext } from './packet-link.js';
import { UdpTunnel } from './udp-tunnel.js';

/**
 * Starts the client on a reactor.
 * @param listeners the descriptors of each inlet
 */
export function startLocalMode(settings: LocalSettings, listeners: readonly PortDescriptors[], parts: ModeParts): Mode {
  const { context } = parts;
  // A client's server may well be on its own machine or network: egress is the server's policy.
  const dialer = new TcpDialer(context.reactor, parts.resolver, undefined, settings, ELSEWHERE);
  const upstreams = settings.servers
    .filter(({ mode }) => mode !== 'udp_only')
    .map((endpoint) => ({
      endpoint,
      target: targetFromHost(endpoint.host, endpoint.port),
      protocol: clientProtocol(endpoint, parts.means),
    }));
  const links = packetLinks(settings, parts);
  const idle = new IdleConversations();
  const opened: { close(): void }[] = [];
  settings.inlets.forEach((inlet, i) => {
    const { tcp, udp } = listeners[i];
    const link = carriesUdp(inlet) ? links : undefined;
    const table = associationTable(settings, context);
    if (tcp >= 0) {
      const { kind = 'mixed' } = inlet;
      const local: LocalContext = {
        kind,
        forward: kind === 'tunnel' ? forwardOf(inlet) : undefined,
        relay: context,
        dialer,
        upstreams: inlet.mode === 'udp_only' ? [] : upstreams,
        udp: link === undefined ? undefined : { link, table },
        credentials: new SocksCredentials(inlet.users),
        handshakeTimeoutMs: settings.connectTimeoutMs,
        idle,
      };
      const acceptor = new SessionAcceptor(context, (fd, peer) => new LocalSession(local, fd, peer).start());
      opened.push(new TcpListener(context.reactor, tcp, acceptor));
    }
    // Datagrams have no end that could be waited for.
    opened.push({ close: () => table.endAll('stopped') });
    if (udp < 0) return;
    if (link !== undefined) {
      opened.push(new UdpTunnel(link, udp, forwardOf(inlet), table));
    } else {
      close(udp);
      context.log.write('warn', 'no server carries UDP, so this port is closed for it', { port: inlet.port });
    }
  });
  return {
    stopListening() {
      for (const each of opened) each.close();
      idle.stop();
    },
    release() {
      dialer.used.close();
      for (const { protocol } of upstreams) protocol.wipe();
      links?.upstream.protocol.wipe();
    },
  };
}

function carriesUdp({ mode = DEFAULTS.mode }: LocalInlet | ShadowsocksEndpoint): boolean {
  return mode !== 'tcp_only';
}

/** What associations reach the server by; absent where no inlet, or no server, carries UDP. */
function packetLinks(settings: LocalSettings, { context, resolver, means }: ModeParts): PacketLinkContext | undefined {
  const endpoint = settings.servers.find(carriesUdp);
  if (endpoint === undefined || !settings.inlets.some(carriesUdp)) return undefined;
  const upstream = {
    target: targetFromHost(endpoint.host, endpoint.port),
    protocol: clientPacketProtocol(endpoint, means),
  };
  return { relay: context, packets: context.packets, resolver, upstream, ipv6First: settings.ipv6First };
}

function associationTable(
  { udpTimeoutMs, udpMaxAssociations }: LocalSettings,
  context: RelayContext,
): AssociationTable {
  return new AssociationTable(context.reactor, udpTimeoutMs, udpMaxAssociations, (error) => context.reportBug(error));
}

function forwardOf({ host, port, forward }: LocalInlet): Target {
  if (forward === undefined) throw new Error(`the tunnel on ${host}:${port} leads nowhere`);
  return targetFromHost(forward.host, forward.port);
}
