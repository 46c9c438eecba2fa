/** The SOCKS handshakes, with and without authentication, in one piece and split. */

import { SocksCredentials } from '../../../src/socks/credentials.js';
import type { SocksHandshake } from '../../../src/socks/handshake.js';
import { Socks4Handshake } from '../../../src/socks/socks4.js';
import { Socks5Handshake } from '../../../src/socks/socks5.js';
import { fromHex } from '../../support/vectors.js';
import type { SeededRandom } from '../random.js';
import { type FuzzTarget, must } from '../target.js';

const CONNECT_IPV4 = '05 01 00 01 7f000001 0050';
const CONNECT_NAME = '05 01 00 03 0b 6578616d706c652e636f6d 01bb';
const ASSOCIATE_IPV6 = '05 03 00 04 00000000000000000000000000000001 0000';

/** Feeds all of `input`, cut where `random` says, or nowhere. @returns a text for how it ended, and how many bytes it took */
function handshake(codec: SocksHandshake, input: Uint8Array, random: SeededRandom | undefined): string {
  let taken = 0;
  let end = 0;
  while (end < input.length || taken < end) {
    if (taken >= end) end = Math.min(input.length, end + 1 + (random === undefined ? input.length : random.below(8)));
    const outcome = codec.feed(input, taken, end);
    must(codec.consumed >= 0 && codec.consumed <= end - taken, 'no more is taken than was given');
    taken += codec.consumed;
    switch (outcome.kind) {
      case 'more':
        must(taken === end, '"more" takes all that was given');
        break;
      case 'reply':
        break;
      case 'failed':
        return `failed: ${outcome.reason}`;
      case 'request':
        return `request of ${taken}: ${JSON.stringify(outcome.request.target)}`;
      default:
        outcome satisfies never;
    }
  }
  return 'more';
}

function socks(name: string, create: () => SocksHandshake, corpus: readonly string[]): FuzzTarget {
  return {
    name,
    corpus: corpus.map(fromHex),
    run(input, random) {
      const whole = handshake(create(), input, undefined);
      const split = handshake(create(), input, random);
      must(whole === split, `the same answer however the input is split: ${whole} / ${split}`);
      return whole.startsWith('request');
    },
  };
}

const NOBODY = new SocksCredentials([]);
const ME = new SocksCredentials([{ user: 'me', password: 'secret' }]);

export const SOCKS_TARGETS: readonly FuzzTarget[] = [
  socks('SOCKS5 handshake', () => new Socks5Handshake(NOBODY), [
    `05 01 00 ${CONNECT_IPV4}`,
    `05 02 00 02 ${CONNECT_NAME}`,
    `05 01 00 ${ASSOCIATE_IPV6}`,
    `05 01 00 05 02 00 01 7f000001 0050`,
    '05 01 02',
  ]),
  socks('SOCKS5 handshake with a password', () => new Socks5Handshake(ME), [
    `05 01 02 01 02 6d65 06 736563726574 ${CONNECT_NAME}`,
    `05 02 00 02 01 02 6d65 06 736563726574 ${CONNECT_IPV4}`,
    `05 01 02 01 02 6d65 05 7365637265 ${CONNECT_IPV4}`,
    `05 01 00 ${CONNECT_IPV4}`,
  ]),
  socks('SOCKS4 handshake', () => new Socks4Handshake(true), [
    '04 01 0050 c0000207 00',
    '04 01 01bb c0000207 616e6e 00',
    '04 01 0050 00000001 00 6578616d706c652e636f6d 00',
    '04 02 0050 00000001 616e6e 00 3132372e302e302e31 00',
  ]),
];
