/**
 * Streams of the 2022 edition on the side that receives: changed on the way, which ends at the first tag, and made by a peer who has the key, who
 * may put anything into headers and chunks.
 */

import { Region } from '../../../native-bindings/memory.js';
import type { Aead2022MethodName } from '../../../src/config/types.js';
import { RequestReader2022, type ResponseMeans } from '../../../src/shadowsocks/aead-2022/request-reader.js';
import { LONGEST_UNIT } from '../../../src/shadowsocks/chunk-format.js';
import { clientOf, type Keys2022, keyring2022, serverMeans, TestClock } from '../../support/aead-2022.js';
import { FORGETFUL } from '../../support/salt-filters.js';
import { fromHex, loadVectors } from '../../support/vectors.js';
import { MAX_INPUT_LENGTH } from '../mutate.js';
import type { SeededRandom } from '../random.js';
import { type FuzzTarget, must } from '../target.js';

const METHOD: Aead2022MethodName = '2022-blake3-aes-128-gcm';
const SALT_LENGTH = 16;
const TAG_LENGTH = 16;
const { sip022 } = loadVectors();
const requests = sip022.tcp_request.filter(({ method }) => method === METHOD);
const badRequests = sip022.tcp_request_negative.filter(({ method }) => method === METHOD);
const responses = sip022.tcp_response.filter(({ method }) => method === METHOD);
const badResponses = sip022.tcp_response_negative.filter(({ method }) => method === METHOD);
const keys: Keys2022 = { method: METHOD, userKey: fromHex(requests[0].upsk) };
const input = new Region(LONGEST_UNIT + 2 * MAX_INPUT_LENGTH + 65_536);
const output = new Region(input.size);
const sealed = new Region(65_536);
const clock = new TestClock(requests[0].now);
const onlyKey = serverMeans(keys, clock, FORGETFUL);

interface Row {
  readonly ipsks: readonly string[];
  readonly stream: string;
}

/** Offers `bytes` to a reader of requests: the head at once, the rest in pieces, with what was left in front. @returns how it ended */
function readRequest(means: ResponseMeans, bytes: Uint8Array, random: SeededRandom | undefined): string {
  const reader = new RequestReader2022(means);
  const head = SALT_LENGTH + (means.identity === undefined ? 0 : 16) + 27;
  try {
    let carried = 0;
    for (let at = 0; at < bytes.length; ) {
      const most = random === undefined ? bytes.length : (at === 0 ? head : 1) + random.below(64);
      const length = Math.min(bytes.length - at, most);
      input.bytes.set(bytes.subarray(at, at + length), carried);
      at += length;
      const end = carried + length;
      const outcome = reader.read(input, 0, end, output);
      if (outcome.kind === 'rejected') return `rejected: ${outcome.status} ${outcome.reason}`;
      must(reader.consumedTo >= 0 && reader.consumedTo <= end, 'no more is taken than was given');
      if (outcome.kind === 'accepted') {
        must(outcome.payloadAt <= outcome.payloadEnd, 'payload has a length');
        const payload = Buffer.from(output.bytes.slice(outcome.payloadAt, outcome.payloadEnd)).toString('hex');
        return `accepted: ${JSON.stringify(outcome.target)} ${outcome.user} ${payload}`;
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

function sameHoweverSplit(means: ResponseMeans, stream: Uint8Array, random: SeededRandom): boolean {
  const whole = readRequest(means, stream, undefined);
  const split = readRequest(means, stream, random);
  must(whole === split, `the same answer however the input is split: ${whole} / ${split}`);
  return whole.startsWith('accepted');
}

function changedRequest(name: string, identityKeys: readonly string[]): FuzzTarget {
  const means = serverMeans({ ...keys, identityKeys: identityKeys.map(fromHex) }, clock, FORGETFUL);
  const rows: readonly Row[] = [...requests, ...badRequests];
  const corpus = rows.filter(({ ipsks }) => ipsks.length === identityKeys.length).map(({ stream }) => fromHex(stream));
  return { name, corpus, run: (bytes, random) => sameHoweverSplit(means, bytes, random) };
}

/** Seals a fixed header, then messages with whatever is in them. @returns the stream */
function sealHeader(header: Uint8Array, messages: readonly Uint8Array[]): Uint8Array {
  const key = keyring2022(keys, undefined).startSealing(sealed, 0);
  let at = SALT_LENGTH;
  for (const [counter, message] of [header, ...messages].entries()) {
    sealed.bytes.set(message, at);
    key.seal(counter, sealed, at, message.length, sealed, at);
    at += message.length + TAG_LENGTH;
  }
  key.release();
  return sealed.bytes.slice(0, at);
}

/** `type, time, …` of a header that is right most of the time. */
function header(type: number, middle: Uint8Array, length: number, random: SeededRandom): Uint8Array {
  const bytes = Buffer.alloc(11 + middle.length);
  bytes[0] = random.oneIn(16) ? random.byte() : type;
  bytes.writeBigUInt64BE(BigInt(clock.seconds + (random.oneIn(8) ? random.below(128) - 64 : 0)), 1);
  if (random.oneIn(16)) bytes[1 + random.below(8)] = random.byte();
  bytes.set(middle, 9);
  bytes.writeUInt16BE(random.oneIn(16) ? random.below(0x10000) : length, 9 + middle.length);
  return bytes;
}

const oddRequest: FuzzTarget = {
  name: 'AEAD 2022 request, of a peer with the key',
  corpus: requests.map(({ target, padding, initial_payload: payload }) => {
    const length = (padding.length / 2).toString(16).padStart(4, '0');
    return fromHex(target.bytes + length + padding + payload);
  }),
  run(variable, random) {
    const fixed = header(0, new Uint8Array(0), variable.length, random);
    return sameHoweverSplit(onlyKey, sealHeader(fixed, [variable]), random);
  },
};

const REQUEST_SALT = fromHex(responses[0].request_salt_expected);

/** What a client makes of an answer. @returns how it ended */
function openResponse(bytes: Uint8Array, random: SeededRandom | undefined): string {
  const { sealer, opener } = clientOf(keys, { kind: 'name', name: 'x', port: 1 }, { salt: REQUEST_SALT, clock });
  sealer.seal(input, 4096, 1, output, 0);
  const opened: string[] = [];
  try {
    let carried = 0;
    for (let at = 0; at < bytes.length; ) {
      const most = random === undefined ? bytes.length : (at === 0 ? 2 * SALT_LENGTH + 27 : 1) + random.below(64);
      const length = Math.min(bytes.length - at, most);
      input.bytes.set(bytes.subarray(at, at + length), carried);
      at += length;
      const end = carried + length;
      const count = opener.open(input, 0, end, output, 0);
      if (count < 0) return 'refused';
      must(opener.consumedTo >= 0 && opener.consumedTo <= end, 'no more is taken than was given');
      must(count <= end, 'no more comes out than went in');
      opened.push(Buffer.from(output.bytes.slice(0, count)).toString('hex'));
      carried = end - opener.consumedTo;
      must(carried < LONGEST_UNIT, 'what is kept is less than the longest unit');
      input.bytes.copyWithin(0, opener.consumedTo, end);
    }
    return `opened: ${opened.join('')}`;
  } finally {
    sealer.release();
    opener.release();
  }
}

function sameAnswerHoweverSplit(stream: Uint8Array, random: SeededRandom): boolean {
  const whole = openResponse(stream, undefined);
  const split = openResponse(stream, random);
  must(whole === split, `the same payload however the input is split: ${whole} / ${split}`);
  return whole.length > 'opened: '.length;
}

const changedResponse: FuzzTarget = {
  name: 'AEAD 2022 response, changed on the way',
  corpus: [...responses, ...badResponses].map(({ stream }) => fromHex(stream)),
  run: sameAnswerHoweverSplit,
};

const oddResponse: FuzzTarget = {
  name: 'AEAD 2022 response, of a peer with the key',
  corpus: [fromHex('01'), fromHex('0102030405060708'), new Uint8Array(300).fill(7)],
  run(payload, random) {
    const salt = Uint8Array.from(REQUEST_SALT);
    if (random.oneIn(8)) salt[random.below(SALT_LENGTH)] ^= 1 << random.below(8);
    const first = payload.subarray(0, random.below(payload.length + 1));
    const rest = payload.subarray(first.length);
    const said = Buffer.alloc(2);
    said.writeUInt16BE(random.oneIn(8) ? random.below(0x10000) : rest.length);
    return sameAnswerHoweverSplit(sealHeader(header(1, salt, first.length, random), [first, said, rest]), random);
  },
};

export const AEAD_2022_TARGETS: readonly FuzzTarget[] = [
  changedRequest('AEAD 2022 request, changed on the way', []),
  changedRequest('AEAD 2022 request with an identity header, changed on the way', [
    requests.find(({ ipsks }) => ipsks.length === 1)?.ipsks[0] ?? '',
  ]),
  oddRequest,
  changedResponse,
  oddResponse,
];
