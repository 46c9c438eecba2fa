/**
 * AEAD 2017 on the side that receives. Random changes to sealed bytes end at the first tag; so the same is also done to what is inside,
 * by a peer who has the key.
 */

import { Region } from '../../../native-bindings/memory.js';
import { RequestReader2017 } from '../../../src/shadowsocks/aead-2017/request-reader.js';
import { StreamOpener2017 } from '../../../src/shadowsocks/aead-2017/stream-opener.js';
import { OnlyUser } from '../../../src/shadowsocks/aead-2017/users.js';
import { LONGEST_UNIT } from '../../../src/shadowsocks/chunk-format.js';
import type { Keyring } from '../../../src/shadowsocks/keyring.js';
import { keyringOf } from '../../support/keyrings.js';
import { FORGETFUL } from '../../support/salt-filters.js';
import { fromHex, loadVectors } from '../../support/vectors.js';
import { MAX_INPUT_LENGTH } from '../mutate.js';
import type { SeededRandom } from '../random.js';
import { type FuzzTarget, must } from '../target.js';

const METHOD = 'aes-128-gcm';
const { aead2017 } = loadVectors();
const rows = aead2017.tcp.filter(({ method }) => method === METHOD);
const keyring: Keyring = keyringOf(METHOD, rows[0].password);
const input = new Region(LONGEST_UNIT + 2 * MAX_INPUT_LENGTH + 65_536);
const output = new Region(input.size);
const sealed = new Region(65_536);

/** Offers `bytes` to a reader of requests as a session does: in pieces, with what was left in front. @returns how it ended */
function readRequest(bytes: Uint8Array, random: SeededRandom | undefined): string {
  const reader = new RequestReader2017(new OnlyUser(keyring, FORGETFUL));
  try {
    let carried = 0;
    for (let from = 0; from < bytes.length; ) {
      const length = Math.min(bytes.length - from, random === undefined ? bytes.length : 1 + random.below(64));
      input.bytes.set(bytes.subarray(from, from + length), carried);
      from += length;
      const end = carried + length;
      const outcome = reader.read(input, 0, end, output);
      if (outcome.kind === 'rejected') return `rejected: ${outcome.status} ${outcome.reason}`;
      must(reader.consumedTo >= 0 && reader.consumedTo <= end, 'no more is taken than was given');
      if (outcome.kind === 'accepted') {
        must(outcome.payloadAt <= outcome.payloadEnd, 'payload has a length');
        return `accepted: ${JSON.stringify(outcome.target)}`;
      }
      carried = end - reader.consumedTo;
      must(carried < reader.longestUnit, 'what is kept is less than the longest unit');
      input.bytes.copyWithin(0, reader.consumedTo, end);
    }
    return 'more';
  } finally {
    reader.release();
  }
}

/** Seals what a peer with the key might send: chunks with any length field and any content. @returns the stream */
function sealAnything(plaintext: Uint8Array, random: SeededRandom): Uint8Array {
  let at = keyring.saltLength;
  const key = keyring.startSealing(sealed, 0);
  let counter = 0;
  for (let from = 0; from < plaintext.length || counter === 0; ) {
    const length = Math.min(plaintext.length - from, random.oneIn(3) ? random.below(8) : 512);
    const said = random.oneIn(16) ? random.below(0x10000) : length;
    sealed.bytes[at] = said >>> 8;
    sealed.bytes[at + 1] = said;
    key.seal(counter, sealed, at, 2, sealed, at);
    at += 18;
    sealed.bytes.set(plaintext.subarray(from, from + length), at);
    key.seal(counter + 1, sealed, at, length, sealed, at);
    at += length + 16;
    counter += 2;
    from += length;
    if (counter >= 64 || (length === 0 && random.oneIn(4))) break;
  }
  key.release();
  return sealed.bytes.slice(0, at);
}

const changedRequest: FuzzTarget = {
  name: 'AEAD 2017 request, changed on the way',
  corpus: [
    ...rows.map(({ stream }) => fromHex(stream)),
    ...aead2017.tcp_negative.filter(({ method }) => method === METHOD).map(({ stream }) => fromHex(stream)),
  ],
  run(bytes, random) {
    const whole = readRequest(bytes, undefined);
    const split = readRequest(bytes, random);
    must(whole === split, `the same answer however the input is split: ${whole} / ${split}`);
    return whole.startsWith('accepted');
  },
};

const oddRequest: FuzzTarget = {
  name: 'AEAD 2017 request, of a peer with the key',
  corpus: rows.map(({ plaintext }) => fromHex(plaintext)),
  run(plaintext, random) {
    const stream = sealAnything(plaintext, random);
    const whole = readRequest(stream, undefined);
    const split = readRequest(stream, random);
    must(whole === split, `the same answer however the input is split: ${whole} / ${split}`);
    return whole.startsWith('accepted');
  },
};

const oddStream: FuzzTarget = {
  name: 'AEAD 2017 stream, of a peer with the key',
  corpus: rows.map(({ plaintext }) => fromHex(plaintext)),
  run(plaintext, random) {
    const stream = sealAnything(plaintext, random);
    const opener = new StreamOpener2017(keyring, FORGETFUL);
    if (random.oneIn(2)) opener.allowEmptyChunks();
    input.bytes.set(stream, 0);
    const opened = opener.open(input, 0, stream.length, output, 0);
    must(opener.consumedTo <= stream.length, 'no more is taken than was given');
    must(opened <= plaintext.length, 'no more comes out than was sealed');
    if (opened > 0) {
      const same = Buffer.compare(output.bytes.subarray(0, opened), plaintext.subarray(0, opened)) === 0;
      must(same, 'what comes out is what was sealed');
    }
    opener.release();
    return opened > 0;
  },
};

export const AEAD_2017_TARGETS: readonly FuzzTarget[] = [changedRequest, oddRequest, oddStream];
