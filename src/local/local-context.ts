/** What all sessions of one inlet of the client share. */

import type { InletKind, ShadowsocksEndpoint } from '../config/types.js';
import type { Target } from '../net/target.js';
import type { TcpDialer } from '../net/tcp-dialer.js';
import type { AssociationTable } from '../relay/association-table.js';
import type { RelayContext } from '../relay/context.js';
import type { ClientProtocol } from '../shadowsocks/protocol.js';
import type { SocksCredentials } from '../socks/credentials.js';
import type { IdleConversations } from './idle-conversations.js';
import type { PacketLinkContext } from './packet-link.js';

/** A server that the client may use. */
export interface Upstream {
  readonly endpoint: ShadowsocksEndpoint;
  readonly target: Target;
  readonly protocol: ClientProtocol;
}

/** What an inlet's UDP associations share. */
export interface UdpInlet {
  readonly link: PacketLinkContext;
  readonly table: AssociationTable;
}

export interface LocalContext {
  readonly kind: InletKind;
  /** Where all connections of a tunnel go. */
  readonly forward: Target | undefined;
  readonly relay: RelayContext;
  readonly dialer: TcpDialer;
  /** In the order in which they are tried; none where the inlet carries UDP alone. */
  readonly upstreams: readonly Upstream[];
  /** Absent where the inlet carries TCP alone. */
  readonly udp: UdpInlet | undefined;
  readonly credentials: SocksCredentials;
  readonly handshakeTimeoutMs: number;
  readonly idle: IdleConversations;
}
