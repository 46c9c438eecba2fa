import { expect } from 'chai';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { CidrSet, parseCidr } from '../../src/net/cidr.js';
import { EgressPolicy } from '../../src/net/egress-policy.js';
import type { IpAddress } from '../../src/net/ip-address.js';
import { formatIpAddress, parseIpAddress, unmapIpv4 } from '../../src/net/ip-address.js';
import type { Target } from '../../src/net/target.js';
import { decodeTarget, encodeTarget, MAX_TARGET_LENGTH, targetLength } from '../../src/net/target.js';

/** Zero-rich bytes, so that runs of zero groups of all lengths come up. */
const byte = fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, { arbitrary: fc.nat(255), weight: 1 });
const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes): IpAddress => ({ family: 4, bytes }));
const anyIpv6 = fc
  .array(byte, { minLength: 16, maxLength: 16 })
  .map((bytes): IpAddress => ({ family: 6, bytes: Uint8Array.from(bytes) }));
const mappedIpv6 = ipv4.map(({ bytes }): IpAddress => {
  const mapped = new Uint8Array(16).fill(0xff, 10, 12);
  mapped.set(bytes, 12);
  return { family: 6, bytes: mapped };
});
const ipv6 = fc.oneof(anyIpv6, mappedIpv6);
const address = fc.oneof(ipv4, ipv6);

const oracle = (a: IpAddress): ipaddr.IPv4 | ipaddr.IPv6 => ipaddr.fromByteArray([...a.bytes]);

describe('IP addresses, by property', () => {
  it('survive writing and reading', () => {
    fc.assert(
      fc.property(address, (a) => {
        expect(parseIpAddress(formatIpAddress(a))).to.deep.equal(a);
      }),
    );
  });

  it('are written as ipaddr.js writes them', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, anyIpv6), (a) => {
        const theirs = oracle(a);
        fc.pre(!(theirs instanceof ipaddr.IPv6 && theirs.isIPv4MappedAddress()));
        expect(formatIpAddress(a)).to.equal(
          theirs instanceof ipaddr.IPv6 ? theirs.toRFC5952String() : theirs.toString(),
        );
      }),
    );
  });

  it('are read from every spelling that ipaddr.js writes', () => {
    fc.assert(
      fc.property(anyIpv6, (a) => {
        const theirs = oracle(a) as ipaddr.IPv6;
        expect(parseIpAddress(theirs.toNormalizedString().toUpperCase())).to.deep.equal(a);
        expect(parseIpAddress(theirs.toString())).to.deep.equal(a);
      }),
    );
  });

  it('are read from the same texts, to the same bytes, as in ipaddr.js', () => {
    const part = fc.oneof(
      fc.constantFrom('', ':', '::', '.', '0', '00', 'ffff', 'fffff', '1.2.3.4', '256', 'g', '%1'),
      fc.nat(0xffff).map((value) => value.toString(16)),
    );
    const text = fc.array(part, { maxLength: 18 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(text, fc.ipV4(), fc.ipV6()), (input) => {
        // ipaddr.js reads the IPv4-compatible "::1.2.3.4" as "::ffff:1.2.3.4", which is another address.
        fc.pre(!/^::[0-9]+\./.test(input));
        const ours = parseIpAddress(input);
        const strictly =
          !input.includes('%') && (ipaddr.IPv6.isValid(input) || ipaddr.IPv4.isValidFourPartDecimal(input));
        if (ours !== undefined) expect([...ours.bytes]).to.deep.equal(ipaddr.parse(input).toByteArray());
        else expect(strictly && !/(^|[:.])0[0-9]+\./.test(input), input).to.equal(false);
      }),
      { numRuns: 1000 },
    );
  });

  it('never make the parser throw', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseIpAddress(text);
      }),
    );
  });
});

describe('CIDR sets, by property', () => {
  const block = fc.oneof(
    fc.tuple(ipv4, fc.nat(32)).map(([a, length]) => ({ a, length })),
    fc.tuple(anyIpv6, fc.nat(128)).map(([a, length]) => ({ a, length })),
  );

  it('hold what ipaddr.js finds in one of the blocks', () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 20 }), fc.array(address, { maxLength: 20 }), (blocks, addresses) => {
        const set = new CidrSet(blocks.map(({ a, length }) => `${formatIpAddress(a)}/${length}`));
        // The blocks' own addresses hit; random ones mostly miss.
        for (const candidate of [...addresses, ...blocks.map(({ a }) => a)]) {
          const plain = unmapIpv4(candidate);
          const expected = blocks.some(({ a, length }) => {
            const { family, first, prefixLength } = parseCidr(`${formatIpAddress(a)}/${length}`);
            return family === plain.family && oracle(plain).match(oracle({ family, bytes: first }), prefixLength);
          });
          expect(set.contains(candidate), formatIpAddress(candidate)).to.equal(expected);
        }
      }),
    );
  });
});

describe('the egress policy, by property', () => {
  it('lets nothing through that ipaddr.js does not call unicast', () => {
    const policy = new EgressPolicy([]);
    fc.assert(
      fc.property(address, (a) => {
        const range = oracle(unmapIpv4(a)).range();
        if (policy.allows(a))
          expect(range, formatIpAddress(a)).to.be.oneOf(['unicast', 'rfc6052', '6to4', 'as112', 'amt']);
      }),
      { numRuns: 2000 },
    );
  });

  it('judges an IPv4 address and its mapped form alike', () => {
    const policy = new EgressPolicy(['10.0.0.0/8']);
    fc.assert(
      fc.property(mappedIpv6, (mapped) => {
        expect(policy.allows(mapped)).to.equal(policy.allows(unmapIpv4(mapped)));
      }),
    );
  });
});

describe('targets, by property', () => {
  const name = fc.domain().filter((text) => text.length <= 253);
  const target: fc.Arbitrary<Target> = fc.oneof(
    fc.record({ kind: fc.constant('ip' as const), address, port: fc.nat(65535) }),
    fc.record({ kind: fc.constant('name' as const), name, port: fc.nat(65535) }),
  );

  it('survive encoding and decoding at any offset', () => {
    fc.assert(
      fc.property(target, fc.nat(40), (t, offset) => {
        const bytes = new Uint8Array(offset + MAX_TARGET_LENGTH).fill(0xee);
        const length = encodeTarget(t, bytes, offset);
        expect(length).to.equal(targetLength(t));
        expect(decodeTarget(bytes, offset, offset + length)).to.deep.equal({ status: 'ok', target: t, length });
        expect(decodeTarget(bytes, offset, offset + length - 1).status).to.equal('incomplete');
        expect(bytes.subarray(0, offset).every((b) => b === 0xee)).to.equal(true);
        expect(bytes.subarray(offset + length).every((b) => b === 0xee)).to.equal(true);
      }),
    );
  });

  it('are never decoded from garbage by throwing, nor beyond its end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const decoded = decodeTarget(bytes, 0, bytes.length);
        if (decoded.status === 'ok') expect(decoded.length).to.be.at.most(bytes.length);
      }),
    );
  });
});
