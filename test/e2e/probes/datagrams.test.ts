/** What a prober learns of a UDP port: nothing. Random datagrams, changed ones, recorded ones, answers sent back; and clients that roam. */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { MethodName } from '../../../src/config/types.js';
import { createSubkeyDerivation } from '../../../src/crypto/hkdf.js';
import { createRandomSource } from '../../../src/crypto/random.js';
import type { ClientPacketSession } from '../../../src/shadowsocks/packet-protocol.js';
import { clientPacketProtocol } from '../../../src/shadowsocks/protocols.js';
import { allocateReplayMemory, openReplayFilters } from '../../../src/shadowsocks/replay.js';
import type { Running } from '../../../src/umbra.js';
import { oracleAddress } from '../../support/aead-oracle.js';
import { openDescriptors } from '../../support/open-descriptors.js';
import { PacketStage, PacketWorld } from '../../support/packets.js';
import { endpoint, Stage } from '../../support/proxy-pair.js';
import { freePort } from '../../support/proxy-process.js';
import { UdpPeer } from '../../support/udp.js';

const METHODS: readonly MethodName[] = [
  'aes-256-gcm',
  'chacha20-ietf-poly1305',
  '2022-blake3-aes-128-gcm',
  '2022-blake3-chacha20-poly1305',
];

describe('a UDP port, probed', () => {
  const stage = new Stage();
  const packets = new PacketStage();
  const ends: (() => void)[] = [];
  let server: Running;
  let target: UdpPeer;
  let client: UdpPeer;

  before(async () => {
    const listen = METHODS.map((method) => ({ ...endpoint(0, method), mode: 'udp_only' as const }));
    server = await stage.server({ listen });
    target = await UdpPeer.open();
    client = await UdpPeer.open();
  });

  after(async () => {
    for (const end of ends.reverse()) end();
    target.close();
    client.close();
    packets.release();
    await stage.close();
  });

  /** A client's session of its own; what it forgets is not the server's. */
  function session(method: MethodName): ClientPacketSession {
    const means = {
      derivation: createSubkeyDerivation(),
      random: createRandomSource(),
      clock: { ...new PacketWorld().clock, nowS: () => Math.floor(Date.now() / 1000) },
      replay: openReplayFilters(allocateReplayMemory('server')),
    };
    const protocol = clientPacketProtocol(endpoint(0, method), means);
    const made = protocol.newSession();
    ends.push(() => protocol.wipe());
    ends.push(() => made.release());
    return made;
  }

  const portOf = (method: MethodName): number => server.addresses[METHODS.indexOf(method)].port;
  const plaintext = (text: string, port = target.port): Buffer =>
    Buffer.concat([oracleAddress('127.0.0.1', port), Buffer.from(text)]);

  it('says nothing and makes nothing for random datagrams of any length', async () => {
    const descriptors = openDescriptors();
    const { associations } = (await server.statistics()).udp;
    for (let length = 0; length <= 1500; length += length < 100 ? 1 : 13) {
      for (const method of METHODS) client.send(randomBytes(length), portOf(method));
    }
    await client.silence();
    expect((await server.statistics()).udp.associations).to.equal(associations);
    expect(openDescriptors()).to.equal(descriptors);
  });

  it('says nothing to a changed datagram, and serves the good one once', async () => {
    for (const method of METHODS) {
      const packet = packets.seal(session(method), plaintext(method));
      for (let at = 0; at < packet.length; at += 3) {
        const changed = Buffer.from(packet);
        changed[at] ^= 0x40;
        client.send(changed, portOf(method));
      }
      for (const each of [packet, packet, packet]) client.send(each, portOf(method));
      expect(await target.nextText()).to.equal(method);
    }
    await target.silence();
    await client.silence(1);
  });

  it('takes its own answers for no question', async () => {
    for (const method of METHODS) {
      const one = session(method);
      client.send(packets.seal(one, plaintext('question')), portOf(method));
      const { from } = await target.next();
      target.send('answer', from.port);
      const answer = await client.next();
      expect(packets.open(one, answer.data)).to.deep.equal(plaintext('answer'));
      client.send(answer.data, portOf(method));
    }
    await target.silence();
  });

  it('says nothing to a key holder who asks for nonsense', async () => {
    for (const method of METHODS) {
      const one = session(method);
      for (const bad of ['', '00', '0500', '0300', '037f', '0304616263', '01c000', '0401', '02c00002010050']) {
        const body = Buffer.from(bad, 'hex');
        if (body.length > 0 || method.startsWith('2022')) client.send(packets.seal(one, body), portOf(method));
      }
      client.send(packets.seal(one, plaintext(method)), portOf(method));
      expect(await target.nextText()).to.equal(method);
    }
    await client.silence();
  });

  it('follows a client of the 2022 edition to its new address, and only a client that proves itself', async () => {
    const method = '2022-blake3-aes-128-gcm';
    const one = session(method);
    const moved = await UdpPeer.open('127.0.0.2');
    ends.push(() => moved.close());
    const recorded = packets.seal(one, plaintext('from home'));
    client.send(recorded, portOf(method));
    const { from } = await target.next();
    moved.send(recorded, portOf(method));
    moved.send(randomBytes(80), portOf(method));
    await target.silence();
    target.send('still at home', from.port);
    expect(packets.open(one, (await client.next()).data)).to.deep.equal(plaintext('still at home'));
    moved.send(packets.seal(one, plaintext('from the road')), portOf(method));
    expect((await target.next()).from, 'the same port as before').to.deep.equal(from);
    target.send('on the road', from.port);
    expect(packets.open(one, (await moved.next()).data)).to.deep.equal(plaintext('on the road'));
    await client.silence();
  });

  it('goes on after a restart for the same session of the 2022 edition', async () => {
    const method = '2022-blake3-aes-128-gcm';
    const one = session(method);
    const port = await freePort();
    const first = await stage.server({ listen: [{ ...endpoint(port, method), mode: 'udp_only' }] });
    const ask = async (text: string): Promise<unknown> => {
      client.send(packets.seal(one, plaintext(text)), port);
      const { from } = await target.next();
      target.send(text, from.port);
      return packets.open(one, (await client.next()).data);
    };
    expect(await ask('before')).to.deep.equal(plaintext('before'));
    await first.stop(0);
    await stage.server({ listen: [{ ...endpoint(port, method), mode: 'udp_only' }] });
    expect(await ask('after')).to.deep.equal(plaintext('after'));
    expect(await ask('again')).to.deep.equal(plaintext('again'));
  });
});
