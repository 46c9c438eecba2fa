/** From an endpoint's settings to what opens and seals its datagrams, method by method. */

import { expect } from 'chai';
import {
  AEAD_2017_METHODS,
  AEAD_2022_METHODS,
  type EndpointUser,
  type MethodName,
  PLAIN_METHODS,
  type ShadowsocksEndpoint,
  STREAM_METHODS,
} from '../../../src/config/types.js';
import { createSubkeyDerivation } from '../../../src/crypto/hkdf.js';
import { loadLibsodium } from '../../../src/crypto/libsodium-cipher.js';
import { METHODS } from '../../../src/crypto/methods.js';
import { createRandomSource } from '../../../src/crypto/random.js';
import { loadSalsa20 } from '../../../src/crypto/salsa20-cipher.js';
import type { ProtocolMeans } from '../../../src/shadowsocks/means.js';
import type { ClientPacketProtocol, ServerPacketProtocol } from '../../../src/shadowsocks/packet-protocol.js';
import { clientPacketProtocol, serverPacketProtocol } from '../../../src/shadowsocks/protocols.js';
import { allocateReplayMemory, openReplayFilters } from '../../../src/shadowsocks/replay.js';
import { TestClock } from '../../support/aead-2022.js';
import { PacketStage } from '../../support/packets.js';

const PLAINTEXT = Buffer.from('01c6336435005068656c6c6f', 'hex');

/** Each end is a process of its own. */
function means(): ProtocolMeans {
  const replay = openReplayFilters(allocateReplayMemory('server'));
  return { derivation: createSubkeyDerivation(), random: createRandomSource(), clock: new TestClock(), replay };
}

/** What a method takes for a password. */
function secret(method: MethodName, seed: number): string {
  const { keyLength } = METHODS[method];
  return method.startsWith('2022') ? Buffer.alloc(keyLength, seed).toString('base64') : `password ${seed}`;
}

describe('the protocols of datagrams', () => {
  const stage = new PacketStage();
  const ends: (() => void)[] = [];

  const endpointOf = (
    method: MethodName,
    password: string,
    users: readonly EndpointUser[] = [],
  ): ShadowsocksEndpoint => ({
    host: '',
    port: 0,
    method,
    password,
    users,
  });

  function server(method: MethodName, password: string, users?: readonly EndpointUser[]): ServerPacketProtocol {
    const made = serverPacketProtocol(endpointOf(method, password, users), means());
    ends.push(() => made.wipe());
    return made;
  }

  function client(method: MethodName, password: string): ClientPacketProtocol {
    const made = clientPacketProtocol(endpointOf(method, password), means());
    ends.push(() => made.wipe());
    return made;
  }

  before(() => Promise.all([loadLibsodium(), loadSalsa20()]));

  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  after(() => stage.release());

  for (const method of [...AEAD_2017_METHODS, ...AEAD_2022_METHODS, ...STREAM_METHODS, ...PLAIN_METHODS]) {
    it(`understand each other with ${method}, empty payloads and large ones as well`, () => {
      const there = server(method, secret(method, 1));
      const session = client(method, secret(method, 1)).newSession();
      for (const payload of [0, 1, 512, 1400, 65_000]) {
        const plaintext = Buffer.concat([PLAINTEXT.subarray(0, 7), Buffer.alloc(payload, 0x61)]);
        expect(stage.open(there, stage.seal(session, plaintext))).to.deep.equal(plaintext);
        expect(stage.open(session, stage.seal(there.openedSession, plaintext))).to.deep.equal(plaintext);
      }
      there.openedSession.release();
      session.release();
    });
  }

  for (const method of [...AEAD_2017_METHODS, ...AEAD_2022_METHODS, ...STREAM_METHODS]) {
    it(`do not take their own packets back with ${method}`, () => {
      const there = server(method, secret(method, 1));
      const session = client(method, secret(method, 1)).newSession();
      const question = stage.seal(session, PLAINTEXT);
      stage.open(there, question);
      expect(stage.open(there, stage.seal(there.openedSession, PLAINTEXT))).to.be.a('string');
      expect(stage.open(session, question)).to.be.a('string');
      there.openedSession.release();
      session.release();
    });
  }

  for (const method of AEAD_2017_METHODS) {
    it(`open packets that came together as singly, whoever they are from, with ${method}`, () => {
      const users = ['ann', 'bob'].map((name, i) => ({ name, password: secret(method, 10 + i) }));
      const there = server(method, secret(method, 1), users);
      const [ann, bob] = users.map(({ password }) => client(method, password).newSession());
      const stranger = client(method, secret(method, 20)).newSession();
      const texts = Array.from({ length: 5 }, (_, i) => Buffer.concat([PLAINTEXT, Buffer.alloc(i * 100, i)]));
      const sealed = texts.map((text, i) => stage.seal(i % 2 === 0 ? ann : bob, text));
      const tampered = Buffer.from(stage.seal(ann, PLAINTEXT));
      tampered[0] ^= 1;
      const all = [sealed[0], sealed[1], stage.seal(stranger, PLAINTEXT), sealed[2], sealed[0], tampered, sealed[4]];
      const outcome = [texts[0], texts[1], 'cipher', texts[2], 'replay', 'cipher', texts[4]];
      expect(stage.openAll(there, all)).to.deep.equal(outcome);
      expect(stage.openAll(there, [sealed[3], sealed[1], Buffer.alloc(3)])).to.deep.equal([
        texts[3],
        'replay',
        'malformed',
      ]);
      for (const session of [ann, bob, stranger]) session.release();
    });
  }

  for (const method of ['aes-256-gcm', '2022-blake3-aes-256-gcm'] as const) {
    it(`know the users of a port with ${method}`, () => {
      const names = ['ann', 'bob', 'cat'];
      const users = names.map((name, i) => ({ name, password: secret(method, 10 + i) }));
      const there = server(method, secret(method, 1), users);
      const front = method === 'aes-256-gcm' ? '' : `${secret(method, 1)}:`;
      for (const { name, password } of [...users, ...users.toReversed()]) {
        const session = client(method, front + password).newSession();
        expect(stage.open(there, stage.seal(session, PLAINTEXT))).to.deep.equal(PLAINTEXT);
        expect(there.openedSession.user).to.equal(name);
        expect(stage.open(session, stage.seal(there.openedSession, PLAINTEXT))).to.deep.equal(PLAINTEXT);
        there.openedSession.release();
        session.release();
      }
      const stranger = client(method, front + secret(method, 20)).newSession();
      expect(stage.open(there, stage.seal(stranger, PLAINTEXT))).to.be.oneOf(['cipher', 'user']);
      stranger.release();
    });
  }
});
