/** Several passwords on one port of AEAD 2017: who is found, in which order they are tried, and what the unknown cost. */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { Region } from '../../../../native-bindings/memory.js';
import { createSubkeyDerivation } from '../../../../src/crypto/hkdf.js';
import { keyFromPassword } from '../../../../src/crypto/master-key.js';
import { METHODS } from '../../../../src/crypto/methods.js';
import { createRandomSource } from '../../../../src/crypto/random.js';
import { RequestReader2017 } from '../../../../src/shadowsocks/aead-2017/request-reader.js';
import { TrialUsers, type User2017 } from '../../../../src/shadowsocks/aead-2017/users.js';
import { Keyring } from '../../../../src/shadowsocks/keyring.js';
import { OracleOpener, OracleSealer, oracleAddress } from '../../../support/aead-oracle.js';
import { FORGETFUL } from '../../../support/salt-filters.js';

const METHOD = 'aes-256-gcm';
const COUNT = 20;
const HEAD = 32 + 18;

describe('users of AEAD 2017', () => {
  const input = new Region(65_536);
  const output = new Region(65_536);
  /** Key derivations since a test last looked. */
  let trials = 0;

  after(() => {
    input.release();
    output.release();
  });

  function makeUsers(): TrialUsers {
    const real = createSubkeyDerivation();
    const derivation = {
      lanes: real.lanes,
      derive(key: Uint8Array, salts: DataView, saltsAt: Int32Array, count: number, into: Uint8Array): void {
        trials += count;
        real.derive(key, salts, saltsAt, count, into);
      },
      forget: () => real.forget(),
    };
    const random = createRandomSource();
    const users = Array.from({ length: COUNT }, (_, i): User2017 => {
      const masterKey = keyFromPassword(`password ${i}`, 32);
      return {
        name: `user ${i}`,
        keyring: new Keyring(METHODS[METHOD], masterKey, derivation, random),
        salts: FORGETFUL,
      };
    });
    return new TrialUsers(users);
  }

  function find(users: TrialUsers, head: Uint8Array): { readonly name: string | undefined; readonly trials: number } {
    trials = 0;
    input.bytes.set(head, 7);
    return { name: users.find(input, 7, output)?.name, trials };
  }

  function headOf(user: number): Buffer {
    const sealer = new OracleSealer(METHOD, `password ${user}`);
    return Buffer.concat([sealer.salt, sealer.chunk(Buffer.alloc(100))]).subarray(0, HEAD);
  }

  it('are found by their keys alone, those first who were here last', () => {
    const users = makeUsers();
    expect(users.wantedLength).to.equal(HEAD);
    expect(find(users, headOf(0))).to.deep.equal({ name: 'user 0', trials: 1 });
    expect(find(users, headOf(19))).to.deep.equal({ name: 'user 19', trials: 20 });
    expect(find(users, headOf(19))).to.deep.equal({ name: 'user 19', trials: 1 });
    expect(find(users, headOf(7))).to.deep.equal({ name: 'user 7', trials: 9 });
    expect(find(users, headOf(0))).to.deep.equal({ name: 'user 0', trials: 3 });
    expect(find(users, headOf(18))).to.deep.equal({ name: 'user 18', trials: 20 });
    users.wipe();
  });

  it('are all tried for whoever is unknown, whatever he sends', () => {
    const users = makeUsers();
    const unknown = [randomBytes(HEAD), Buffer.alloc(HEAD), headOf(COUNT)];
    const changed = headOf(3);
    changed[HEAD - 1] ^= 1;
    unknown.push(changed);
    for (const head of unknown) expect(find(users, head)).to.deep.equal({ name: undefined, trials: COUNT });
    expect(find(users, headOf(0)), 'nobody has moved').to.deep.equal({ name: 'user 0', trials: 1 });
    users.wipe();
  });

  it('are answered under their own keys', () => {
    const users = makeUsers();
    for (const user of [3, 0, 19]) {
      const reader = new RequestReader2017(users);
      const sealer = new OracleSealer(METHOD, `password ${user}`);
      const chunk = sealer.chunk(Buffer.concat([oracleAddress('example.test', 80), Buffer.from('hello')]));
      const stream = Buffer.concat([sealer.salt, chunk]);
      input.bytes.set(stream);
      // Byte by byte, as far as nothing can be told yet.
      for (let end = 1; end < stream.length; end++) {
        const { kind } = reader.read(input, 0, Math.min(end, HEAD - 1), output);
        expect([kind, reader.consumedTo]).to.deep.equal(['more', 0]);
      }
      const outcome = reader.read(input, 0, stream.length, output);
      if (outcome.kind !== 'accepted') throw new Error(`it is ${outcome.kind}`);
      expect(outcome.user).to.equal(`user ${user}`);
      expect(Buffer.from(output.bytes.slice(outcome.payloadAt, outcome.payloadEnd)).toString()).to.equal('hello');
      input.bytes.set(Buffer.from('welcome'));
      const length = outcome.stream.sealer.seal(input, 0, 7, output, 0);
      const answer = new OracleOpener(METHOD, `password ${user}`).push(output.bytes.slice(0, length));
      expect(answer.toString()).to.equal('welcome');
      outcome.stream.sealer.release();
      reader.release();
    }
    users.wipe();
  });
});
