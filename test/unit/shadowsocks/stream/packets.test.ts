/** Datagrams without authentication: what can be told of a bad one, and what is remembered of a good one. */

import { expect } from 'chai';
import { PLAIN_METHODS, STREAM_METHODS } from '../../../../src/config/types.js';
import { loadSalsa20 } from '../../../../src/crypto/salsa20-cipher.js';
import { UnauthenticatedPackets } from '../../../../src/shadowsocks/stream/packets.js';
import { PacketStage } from '../../../support/packets.js';
import { PlainFilter } from '../../../support/salt-filters.js';
import { unauthenticatedKeyring } from '../../../support/unauthenticated.js';

const PLAINTEXT = Buffer.from('01c6336435005068656c6c6f', 'hex');

describe('datagrams without authentication', () => {
  const stage = new PacketStage();

  before(loadSalsa20);

  after(() => stage.release());

  for (const method of [...STREAM_METHODS, ...PLAIN_METHODS]) {
    it(`are dropped where they hold no whole address, and not remembered then (${method})`, () => {
      const used = new PlainFilter();
      const client = new UnauthenticatedPackets(unauthenticatedKeyring(method, 'p'));
      const server = new UnauthenticatedPackets(unauthenticatedKeyring(method, 'p', { used }));
      const none = ['', '05', '00', '0300', '0300aabb', '01c000020701', '030178', '11c000020701bb', 'ff', '03ff78'];
      for (const hex of none) {
        const packet = stage.seal(client, Buffer.from(hex, 'hex'));
        expect(stage.open(server, packet), hex).to.equal('malformed');
      }
      const good = stage.seal(client, PLAINTEXT);
      for (let length = 0; length < good.length - 5; length++) {
        expect(stage.open(server, good.subarray(0, length)), `cut after ${length}`).to.equal('malformed');
      }
      expect(used.salts.size).to.equal(0);
      expect(stage.open(server, good)).to.deep.equal(PLAINTEXT);
      for (const each of [client, server]) each.wipe();
    });
  }

  for (const method of STREAM_METHODS) {
    it(`are taken once, in either direction (${method})`, () => {
      const ends = [1, 2].map(
        () => new UnauthenticatedPackets(unauthenticatedKeyring(method, 'p', { used: new PlainFilter() })),
      );
      const [client, server] = ends;
      const question = stage.seal(client, PLAINTEXT);
      expect(stage.open(server, question)).to.deep.equal(PLAINTEXT);
      expect(stage.open(server, question)).to.equal('replay');
      const answer = stage.seal(server, PLAINTEXT);
      expect(stage.open(server, answer), 'its own').to.equal('replay');
      expect(stage.open(client, answer)).to.deep.equal(PLAINTEXT);
      expect(stage.open(client, answer)).to.equal('replay');
      for (const each of ends) each.wipe();
    });
  }
});
