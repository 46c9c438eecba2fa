/**
 * Datagrams of AEAD 2017 and of the 2022 edition on either end. Random changes to sealed bytes end at the tag; so the same is also done to what is
 * inside, by a peer who has the key.
 */

import { Region } from '../../../native-bindings/memory.js';
import { METHODS } from '../../../src/crypto/methods.js';
import { createRandomSource } from '../../../src/crypto/random.js';
import { Packets2017 } from '../../../src/shadowsocks/aead-2017/packets.js';
import { ClientPackets2022 } from '../../../src/shadowsocks/aead-2022/client-packets.js';
import { writeIds } from '../../../src/shadowsocks/aead-2022/packet-cipher.js';
import { PacketMeans } from '../../../src/shadowsocks/aead-2022/packet-means.js';
import { ServerPackets2022 } from '../../../src/shadowsocks/aead-2022/server-packets.js';
import { BAD_UDP_HEADER, readUdpHeader, UDP_HEADER_LENGTH } from '../../../src/socks/udp-header.js';
import { keyringOf } from '../../support/keyrings.js';
import { PacketWorld } from '../../support/packets.js';
import { FORGETFUL } from '../../support/salt-filters.js';
import { fromHex, loadVectors } from '../../support/vectors.js';
import { type FuzzTarget, must } from '../target.js';

const NAMES = ['2022-blake3-aes-128-gcm', '2022-blake3-chacha20-poly1305'] as const;
const { aead2017, sip022, address } = loadVectors();
const input = new Region(65_536);
const output = new Region(65_536);
const OUTPUT_AT = 64;

interface Opens {
  readonly openedAt: number;
  open(input: Region, at: number, length: number, output: Region, outputAt: number): number;
}

/** Opens a packet. @returns the length of its plaintext, or a negative reason */
function open(by: Opens, length: number): number {
  const opened = by.open(input, 0, length, output, OUTPUT_AT);
  if (opened < 0) return opened;
  must(opened <= length, 'no more comes out than went in');
  must(by.openedAt >= OUTPUT_AT && by.openedAt + opened <= OUTPUT_AT + length, 'it lies where it may be');
  return opened;
}

function changed2017(): FuzzTarget {
  const method = 'aes-128-gcm';
  const rows = aead2017.udp.filter((row) => row.method === method);
  const end = new Packets2017([{ user: '', keyring: keyringOf(method, rows[0].password) }], FORGETFUL);
  return {
    name: 'AEAD 2017 datagram, changed on the way',
    corpus: rows.map(({ packet }) => fromHex(packet)),
    run(bytes) {
      input.bytes.set(bytes, 0);
      return open(end, bytes.length) >= 0;
    },
  };
}

/** A session id that says whose packet it is, and ids that go up, so that no packet is a replay. */
const SESSION_ID = fromHex('0102030405060708');

/** Bodies as they may be, with the address and payload of the vectors. */
function bodies(type: number, sessionId: string): Uint8Array[] {
  return sip022.udp_client.map(({ padding, address: { bytes }, payload }) => {
    const length = (padding.length / 2).toString(16).padStart(4, '0');
    return fromHex(`0${type}000000006553f100${sessionId}${length}${padding}${bytes}${payload}`);
  });
}

function ofPeer2022(name: (typeof NAMES)[number], receiver: 'client' | 'server'): FuzzTarget {
  const method = METHODS[name];
  const key = new Uint8Array(method.keyLength).fill(1);
  const world = new PacketWorld();
  const drawn = world.random;
  world.random = (into, at, length) => into.fill(2, at, at + length);
  const client = new ClientPackets2022(method, { identityKeys: [], userKey: key.slice() }, world).newSession();
  world.random = drawn;
  const by: Opens =
    receiver === 'client' ? client : new ServerPackets2022(method, { key: key.slice(), users: [] }, world);
  const means = new PacketMeans(method, { ...world, random: createRandomSource() });
  const sealer = means.sealer([], key);
  const sessionKey = means.sessionSealingKey(key, SESSION_ID);
  let packetId = 0;
  return {
    name: `${name} datagram to a ${receiver}, of a peer with the key`,
    corpus: receiver === 'client' ? bodies(1, '02'.repeat(8)) : bodies(0, ''),
    run(body) {
      output.bytes.set(body, OUTPUT_AT);
      writeIds(means.ids, SESSION_ID, packetId++);
      return open(by, sealer.seal(sessionKey, output, OUTPUT_AT, body.length, input, 0)) >= 0;
    },
  };
}

function changed2022(name: (typeof NAMES)[number]): FuzzTarget {
  const rows = sip022.udp_client.filter(({ method, ipsks }) => method === name && ipsks.length === 0);
  const world = new PacketWorld();
  const server = new ServerPackets2022(METHODS[name], { key: fromHex(rows[0].upsk), users: [] }, world);
  return {
    name: `${name} datagram, changed on the way`,
    corpus: rows.map(({ packet }) => fromHex(packet)),
    run(bytes) {
      input.bytes.set(bytes, 0);
      const taken = open(server, bytes.length) >= 0;
      if (!taken) return false;
      // Its session is forgotten, so that the next one is no replay.
      world.grow();
      server.openedSession.release();
      return true;
    },
  };
}

const socksHeader: FuzzTarget = {
  name: 'SOCKS5 datagram header',
  corpus: [...address.valid, ...address.negative].map(({ bytes }) => fromHex(`000000${bytes}61`)),
  run(bytes) {
    const length = readUdpHeader(bytes, 0, bytes.length);
    must(length >= BAD_UDP_HEADER.address, 'a length or a reason');
    must(length < 0 || length <= bytes.length - UDP_HEADER_LENGTH, 'the address is inside');
    return length > 0;
  },
};

export const PACKET_TARGETS: readonly FuzzTarget[] = [
  changed2017(),
  ...NAMES.map(changed2022),
  ...NAMES.flatMap((name) => [ofPeer2022(name, 'server'), ofPeer2022(name, 'client')]),
  socksHeader,
];
