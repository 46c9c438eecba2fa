/** What all sessions of one inlet of the client share. */

import type { ShadowsocksEndpoint } from '../config/types.js';
import type { Target } from '../net/target.js';
import type { TcpDialer } from '../net/tcp-dialer.js';
import type { RelayContext } from '../relay/context.js';
import type { ClientProtocol } from '../shadowsocks/protocol.js';
import type { SocksCredentials } from '../socks/credentials.js';

/** A server that the client may use. */
export interface Upstream {
  readonly endpoint: ShadowsocksEndpoint;
  readonly target: Target;
  readonly protocol: ClientProtocol;
}

export interface LocalContext {
  readonly relay: RelayContext;
  readonly dialer: TcpDialer;
  /** In the order in which they are tried. */
  readonly upstreams: readonly Upstream[];
  readonly credentials: SocksCredentials;
  readonly handshakeTimeoutMs: number;
}
