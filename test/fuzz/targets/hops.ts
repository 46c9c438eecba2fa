/** What hops read of streams and datagrams: one block, which no change on the way survives; all else they hand on unread. */

import { Region } from '../../../native-bindings/memory.js';
import { hopOf, NEXT_ADDRESS, packetHopOf } from '../../support/hops.js';
import { fromHex, loadVectors } from '../../support/vectors.js';
import { MAX_INPUT_LENGTH } from '../mutate.js';
import { type FuzzTarget, must } from '../target.js';

const METHOD = '2022-blake3-aes-128-gcm';
const SALT_LENGTH = 16;
const BLOCK_LENGTH = 16;
const { sip022 } = loadVectors();
const input = new Region(65_536 + MAX_INPUT_LENGTH);
const output = new Region(input.size);
const OUTPUT_AT = 64;

interface Row {
  readonly method: string;
  readonly upsk: string;
  readonly ipsks: readonly string[];
}

function isChain({ method, ipsks }: Row): boolean {
  return method === METHOD && ipsks.length === 2;
}

function keysOf({ ipsks }: Row) {
  const [ownKey, nextKey] = ipsks.map(fromHex);
  return { method: METHOD, ownKey, nextKey } as const;
}

/** Whether `output[at, …)` is what the input has from `from` on. */
function isRest(bytes: Uint8Array, from: number, at: number): boolean {
  return bytes.subarray(from).every((byte, i) => output.bytes[at + i] === byte);
}

function request(): FuzzTarget {
  const rows = sip022.tcp_request.filter(isChain);
  const hop = hopOf(keysOf(rows[0]));
  return {
    name: 'a request to a hop',
    corpus: rows.map(({ stream }) => fromHex(stream)),
    run(bytes) {
      input.bytes.set(bytes, 0);
      const reader = hop.newRequest();
      const outcome = reader.read(input, 0, bytes.length, output);
      if (outcome.kind !== 'accepted') return false;
      must(reader.consumedTo === bytes.length, 'nothing is left behind');
      must(outcome.payloadEnd - outcome.payloadAt === bytes.length - BLOCK_LENGTH, 'a block goes and nothing else');
      must(isRest(bytes.subarray(0, SALT_LENGTH), 0, outcome.payloadAt), 'the salt stays');
      must(isRest(bytes, SALT_LENGTH + BLOCK_LENGTH, outcome.payloadAt + SALT_LENGTH), 'the rest stays');
      return true;
    },
  };
}

function datagram(): FuzzTarget {
  const rows = sip022.udp_client.filter(isChain);
  const hop = packetHopOf(keysOf(rows[0]));
  return {
    name: 'a datagram to a hop',
    corpus: rows.map(({ packet }) => fromHex(packet)),
    run(bytes) {
      input.bytes.set(bytes, 0);
      const opened = hop.open(input, 0, bytes.length, output, OUTPUT_AT);
      if (opened < 0) return false;
      must(opened === NEXT_ADDRESS.length + bytes.length - BLOCK_LENGTH, 'a block goes and nothing else');
      must(isRest(NEXT_ADDRESS, 0, hop.openedAt), 'it goes where it is to go');
      must(isRest(bytes, 2 * BLOCK_LENGTH, hop.openedAt + NEXT_ADDRESS.length + BLOCK_LENGTH), 'the rest stays');
      return true;
    },
  };
}

export const HOP_TARGETS: readonly FuzzTarget[] = [request(), datagram()];
