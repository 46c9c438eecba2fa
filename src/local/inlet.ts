/** Which protocol a program speaks, by the first byte that it sends. */

import type { SocksCredentials } from '../socks/credentials.js';
import type { SocksHandshake } from '../socks/handshake.js';
import { SOCKS_VERSION } from '../socks/reply.js';
import { SOCKS4_VERSION, Socks4Handshake } from '../socks/socks4.js';
import { Socks5Handshake } from '../socks/socks5.js';

/** @returns undefined where it is not SOCKS */
export function socksHandshake(firstByte: number, credentials: SocksCredentials): SocksHandshake | undefined {
  if (firstByte === SOCKS_VERSION) return new Socks5Handshake(credentials);
  if (firstByte === SOCKS4_VERSION) return new Socks4Handshake(!credentials.required);
  return undefined;
}
