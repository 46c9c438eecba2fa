/** Sessions of the 2022 edition's datagrams: replays, restarts, users, and what is remembered of a session that has ended. */

import { expect } from 'chai';
import { liveRegions } from '../../../../native-bindings/memory.js';
import { loadLibsodium } from '../../../../src/crypto/libsodium-cipher.js';
import { METHODS } from '../../../../src/crypto/methods.js';
import { ClientPackets2022 } from '../../../../src/shadowsocks/aead-2022/client-packets.js';
import { MAX_PADDING_LENGTH, padDns } from '../../../../src/shadowsocks/aead-2022/packet-padding.js';
import { MAX_REMEMBERED_SESSIONS, ServerPackets2022 } from '../../../../src/shadowsocks/aead-2022/server-packets.js';
import { MAX_SKEW_S } from '../../../../src/shadowsocks/aead-2022/time.js';
import type { ClientPacketSession } from '../../../../src/shadowsocks/packet-protocol.js';
import { PacketStage, PacketWorld } from '../../../support/packets.js';

const TARGET = Buffer.from('01c6336435003568656c6c6f', 'hex');
const METHOD_NAMES = ['2022-blake3-aes-128-gcm', '2022-blake3-chacha20-poly1305'] as const;

for (const name of METHOD_NAMES) {
  const method = METHODS[name];

  describe(`datagrams of ${name}`, () => {
    const stage = new PacketStage();
    const ends: (() => void)[] = [];
    let world = new PacketWorld();

    const keyOf = (seed: number): Uint8Array => new Uint8Array(method.keyLength).fill(seed);

    function server(users: readonly string[] = [], seed = 1): ServerPackets2022 {
      const keys = { key: keyOf(seed), users: users.map((user, i) => ({ name: user, key: keyOf(10 + i) })) };
      const made = new ServerPackets2022(method, keys, world);
      ends.push(() => made.wipe());
      return made;
    }

    function client(userSeed = 1, identitySeeds: readonly number[] = []): ClientPacketSession {
      const keys = { identityKeys: identitySeeds.map(keyOf), userKey: keyOf(userSeed) };
      const made = new ClientPackets2022(method, keys, world);
      const session = made.newSession();
      ends.push(() => made.wipe());
      ends.push(() => session.release());
      return session;
    }

    before(loadLibsodium);

    beforeEach(() => {
      world = new PacketWorld();
    });

    afterEach(() => {
      for (const end of ends.splice(0).reverse()) end();
    });

    after(() => stage.release());

    it('go there and back', () => {
      const there = server();
      const session = client();
      expect(stage.open(there, stage.seal(session, TARGET))).to.deep.equal(TARGET);
      expect(stage.open(session, stage.seal(there.openedSession, TARGET))).to.deep.equal(TARGET);
      there.openedSession.release();
    });

    it('are good once, in any order', () => {
      const there = server();
      const session = client();
      const packets = Array.from({ length: 20 }, () => stage.seal(session, TARGET)).reverse();
      for (const packet of packets) expect(stage.open(there, packet)).to.deep.equal(TARGET);
      for (const packet of packets) expect(stage.open(there, packet)).to.equal('replay');
      there.openedSession.release();
    });

    it('are refused outside of their time, on either side, and the difference is told', () => {
      const there = server();
      const session = client();
      for (const late of [MAX_SKEW_S + 1, -MAX_SKEW_S - 1]) {
        const packet = stage.seal(session, TARGET);
        world.nowS += late;
        expect(stage.open(there, packet)).to.equal('time');
        expect(world.skews.pop()).to.equal(`client ${-late}`);
        world.nowS -= late;
      }
      expect(there.sessionCount).to.equal(0);
      const early = stage.seal(session, TARGET);
      world.nowS -= MAX_SKEW_S;
      expect(stage.open(there, early)).to.deep.equal(TARGET);
      there.openedSession.release();
    });

    it('meet the window that their session left, for as long as they could be played again', () => {
      const there = server();
      const session = client();
      const packet = stage.seal(session, TARGET);
      expect(stage.open(there, packet)).to.deep.equal(TARGET);
      there.openedSession.release();
      world.pass(20);
      expect(stage.open(there, packet)).to.equal('replay');
      expect(stage.open(there, stage.seal(session, TARGET)), 'it comes back').to.deep.equal(TARGET);
      expect(stage.open(session, stage.seal(there.openedSession, TARGET)), 'and is answered').to.deep.equal(TARGET);
      there.openedSession.release();
      there.openedSession.release();
      expect(there.sessionCount).to.equal(1);
      world.pass(61);
      stage.open(there, stage.seal(client(), TARGET));
      there.openedSession.release();
      expect(there.sessionCount, 'the new one alone').to.equal(1);
    });

    it('of a restarted server are taken, those of the one before still, those of a third not for a minute', () => {
      const session = client();
      const servers = [server(), server(), server()];
      const question = stage.seal(session, TARGET);
      const sessions = servers.map((each) => {
        expect(stage.open(each, question)).to.deep.equal(TARGET);
        return each.openedSession;
      });
      const answers = (i: number): unknown => stage.open(session, stage.seal(sessions[i], TARGET));
      expect([0, 1, 0, 1].map(answers)).to.deep.equal([TARGET, TARGET, TARGET, TARGET]);
      expect(answers(2)).to.equal('session');
      world.pass(59);
      expect(answers(2)).to.equal('session');
      world.pass(1);
      expect(answers(2)).to.deep.equal(TARGET);
      expect(answers(1)).to.deep.equal(TARGET);
      expect(answers(0), 'forgotten, and so a third').to.equal('session');
      for (const each of sessions) each.release();
    });

    it('are not taken for those of another session of the same client', () => {
      const there = server();
      const [one, other] = [client(), client()];
      stage.open(there, stage.seal(one, TARGET));
      const answer = stage.seal(there.openedSession, TARGET);
      expect(stage.open(other, answer)).to.equal('session');
      expect(stage.open(one, answer)).to.deep.equal(TARGET);
      there.openedSession.release();
    });

    it('of any length are refused without a word where they are changed or cut', () => {
      const there = server();
      const session = client();
      const packet = stage.seal(session, TARGET);
      for (let length = 0; length < packet.length; length++) {
        expect(stage.open(there, packet.subarray(0, length))).to.be.oneOf(['malformed', 'cipher']);
      }
      for (let at = 0; at < packet.length; at++) {
        const changed = Buffer.from(packet);
        changed[at] ^= 0x10;
        expect(stage.open(there, changed)).to.be.oneOf(['cipher', 'replay']);
      }
      expect(there.sessionCount).to.equal(0);
      expect(stage.open(there, packet)).to.deep.equal(TARGET);
      there.openedSession.release();
    });

    it('need a key that is ours', () => {
      expect(stage.open(server(), stage.seal(client(2), TARGET))).to.equal('cipher');
    });

    it('give memory back', () => {
      const before = liveRegions();
      stage.open(server(), stage.seal(client(), TARGET));
      for (const end of ends.splice(0).reverse()) end();
      expect(liveRegions()).to.equal(before);
    });

    if (name === '2022-blake3-chacha20-poly1305') return;

    it('are told apart by user, and answered with that user’s key', () => {
      const there = server(['ann', 'bob']);
      for (const [i, user] of ['ann', 'bob', 'ann'].entries()) {
        const session = client(10 + (i % 2), [1]);
        expect(stage.open(there, stage.seal(session, TARGET))).to.deep.equal(TARGET);
        expect(there.openedSession.user).to.equal(user);
        expect(stage.open(session, stage.seal(there.openedSession, TARGET))).to.deep.equal(TARGET);
        there.openedSession.release();
      }
    });

    it('of an unknown user, or of none, are refused where there are users', () => {
      const there = server(['ann', 'bob']);
      expect(stage.open(there, stage.seal(client(30, [1]), TARGET))).to.equal('user');
      expect(stage.open(there, stage.seal(client(1), TARGET))).to.be.oneOf(['user', 'malformed']);
      expect(stage.open(server([], 10), stage.seal(client(10, [10]), TARGET)), 'without users').to.equal('cipher');
      expect(there.sessionCount).to.equal(0);
    });

    it('remember no more sessions than there may be', () => {
      const there = server();
      for (let i = 0; i < MAX_REMEMBERED_SESSIONS + 50; i++) {
        const session = client();
        stage.open(there, stage.seal(session, TARGET));
        there.openedSession.release();
        session.release();
        ends.splice(1);
      }
      expect(there.sessionCount).to.be.at.most(MAX_REMEMBERED_SESSIONS + 1);
    });
  });
}

describe('the padding of datagrams', () => {
  const world = new PacketWorld();
  const padding = padDns(world.random);

  it('is for DNS alone, never past its maximum, and never none', () => {
    const dns = Buffer.concat([Buffer.from('01080808080035', 'hex'), Buffer.alloc(40)]);
    const lengths = Array.from({ length: 500 }, () => padding(dns, 0, dns.length));
    expect(Math.min(...lengths)).to.be.at.least(1);
    expect(Math.max(...lengths)).to.be.at.most(MAX_PADDING_LENGTH - 40);
    expect(new Set(lengths).size).to.be.greaterThan(100);
    const web = Buffer.from('010808080801bb', 'hex');
    expect(padding(web, 0, web.length)).to.equal(0);
  });

  it('finds the port behind a name and an IPv6 address, and leaves long packets alone', () => {
    for (const address of ['030278790035', `${'04'.padEnd(34, '0')}0035`]) {
      const packet = Buffer.from(address, 'hex');
      expect(padding(packet, 0, packet.length)).to.be.greaterThan(0);
      const long = Buffer.concat([packet, Buffer.alloc(MAX_PADDING_LENGTH)]);
      expect(padding(long, 0, long.length)).to.equal(0);
    }
  });
});
