/** The methods without authentication on the side that receives: here every change reaches the decoder of addresses. */

import { Region } from '../../../native-bindings/memory.js';
import { decodeTarget } from '../../../src/net/target.js';
import { UnauthenticatedPackets } from '../../../src/shadowsocks/stream/packets.js';
import { UnauthenticatedRequestReader } from '../../../src/shadowsocks/stream/request-reader.js';
import { unauthenticatedKeyring } from '../../support/unauthenticated.js';
import { fromHex, loadVectors } from '../../support/vectors.js';
import { MAX_INPUT_LENGTH } from '../mutate.js';
import type { SeededRandom } from '../random.js';
import { type FuzzTarget, must } from '../target.js';

const METHODS = ['aes-256-cfb', 'chacha20-ietf', 'rc4-md5', 'none'] as const;
const { address, stream } = loadVectors();
const input = new Region(2 * MAX_INPUT_LENGTH + 65_536);
const output = new Region(input.size);

/** Offers `bytes` to a reader of requests as a session does, and what follows to the opener. @returns how it ended, and all plaintext */
function read(keyring: ReturnType<typeof unauthenticatedKeyring>, bytes: Uint8Array, random?: SeededRandom): string {
  const reader = new UnauthenticatedRequestReader(keyring);
  let carried = 0;
  try {
    for (let from = 0; from < bytes.length; ) {
      const length = Math.min(bytes.length - from, random === undefined ? bytes.length : 1 + random.below(64));
      input.bytes.set(bytes.subarray(from, from + length), carried);
      from += length;
      const end = carried + length;
      const outcome = reader.read(input, 0, end, output);
      if (outcome.kind === 'rejected') return `rejected: ${outcome.status} ${outcome.reason}`;
      must(reader.consumedTo >= 0 && reader.consumedTo <= end, 'no more is taken than was given');
      carried = end - reader.consumedTo;
      must(carried < Math.max(1, keyring.ivLength), 'what is kept is a part of the IV');
      input.bytes.copyWithin(0, reader.consumedTo, end);
      if (outcome.kind === 'more') continue;
      must(outcome.payloadAt <= outcome.payloadEnd, 'payload has a length');
      must(carried === 0, 'nothing is kept behind the address');
      const early = hex(outcome.payloadAt, outcome.payloadEnd);
      const rest = bytes.subarray(from);
      input.bytes.set(rest, 0);
      const late = hex(0, outcome.stream.opener.open(input, 0, rest.length, output, 0));
      return `accepted: ${JSON.stringify(outcome.target)} ${early}${late}`;
    }
    return 'more';
  } finally {
    reader.release();
  }
}

function hex(from: number, end: number): string {
  return Buffer.from(output.bytes.slice(from, end)).toString('hex');
}

function requestTarget(method: (typeof METHODS)[number]): FuzzTarget {
  const keyring = unauthenticatedKeyring(method, 'correct horse battery staple');
  const streams = stream.tcp.filter((row) => row.method === method).map((row) => fromHex(row.stream));
  const plain = [...address.valid, ...address.negative].map(({ bytes }) => fromHex(bytes));
  return {
    name: `${method} request, changed on the way`,
    corpus: method === 'none' ? plain : streams,
    run(bytes, random) {
      const whole = read(keyring, bytes);
      const split = read(keyring, bytes, random);
      must(whole === split, `the same answer however the input is split: ${whole} / ${split}`);
      return whole.startsWith('accepted');
    },
  };
}

function packetTarget(method: (typeof METHODS)[number]): FuzzTarget {
  const packets = new UnauthenticatedPackets(unauthenticatedKeyring(method, 'correct horse battery staple'));
  const sealed = stream.udp.filter((row) => row.method === method).map((row) => fromHex(row.packet));
  const plain = [...address.valid, ...address.negative].map(({ bytes }) => fromHex(bytes));
  return {
    name: `${method} datagram, changed on the way`,
    corpus: method === 'none' ? plain : sealed,
    run(bytes) {
      input.bytes.set(bytes, 0);
      const length = packets.open(input, 0, bytes.length, output, 0);
      must(length <= bytes.length, 'no more comes out than went in');
      if (length > 0) {
        const { status } = decodeTarget(output.bytes, packets.openedAt, packets.openedAt + length);
        must(status !== 'incomplete', 'what is taken holds the whole of an address');
      }
      return length > 0;
    },
  };
}

export const UNAUTHENTICATED_TARGETS: readonly FuzzTarget[] = [
  ...METHODS.map(requestTarget),
  ...METHODS.map(packetTarget),
];
