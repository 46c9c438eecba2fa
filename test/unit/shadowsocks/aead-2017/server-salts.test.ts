/** Marks by which a server knows its own answers, even those from before a restart. */

import { expect } from 'chai';
import { Region } from '../../../../native-bindings/memory.js';
import { AEAD_2017_METHODS } from '../../../../src/config/types.js';
import { createSubkeyDerivation } from '../../../../src/crypto/hkdf.js';
import { loadLibsodium } from '../../../../src/crypto/libsodium-cipher.js';
import { METHODS } from '../../../../src/crypto/methods.js';
import { createRandomSource } from '../../../../src/crypto/random.js';
import { ServerSaltMark } from '../../../../src/shadowsocks/aead-2017/server-salts.js';
import { clientProtocol2017, serverProtocol2017 } from '../../../../src/shadowsocks/aead-2017/tcp-protocol.js';
import type { ProtocolMeans } from '../../../../src/shadowsocks/means.js';
import type { StreamSealer } from '../../../../src/shadowsocks/protocol.js';
import { allocateReplayMemory, openReplayFilters } from '../../../../src/shadowsocks/replay.js';
import { TestClock } from '../../../support/aead-2022.js';
import { fromHex, loadVectors } from '../../../support/vectors.js';

const random = createRandomSource();
const TARGET = { kind: 'name', name: 'a.test', port: 80 } as const;
/** What a target sends may look like an address and more. */
const ANSWER = Buffer.from('\x01\x7f\x00\x00\x01\x00\x50 and more', 'latin1');

describe('the mark on a server’s salts', () => {
  for (const row of loadVectors().outline_server_salt) {
    it(`is Outline’s, in ${row.salt_len} bytes`, () => {
      const mark = ServerSaltMark.of(Buffer.from(row.secret_utf8), row.salt_len) ?? expect.fail('no room');
      const salt = fromHex(row.salt);
      expect(mark.isOn(salt, 0)).to.equal(row.is_server_salt);
      const made = new Uint8Array(row.salt_len);
      mark.marking((into, at, length) => into.set(salt.subarray(0, length), at))(made, 0, row.salt_len);
      expect(made).to.deep.equal(Uint8Array.from(salt));
    });
  }

  it('is on all salts that are marked, on no others, and only for its own key', () => {
    const mark = ServerSaltMark.of(Buffer.from('secret'), 32) ?? expect.fail('no room');
    const other = ServerSaltMark.of(Buffer.from('other'), 32) ?? expect.fail('no room');
    const salt = new Uint8Array(40);
    for (let i = 0; i < 1000; i++) {
      mark.marking(random)(salt, 5, 32);
      expect([mark.isOn(salt, 5), other.isOn(salt, 5)]).to.deep.equal([true, false]);
      salt[5 + (i % 32)] ^= 1 << (i % 8);
      expect(mark.isOn(salt, 5)).to.equal(false);
      random(salt, 5, 32);
      expect(mark.isOn(salt, 5)).to.equal(false);
    }
  });

  it('is not for salts that would have too little left that is random', () => {
    expect(ServerSaltMark.of(Buffer.from('secret'), 16)).to.equal(undefined);
  });
});

describe('a server of AEAD 2017 that was restarted', () => {
  const input = new Region(4096);
  const output = new Region(4096);

  before(loadLibsodium);

  after(() => {
    input.release();
    output.release();
  });

  /** As of a fresh process: its memory of salts is empty. */
  function means(): ProtocolMeans {
    const replay = openReplayFilters(allocateReplayMemory('server'));
    return { derivation: createSubkeyDerivation(), random, clock: new TestClock(), replay };
  }

  function seal(sealer: StreamSealer, payload: Uint8Array): Uint8Array {
    input.bytes.set(payload, 1280);
    return output.bytes.slice(0, sealer.seal(input, 1280, payload.length, output, 0));
  }

  for (const method of AEAD_2017_METHODS) {
    const isMarked = METHODS[method].keyLength > 16;
    it(`${isMarked ? 'refuses' : 'cannot tell'} an answer of before that is sent back, with ${method}`, () => {
      const endpoint = { host: '', port: 0, method, password: 'secret', users: [{ name: 'ann', password: 'her own' }] };
      for (const users of [[], endpoint.users]) {
        const of = { ...endpoint, users };
        const client = { ...endpoint, password: users.length > 0 ? 'her own' : 'secret' };
        const facts = METHODS[method];
        const read = (bytes: Uint8Array) => {
          const request = serverProtocol2017(of, facts, means()).newRequest();
          input.bytes.set(bytes);
          return request.read(input, 0, bytes.length, output);
        };
        const accepted = read(seal(clientProtocol2017(client, facts, means()).connect(TARGET).sealer, ANSWER));
        if (accepted.kind !== 'accepted') throw new Error(`it is ${accepted.kind}`);
        const answer = seal(accepted.stream.sealer, ANSWER);
        expect(read(answer).kind).to.equal(isMarked ? 'rejected' : 'accepted');
      }
    });
  }
});
