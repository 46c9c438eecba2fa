/** Datagrams of AEAD 2017 and of the 2022 edition byte for byte, as the existing implementations speak them. */

import { expect } from 'chai';
import type { Aead2017MethodName, Aead2022MethodName } from '../../src/config/types.js';
import { loadLibsodium } from '../../src/crypto/libsodium-cipher.js';
import { type AeadMethod, METHODS } from '../../src/crypto/methods.js';
import { Packets2017 } from '../../src/shadowsocks/aead-2017/packets.js';
import { ClientPackets2022 } from '../../src/shadowsocks/aead-2022/client-packets.js';
import { ServerPackets2022 } from '../../src/shadowsocks/aead-2022/server-packets.js';
import { keyringOf } from '../support/keyrings.js';
import { PacketStage, PacketWorld, scripted } from '../support/packets.js';
import { PlainFilter } from '../support/salt-filters.js';
import {
  type Aead2017UdpNegativeVector,
  fromHex,
  loadVectors,
  type Sip022PacketVector,
  toHex,
} from '../support/vectors.js';

const { aead2017, sip022 } = loadVectors();
const NOTHING = new Uint8Array(0);

function methodOf({ method }: Sip022PacketVector): AeadMethod {
  return METHODS[method as Aead2022MethodName];
}

function packetsOf(
  { method, password }: Pick<Aead2017UdpNegativeVector, 'method' | 'password'>,
  salt?: Uint8Array,
): Packets2017 {
  const salts = new PlainFilter();
  const keyring = keyringOf(method as Aead2017MethodName, password, salt, salts);
  return new Packets2017([{ user: '', keyring }], salts);
}

function isChaCha({ method }: Sip022PacketVector): boolean {
  return method.includes('chacha20');
}

/** The pieces of randomness of a packet after the session's id, in the order in which they are drawn. */
function drawsOf(row: Sip022PacketVector): Uint8Array[] {
  return [...(row.padding === '' ? [] : [fromHex(row.padding)]), ...(isChaCha(row) ? [fromHex(row.nonce)] : [])];
}

function plaintextOf(row: Sip022PacketVector): Buffer {
  return Buffer.concat([fromHex(row.address.bytes), fromHex(row.payload)]);
}

function worldOf(row: Sip022PacketVector): PacketWorld {
  const world = new PacketWorld();
  world.nowS = row.now;
  world.paddingLength = row.padding.length / 2;
  return world;
}

/** The server that such a packet is for: the one behind the first identity key, or behind none. */
function serverOf(row: Sip022PacketVector, world = worldOf(row)): ServerPackets2022 {
  const users = row.ipsks.length === 0 ? [] : [{ name: 'ann', key: fromHex(row.upsk) }];
  return new ServerPackets2022(methodOf(row), { key: fromHex(row.ipsks[0] ?? row.upsk), users }, world);
}

function clientOf(row: Sip022PacketVector, world: PacketWorld): ClientPackets2022 {
  const keys = { identityKeys: row.ipsks.map(fromHex), userKey: fromHex(row.upsk) };
  return new ClientPackets2022(methodOf(row), keys, world);
}

describe('datagrams, against the vectors', () => {
  const stage = new PacketStage();

  before(loadLibsodium);

  after(() => stage.release());

  describe('of AEAD 2017', () => {
    for (const row of aead2017.udp) {
      it(`${row.method}, ${row.direction}, ${row.payload.length / 2} bytes to ${row.address.type}`, () => {
        const end = packetsOf(row, fromHex(row.salt));
        expect(toHex(stage.seal(end, fromHex(row.plaintext)))).to.equal(row.packet);
        const other = packetsOf(row);
        expect(toHex(stage.open(other, fromHex(row.packet)) as Buffer)).to.equal(row.plaintext);
        expect(stage.open(other, fromHex(row.packet)), 'a second time').to.equal('replay');
        expect(stage.open(end, fromHex(row.packet)), 'sent back to where it came from').to.equal('replay');
        end.wipe();
        other.wipe();
      });
    }

    for (const row of aead2017.udp_negative) {
      it(`${row.method}, refused: ${row.why}`, () => {
        const end = packetsOf(row);
        expect(stage.open(end, fromHex(row.packet))).to.be.oneOf(['cipher', 'malformed']);
        end.wipe();
      });
    }
  });

  describe('of the 2022 edition, from a client', () => {
    for (const row of sip022.udp_client) {
      it(`${row.method}: ${row.note}`, () => {
        const world = worldOf(row);
        world.random = scripted(fromHex(row.session_id), ...drawsOf(row));
        const client = clientOf(row, world);
        const session = client.newSession(Number(row.packet_id));
        expect(toHex(stage.seal(session, plaintextOf(row)))).to.equal(row.packet);
        session.release();
        client.wipe();
      });

      // With two identity headers the first hop is a relay, which is no server of ours.
      if (row.ipsks.length > 1) continue;

      it(`${row.method}: ${row.note}, as a server reads it`, () => {
        const server = serverOf(row);
        const opened = stage.open(server, fromHex(row.packet));
        expect(toHex(opened as Buffer)).to.equal(toHex(plaintextOf(row)));
        expect(server.openedSession.user).to.equal(row.ipsks.length === 0 ? '' : 'ann');
        expect(stage.open(server, fromHex(row.packet)), 'a second time').to.equal('replay');
        server.openedSession.release();
        server.wipe();
      });
    }
  });

  describe('of the 2022 edition, from a server', () => {
    for (const row of sip022.udp_server) {
      /** A client's session with the id that the vector answers. */
      function clientSession(world: PacketWorld) {
        const client = clientOf(row, world);
        const { random } = world;
        world.random = scripted(fromHex(row.client_session_id ?? ''));
        const session = client.newSession();
        world.random = random;
        return { client, session };
      }

      it(`${row.method}: ${row.note}`, () => {
        const world = worldOf(row);
        const { client, session } = clientSession(world);
        const server = serverOf(row, world);
        const question = stage.seal(session, plaintextOf(row));
        world.random = scripted(fromHex(row.session_id), ...drawsOf(row));
        expect(stage.open(server, question)).to.be.instanceOf(Buffer);
        const answers = server.openedSession;
        if (row.packet_id !== '0') {
          world.paddingLength = 0;
          world.random = scripted(...(isChaCha(row) ? [new Uint8Array(24)] : []));
          for (let id = 0; id < Number(row.packet_id); id++) stage.seal(answers, plaintextOf(row));
          world.random = scripted(...drawsOf(row));
          world.paddingLength = row.padding.length / 2;
        }
        expect(toHex(stage.seal(answers, plaintextOf(row)))).to.equal(row.packet);
        answers.release();
        server.wipe();
        session.release();
        client.wipe();
      });

      it(`${row.method}: ${row.note}, as a client reads it`, () => {
        const { client, session } = clientSession(worldOf(row));
        expect(toHex(stage.open(session, fromHex(row.packet)) as Buffer)).to.equal(toHex(plaintextOf(row)));
        expect(stage.open(session, fromHex(row.packet)), 'a second time').to.equal('replay');
        session.release();
        client.wipe();
      });
    }
  });

  describe('of the 2022 edition, refused', () => {
    const reasons: Readonly<Record<string, string>> = {
      type: 'type',
      timestamp: 'time',
      client: 'session',
      tag: 'cipher',
    };

    for (const row of sip022.udp_negative) {
      it(`${row.method}, by a ${row.received_by}: ${row.why}`, () => {
        const world = worldOf(row);
        const reason = reasons[row.why.split(' ')[0]];
        if (row.received_by === 'server') {
          const server = serverOf(row, world);
          expect(stage.open(server, fromHex(row.packet))).to.equal(reason);
          expect(server.sessionCount, 'sessions').to.equal(0);
          if (row.good_packet !== undefined) {
            expect(toHex(stage.open(server, fromHex(row.good_packet)) as Buffer)).to.equal(toHex(plaintextOf(row)));
            // With ChaCha20 the id is known only once the tag is right.
            const again = isChaCha(row) ? 'cipher' : 'replay';
            expect(stage.open(server, fromHex(row.packet)), 'with a session').to.equal(again);
            server.openedSession.release();
          }
          if (reason === 'time') expect(world.skews).to.deep.equal([`client ${row.timestamp - row.now}`]);
          server.wipe();
        } else {
          // The packet speaks of some client's session; the negative about that is one of another client.
          const ours = sip022.udp_server.find(({ method }) => method === row.method)?.client_session_id ?? '';
          const client = clientOf(row, world);
          world.random = scripted(fromHex(ours));
          const session = client.newSession();
          world.random = scripted(NOTHING);
          expect(stage.open(session, fromHex(row.packet))).to.equal(reason);
          session.release();
          client.wipe();
        }
      });
    }
  });
});
