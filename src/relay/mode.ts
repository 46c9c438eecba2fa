/** What the control plane sees of a mode (client or server) that runs on a reactor. */

import type { NameResolver } from '../net/name-resolver.js';
import type { ProtocolMeans } from '../shadowsocks/means.js';
import type { RelayContext } from './context.js';

/** What a mode is given. */
export interface ModeParts {
  readonly context: RelayContext;
  readonly resolver: NameResolver;
  readonly means: ProtocolMeans;
}

/** The descriptors of one address that a reactor accepts or receives on; −1 where there is none. */
export interface PortDescriptors {
  readonly tcp: number;
  /** One reactor's alone, so that the sessions of its datagrams are never split. */
  readonly udp: number;
}

export interface Mode {
  /** No new connections from now on; those that are there live on. */
  stopListening(): void;
  /** Forgets keys. Called when no session is left. */
  release(): void;
}
