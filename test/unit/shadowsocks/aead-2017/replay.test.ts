/** AEAD 2017 against streams that were recorded: sent again, sent to the other end, sent back. */

import { expect } from 'chai';
import { Region } from '../../../../native-bindings/memory.js';
import { AEAD_2017_METHODS } from '../../../../src/config/types.js';
import { loadLibsodium } from '../../../../src/crypto/libsodium-cipher.js';
import type { Target } from '../../../../src/net/target.js';
import { RequestReader2017 } from '../../../../src/shadowsocks/aead-2017/request-reader.js';
import { StreamOpener2017 } from '../../../../src/shadowsocks/aead-2017/stream-opener.js';
import { StreamSealer2017 } from '../../../../src/shadowsocks/aead-2017/stream-sealer.js';
import { OnlyUser } from '../../../../src/shadowsocks/aead-2017/users.js';
import type { Keyring } from '../../../../src/shadowsocks/keyring.js';
import type { RequestOutcome, StreamOpener, StreamSealer } from '../../../../src/shadowsocks/protocol.js';
import { keyringOf } from '../../../support/keyrings.js';
import { PlainFilter } from '../../../support/salt-filters.js';

const TARGET: Target = { kind: 'name', name: 'example.test', port: 80 };
const AT = 2048;

describe('AEAD 2017 against recorded streams', () => {
  const input = new Region(65_536);
  const output = new Region(65_536);
  /** Adds its salts to the memory, as the ends of one program do; its peer has no memory. */
  let keyring: Keyring;
  let peer: Keyring;
  let salts: PlainFilter;

  before(loadLibsodium);

  after(() => {
    input.release();
    output.release();
  });

  function seal(sealer: StreamSealer, payload: string): Uint8Array {
    input.bytes.set(Buffer.from(payload), AT);
    return output.bytes.slice(0, sealer.seal(input, AT, payload.length, output, 0));
  }

  function open(opener: StreamOpener, bytes: Uint8Array): string | undefined {
    input.bytes.set(bytes);
    const length = opener.open(input, 0, bytes.length, output, 0);
    return length < 0 ? undefined : Buffer.from(output.bytes.slice(0, length)).toString();
  }

  function read(reader: RequestReader2017, bytes: Uint8Array): RequestOutcome {
    input.bytes.set(bytes);
    return reader.read(input, 0, bytes.length, output);
  }

  function newReader(): RequestReader2017 {
    return new RequestReader2017(new OnlyUser(keyring, salts));
  }

  /** A client's first packet, of which its server knows nothing. */
  function request(): Uint8Array {
    return seal(new StreamSealer2017(peer, TARGET), 'hello');
  }

  for (const method of AEAD_2017_METHODS) {
    describe(method, () => {
      beforeEach(() => {
        salts = new PlainFilter();
        keyring = keyringOf(method, 'secret', undefined, salts);
        peer = keyringOf(method, 'secret');
      });

      it('takes a request once', () => {
        const recorded = request();
        expect(read(newReader(), recorded).kind).to.equal('accepted');
        const again = { kind: 'rejected', status: 'ERR_CIPHER', reason: 'replay' };
        expect(read(newReader(), recorded)).to.deep.equal(again);
        expect(
          read(newReader(), recorded.subarray(0, keyring.saltLength + 20)),
          'before the first chunk is whole',
        ).to.deep.equal(again);
        expect(read(newReader(), request()).kind).to.equal('accepted');
      });

      it('takes one of two that race each other', () => {
        const recorded = request();
        const [first, second] = [newReader(), newReader()];
        for (const reader of [first, second])
          expect(read(reader, recorded.subarray(0, keyring.saltLength + 20)).kind).to.equal('more');
        const rest = recorded.subarray(first.consumedTo);
        expect(read(second, rest).kind).to.equal('accepted');
        expect(read(first, rest)).to.deep.include({ kind: 'rejected', reason: 'replay' });
      });

      it('remembers no salt before its first chunk has proved authentic', () => {
        const good = request();
        for (const at of [keyring.saltLength + 1, keyring.saltLength + 17, keyring.saltLength + 18, good.length - 1]) {
          const changed = Uint8Array.from(good);
          changed[at] ^= 1;
          expect(read(newReader(), changed).kind).to.equal('rejected');
        }
        expect(read(newReader(), good.subarray(0, keyring.saltLength + 4)).kind).to.equal('more');
        expect(salts.salts.size).to.equal(0);
        expect(read(newReader(), good).kind).to.equal('accepted');
      });

      it('refuses a server its own answer', () => {
        const outcome = read(newReader(), request());
        if (outcome.kind !== 'accepted') throw new Error(`it is ${outcome.kind}`);
        // What a target sends may look like an address.
        const answer = seal(outcome.stream.sealer, '\x01\x7f\x00\x00\x01\x00\x50 and more');
        expect(read(newReader(), answer)).to.deep.include({ kind: 'rejected', reason: 'replay' });
      });

      it('refuses a client its own request, and an answer that it had', () => {
        const mine = seal(new StreamSealer2017(keyring, TARGET), 'hello');
        expect(open(new StreamOpener2017(keyring, salts), mine)).to.equal(undefined);
        const answer = seal(new StreamSealer2017(peer, undefined), 'welcome');
        expect(open(new StreamOpener2017(keyring, salts), answer)).to.equal('welcome');
        expect(open(new StreamOpener2017(keyring, salts), answer)).to.equal(undefined);
      });
    });
  }
});
