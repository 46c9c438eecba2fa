/** Datagrams of every method that authenticates, generated: what is sealed comes out, what is changed or cut does not. */

import { expect } from 'chai';
import fc from 'fast-check';
import { AEAD_2017_METHODS, AEAD_2022_METHODS, type MethodName } from '../../src/config/types.js';
import { createSubkeyDerivation } from '../../src/crypto/hkdf.js';
import { loadLibsodium } from '../../src/crypto/libsodium-cipher.js';
import { createRandomSource } from '../../src/crypto/random.js';
import type { ClientPacketProtocol, ServerPacketProtocol } from '../../src/shadowsocks/packet-protocol.js';
import { clientPacketProtocol, serverPacketProtocol } from '../../src/shadowsocks/protocols.js';
import { PacketStage, PacketWorld } from '../support/packets.js';
import { endpoint } from '../support/proxy-pair.js';
import { PlainFilter } from '../support/salt-filters.js';

/** An end of its own, as if it were another process. */
function meansOfOneEnd() {
  const filter = new PlainFilter();
  const replay = {
    tcp2022: filter,
    tcp2017: filter,
    udp2017: filter,
    tcpUnauthenticated: filter,
    udpUnauthenticated: filter,
  };
  const { clock } = new PacketWorld();
  return { derivation: createSubkeyDerivation(), random: createRandomSource(), clock, replay };
}

describe('datagrams, whatever is in them', () => {
  const stage = new PacketStage();
  let ends: { client: ClientPacketProtocol; server: ServerPacketProtocol };

  before(loadLibsodium);

  after(() => stage.release());

  function open(method: MethodName): void {
    ends = {
      client: clientPacketProtocol(endpoint(0, method), meansOfOneEnd()),
      server: serverPacketProtocol(endpoint(0, method), meansOfOneEnd()),
    };
  }

  afterEach(() => {
    ends.client.wipe();
    ends.server.wipe();
  });

  const target = fc
    .constantFrom('01c6336435003580', '0361003500', `04${'20'.repeat(16)}01bb`)
    .map((hex) => Buffer.from(hex, 'hex'));
  const payload = fc.uint8Array({ maxLength: 2000 });
  /** Where something is changed, as a share of the packet, and how. */
  const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), bit: fc.nat(7) });

  for (const method of [...AEAD_2017_METHODS, ...AEAD_2022_METHODS]) {
    it(`come out as they went in, once, and not at all where they were changed or cut (${method})`, () => {
      open(method);
      const session = ends.client.newSession();
      fc.assert(
        fc.property(target, payload, change, (address, data, { at, bit }) => {
          const plaintext = Buffer.concat([address, data]);
          const packet = stage.seal(session, plaintext);
          const changed = Buffer.from(packet);
          changed[Math.floor(at * packet.length)] ^= 1 << bit;
          expect(stage.open(ends.server, changed)).to.be.a('string');
          expect(stage.open(ends.server, packet.subarray(0, Math.floor(at * packet.length)))).to.be.a('string');
          expect(stage.open(ends.server, packet)).to.deep.equal(plaintext);
          expect(stage.open(ends.server, packet)).to.be.a('string');
          const answer = stage.seal(ends.server.openedSession, plaintext);
          expect(stage.open(ends.server, answer)).to.be.a('string');
          expect(stage.open(session, answer)).to.deep.equal(plaintext);
          expect(stage.open(session, answer)).to.be.a('string');
        }),
        { numRuns: 60 },
      );
      ends.server.openedSession.release();
      session.release();
    });
  }
});
