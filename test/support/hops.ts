/** Hops of SIP023 as tests need them: their settings, and their codecs by themselves. */

import type { Aead2022MethodName, ShadowsocksEndpoint } from '../../src/config/types.js';
import { METHODS } from '../../src/crypto/methods.js';
import { type HopPackets2022, hopPackets2022 } from '../../src/shadowsocks/aead-2022/hop-packets.js';
import { hopProtocol2022 } from '../../src/shadowsocks/aead-2022/hop-protocol.js';
import type { ServerProtocol } from '../../src/shadowsocks/protocol.js';
import { PacketWorld } from './packets.js';

/** Methods that can have identity headers. */
export const HOP_METHODS = ['2022-blake3-aes-128-gcm', '2022-blake3-aes-256-gcm'] as const;

/** Where the hops of codec tests pass things on to, as it stands in front of a payload. */
export const NEXT_ADDRESS = Buffer.from('01c00002011092', 'hex');

interface HopKeys {
  readonly method: Aead2022MethodName;
  readonly ownKey: Uint8Array;
  /** Of the server behind it, as clients name it. */
  readonly nextKey: Uint8Array;
}

export function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('base64');
}

function endpointOf({ method, ownKey, nextKey }: HopKeys) {
  const destinations = [{ name: 'next', host: '192.0.2.1', port: 4242, password: textOf(nextKey) }];
  const endpoint: ShadowsocksEndpoint = { host: '127.0.0.1', port: 0, method, password: textOf(ownKey) };
  return { endpoint, destinations };
}

export function hopOf(keys: HopKeys): ServerProtocol {
  const { endpoint, destinations } = endpointOf(keys);
  return hopProtocol2022(endpoint, METHODS[keys.method], destinations);
}

export function packetHopOf(keys: HopKeys): HopPackets2022 {
  const { endpoint, destinations } = endpointOf(keys);
  return hopPackets2022(endpoint, METHODS[keys.method], destinations, new PacketWorld());
}
