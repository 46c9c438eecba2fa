/** Which protocol a method belongs to. The one place that knows all of them. */

import type { ShadowsocksEndpoint } from '../config/types.js';
import { type AeadMethod, METHODS, type Method, type PlainMethod, type StreamMethod } from '../crypto/methods.js';
import type { RandomSource } from '../crypto/random.js';
import { Packets2017, type PacketUser2017 } from './aead-2017/packets.js';
import { clientProtocol2017, serverProtocol2017 } from './aead-2017/tcp-protocol.js';
import { ClientPackets2022 } from './aead-2022/client-packets.js';
import { hopPackets2022 } from './aead-2022/hop-packets.js';
import { hopProtocol2022 } from './aead-2022/hop-protocol.js';
import { keyChainOf } from './aead-2022/keys.js';
import { packetSurroundings } from './aead-2022/packet-means.js';
import { type ServerPacketKeys, ServerPackets2022 } from './aead-2022/server-packets.js';
import { clientProtocol2022, serverProtocol2022 } from './aead-2022/tcp-protocol.js';
import { Keyring, masterKeyOf } from './keyring.js';
import type { ProtocolMeans } from './means.js';
import type { ClientPacketProtocol, ServerPacketProtocol } from './packet-protocol.js';
import type { ClientProtocol, ServerProtocol } from './protocol.js';
import type { SaltFilter } from './salt-filter.js';
import { UnauthenticatedKeyring } from './stream/keyring.js';
import { UnauthenticatedPackets } from './stream/packets.js';
import { unauthenticatedClient, unauthenticatedServer } from './stream/protocol.js';

export function clientProtocol(endpoint: ShadowsocksEndpoint, means: ProtocolMeans): ClientProtocol {
  const method: Method = METHODS[endpoint.method];
  switch (method.family) {
    case 'aead-2017':
      return clientProtocol2017(endpoint, method, means);
    case 'aead-2022':
      return clientProtocol2022(endpoint, method, means);
    case 'stream':
    case 'plain':
      return unauthenticatedClient(
        unauthenticatedKeyringOf(endpoint, method, means.random, means.replay.tcpUnauthenticated),
      );
    default:
      return unknownFamily(method);
  }
}

export function serverProtocol(endpoint: ShadowsocksEndpoint, means: ProtocolMeans): ServerProtocol {
  const method: Method = METHODS[endpoint.method];
  switch (method.family) {
    case 'aead-2017':
      return serverProtocol2017(endpoint, method, means);
    case 'aead-2022':
      return endpoint.destinations === undefined
        ? serverProtocol2022(endpoint, method, means)
        : hopProtocol2022(endpoint, method, endpoint.destinations);
    case 'stream':
    case 'plain':
      return unauthenticatedServer(
        unauthenticatedKeyringOf(endpoint, method, means.random, means.replay.tcpUnauthenticated),
      );
    default:
      return unknownFamily(method);
  }
}

/** How a client's associations speak to a server over UDP. */
export function clientPacketProtocol(endpoint: ShadowsocksEndpoint, means: ProtocolMeans): ClientPacketProtocol {
  const method: Method = METHODS[endpoint.method];
  switch (method.family) {
    case 'aead-2017':
      return new Packets2017([{ user: '', keyring: packetKeyringOf(endpoint, method, means) }], means.replay.udp2017);
    case 'aead-2022':
      return new ClientPackets2022(method, keyChainOf(endpoint, method.keyLength), packetSurroundings(means));
    case 'stream':
    case 'plain':
      return new UnauthenticatedPackets(
        unauthenticatedKeyringOf(endpoint, method, means.random, means.replay.udpUnauthenticated),
      );
    default:
      return unknownFamily(method);
  }
}

/** How a server's port speaks to its clients over UDP. */
export function serverPacketProtocol(endpoint: ShadowsocksEndpoint, means: ProtocolMeans): ServerPacketProtocol {
  const method: Method = METHODS[endpoint.method];
  switch (method.family) {
    case 'aead-2017':
      return new Packets2017(packetUsers2017(endpoint, method, means), means.replay.udp2017);
    case 'aead-2022':
      return endpoint.destinations === undefined
        ? new ServerPackets2022(method, serverPacketKeys(endpoint, method), packetSurroundings(means))
        : hopPackets2022(endpoint, method, endpoint.destinations, packetSurroundings(means));
    case 'stream':
    case 'plain':
      return new UnauthenticatedPackets(
        unauthenticatedKeyringOf(endpoint, method, means.random, means.replay.udpUnauthenticated),
      );
    default:
      return unknownFamily(method);
  }
}

function packetUsers2017(endpoint: ShadowsocksEndpoint, method: AeadMethod, means: ProtocolMeans): PacketUser2017[] {
  const { users = [] } = endpoint;
  if (users.length === 0) return [{ user: '', keyring: packetKeyringOf(endpoint, method, means) }];
  return users.map(({ name, password }) => {
    const { key: _key, ...own } = { ...endpoint, password };
    return { user: name, keyring: packetKeyringOf(own, method, means) };
  });
}

function serverPacketKeys(endpoint: ShadowsocksEndpoint, { keyLength }: AeadMethod): ServerPacketKeys {
  const users = (endpoint.users ?? []).map(({ name, password }) => {
    const { key: _key, ...own } = { ...endpoint, password };
    return { name, key: keyChainOf(own, keyLength).userKey };
  });
  return { key: keyChainOf(endpoint, keyLength).userKey, users };
}

function packetKeyringOf(
  endpoint: ShadowsocksEndpoint,
  method: AeadMethod,
  { derivation, random, replay }: ProtocolMeans,
): Keyring {
  return new Keyring(method, masterKeyOf(endpoint), derivation, random, replay.udp2017);
}

function unauthenticatedKeyringOf(
  endpoint: ShadowsocksEndpoint,
  method: StreamMethod | PlainMethod,
  random: RandomSource,
  used: SaltFilter,
): UnauthenticatedKeyring {
  return new UnauthenticatedKeyring(
    method.family === 'stream' ? method : undefined,
    masterKeyOf(endpoint),
    random,
    used,
  );
}

function unknownFamily(method: never): never {
  throw new RangeError(`no protocol for ${JSON.stringify(method)}`);
}
