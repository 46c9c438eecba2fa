/** Decoders of addresses: the target of a connection, and what a person writes. */

import { Region } from '../../../native-bindings/memory.js';
import { decodeSocketAddress } from '../../../native-bindings/sockaddr.js';
import { CidrSet, parseCidr } from '../../../src/net/cidr.js';
import { formatIpAddress, parseIpAddress, sameIpAddress } from '../../../src/net/ip-address.js';
import { decodeTarget, encodeTarget, expectedTargetLength, targetLength } from '../../../src/net/target.js';
import { fromHex, loadVectors } from '../../support/vectors.js';
import { type FuzzTarget, must } from '../target.js';

const { address } = loadVectors();
const text = (...lines: string[]): Uint8Array[] => lines.map((line) => new TextEncoder().encode(line));

const target: FuzzTarget = {
  name: 'target address',
  corpus: [...address.valid, ...address.negative].map(({ bytes }) => fromHex(bytes)),
  run(input) {
    const decoded = decodeTarget(input, 0, input.length);
    must(expectedTargetLength(input, 0, input.length) > 0, 'an expected length is positive');
    if (decoded.status !== 'ok') return false;
    must(decoded.length <= input.length, 'no more is taken than there is');
    const again = new Uint8Array(targetLength(decoded.target));
    encodeTarget(decoded.target, again, 0);
    const twice = decodeTarget(again, 0, again.length);
    must(twice.status === 'ok' && twice.length === again.length, 'what was decoded can be encoded and decoded again');
    return true;
  },
};

const ipAddress: FuzzTarget = {
  name: 'IP address as text',
  corpus: text(
    '127.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '2001:db8::8:800:200c:417a',
    '::ffff:1.2.3.4',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7:8',
  ),
  run(input) {
    const parsed = parseIpAddress(Buffer.from(input).toString('latin1'));
    if (parsed === undefined) return false;
    const again = parseIpAddress(formatIpAddress(parsed));
    must(again !== undefined && sameIpAddress(parsed, again), 'what was parsed can be written and parsed again');
    return true;
  },
};

const cidr: FuzzTarget = {
  name: 'CIDR block as text',
  corpus: text('10.0.0.0/8', '0.0.0.0/0', 'fd00::/8', '::ffff:10.0.0.0/104', '1.2.3.4', '2001:db8::/128'),
  run(input) {
    try {
      const block = parseCidr(Buffer.from(input).toString('latin1'));
      const set = new CidrSet([block]);
      must(set.contains({ family: block.family, bytes: block.first }), 'a block holds its first address');
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  },
};

const memory = new Region(4096);

const socketAddress: FuzzTarget = {
  name: 'socket address',
  corpus: [
    fromHex('0200 1f90 7f000001 0000000000000000'),
    fromHex('0a00 1f90 00000000 00000000000000000000000000000001 00000000'),
    fromHex('0100 2f746d702f7800'),
  ],
  run(input, random) {
    const length = Math.min(input.length, 128);
    memory.bytes.fill(0, 0, 256);
    memory.bytes.set(input.subarray(0, length), 0);
    return decodeSocketAddress(memory.bytes, 0, random.oneIn(4) ? random.below(129) : length) !== undefined;
  },
};

export const ADDRESS_TARGETS: readonly FuzzTarget[] = [target, ipAddress, cidr, socketAddress];
