/** What a hop makes of the vectors with identity headers: one header less, byte for byte, and what the server behind it takes. */

import { expect } from 'chai';
import { Region } from '../../native-bindings/memory.js';
import type { Aead2022MethodName } from '../../src/config/types.js';
import { METHODS } from '../../src/crypto/methods.js';
import { ServerPackets2022 } from '../../src/shadowsocks/aead-2022/server-packets.js';
import { serverOf, TestClock } from '../support/aead-2022.js';
import { hopOf, NEXT_ADDRESS, packetHopOf } from '../support/hops.js';
import { PacketStage, PacketWorld } from '../support/packets.js';
import { fromHex, loadVectors, toHex } from '../support/vectors.js';

const { sip022 } = loadVectors();

interface Row {
  readonly method: string;
  readonly upsk: string;
  readonly ipsks: readonly string[];
}

function hopKeysOf({ method, upsk, ipsks }: Row) {
  const [own, next] = [...ipsks, upsk].map(fromHex);
  return { method: method as Aead2022MethodName, ownKey: own, nextKey: next };
}

function isChain({ ipsks }: Row): boolean {
  return ipsks.length > 0;
}

describe('a hop, against the vectors', () => {
  const input = new Region(128 * 1024);
  const output = new Region(128 * 1024);
  const stage = new PacketStage();

  after(() => {
    input.release();
    output.release();
    stage.release();
  });

  it('has rows with one and with two headers', () => {
    for (const rows of [sip022.tcp_request, sip022.udp_client]) {
      expect(new Set(rows.map(({ ipsks }: Row) => ipsks.length))).to.deep.equal(new Set([0, 1, 2]));
    }
  });

  for (const row of sip022.tcp_request.filter(isChain)) {
    it(`${row.method}, ${row.note}: takes its header off a stream`, () => {
      const stream = fromHex(row.stream);
      const hop = hopOf(hopKeysOf(row));
      input.bytes.set(stream);
      const outcome = hop.newRequest().read(input, 0, stream.length, output);
      if (outcome.kind !== 'accepted') throw new Error(`it is ${JSON.stringify(outcome)}`);
      const passedOn = output.bytes.slice(outcome.payloadAt, outcome.payloadEnd);
      const { keyLength } = METHODS[row.method as Aead2022MethodName];
      expect(toHex(passedOn)).to.equal(row.stream.slice(0, 2 * keyLength) + row.stream.slice(2 * keyLength + 32));

      const { method, nextKey } = hopKeysOf(row);
      const behind = row.ipsks.slice(1).map(fromHex);
      const server = serverOf({ method, userKey: fromHex(row.upsk), identityKeys: behind }, new TestClock(row.now));
      input.bytes.set(passedOn);
      const served = server.read(input, 0, passedOn.length, output);
      expect(served.kind, `with the key ${toHex(nextKey)}`).to.equal('accepted');
      server.release();
      hop.wipe();
    });
  }

  for (const row of sip022.udp_client.filter(isChain)) {
    it(`${row.method}, ${row.note}: takes its header off a packet`, () => {
      const hop = packetHopOf(hopKeysOf(row));
      const opened = stage.open(hop, fromHex(row.packet)) as Buffer;
      expect(toHex(opened.subarray(0, 7))).to.equal(toHex(NEXT_ADDRESS));
      const passedOn = opened.subarray(7);
      expect(toHex(passedOn.subarray(16)), 'all that is behind our header').to.equal(row.packet.slice(64));

      const world = new PacketWorld();
      world.nowS = row.now;
      const [, identityKey] = row.ipsks;
      const users = identityKey === undefined ? [] : [{ name: 'ann', key: fromHex(row.upsk) }];
      const keys = { key: fromHex(identityKey ?? row.upsk), users };
      const server = new ServerPackets2022(METHODS[row.method as Aead2022MethodName], keys, world);
      expect(toHex(stage.open(server, passedOn) as Buffer)).to.equal(row.address.bytes + row.payload);
      server.openedSession.release();
      server.wipe();

      const answer = fromHex('00112233445566778899');
      const from = Buffer.concat([NEXT_ADDRESS, answer]);
      expect(toHex(stage.seal(hop.openedSession, from)), 'answers pass unchanged').to.equal(toHex(answer));
      hop.wipe();
    });
  }
});
