/** Socket addresses as a log shows them. */

import type { SocketAddress } from '../../native-bindings/sockaddr.js';
import { unmapIpv4 } from './ip-address.js';
import { formatTarget } from './target.js';

/** `192.0.2.1:443`, `[2001:db8::1]:443`, a path; an IPv4 peer of a dual-stack socket as IPv4. */
export function peerText(address: SocketAddress | undefined): string {
  if (address === undefined) return '';
  if (address.family === 'unix') return address.path;
  return formatTarget({ kind: 'ip', address: unmapIpv4(address), port: address.port });
}
