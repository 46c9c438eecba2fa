/**
 * Which addresses a server may connect to. Anyone with a key could otherwise use the server to reach what only its own
 * machine or network can: the admin page on loopback, the cloud's metadata service on a link-local address, the router.
 * So only global unicast passes by default. The check is made on the address that is about to be connected to, after
 * resolution, because a name (or a second answer for the same name) can point anywhere.
 */

import { CidrSet } from './cidr.js';
import { IpAddress } from './ip-address.js';

/**
 * From the IANA IPv4 Special-Purpose Address Registry (RFC 6890), with its RFC; blocks marked globally reachable there
 * are left out.
 */
const REFUSED_IPV4 = [
  '0.0.0.0/8', // "this network" (RFC 791); Linux connects 0.0.0.0 to loopback
  '10.0.0.0/8', // private (RFC 1918)
  '100.64.0.0/10', // shared space behind carrier-grade NAT (RFC 6598): the provider's inside
  '127.0.0.0/8', // loopback (RFC 1122)
  '169.254.0.0/16', // link-local (RFC 3927): metadata services of the clouds
  '172.16.0.0/12', // private (RFC 1918)
  '192.0.0.0/24', // IETF protocol assignments (RFC 6890); its reachable anycast hosts serve the local network
  '192.0.2.0/24', // documentation TEST-NET-1 (RFC 5737): where it is routed, it is a lab's inside
  '192.88.99.0/24', // 6to4 relay anycast, deprecated (RFC 7526)
  '192.168.0.0/16', // private (RFC 1918)
  '198.18.0.0/15', // benchmarking (RFC 2544); also what "fake IP" resolvers answer with
  '198.51.100.0/24', // documentation TEST-NET-2 (RFC 5737)
  '203.0.113.0/24', // documentation TEST-NET-3 (RFC 5737)
  '224.0.0.0/4', // multicast (RFC 5771)
  '240.0.0.0/4', // reserved (RFC 1112), with limited broadcast 255.255.255.255 (RFC 919)
];

/**
 * Global unicast IPv6 is 2000::/3 (RFC 4291 §2.4 and the IANA address space registry); all else (unspecified, loopback,
 * IPv4-compatible, discard 100::/64, local NAT64 64:ff9b:1::/48, SRv6 5f00::/16, unique local fc00::/7, link-local
 * fe80::/10, site-local fec0::/10, multicast ff00::/8, what is unassigned) is refused by not being in it.
 */
const GLOBAL_UNICAST_IPV6 = ['2000::/3'];

/** What the IANA IPv6 Special-Purpose Address Registry takes out of 2000::/3. */
const REFUSED_IPV6 = [
  '2001::/23', // IETF protocol assignments (RFC 2928): Teredo, benchmarking, ORCHID, local anycast
  '2001:db8::/32', // documentation (RFC 3849)
  '3fff::/20', // documentation (RFC 9637)
];

/** NAT64 and 6to4 carry the packet on to an IPv4 address inside the IPv6 one, which must pass on its own. */
const NAT64 = new CidrSet(['64:ff9b::/96']); // RFC 6052
const NAT64_EMBEDDED_AT = 12;
const SIX_TO_FOUR = new CidrSet(['2002::/16']); // RFC 3056
const SIX_TO_FOUR_EMBEDDED_AT = 2;

const refused = new CidrSet([...REFUSED_IPV4, ...REFUSED_IPV6]);
const globalUnicastIpv6 = new CidrSet(GLOBAL_UNICAST_IPV6);
const everyIpv4 = new CidrSet(['0.0.0.0/0']);

export class EgressPolicy {
  readonly #allowed: CidrSet;

  /**
   * @param allow CIDR blocks that are open although they are not global unicast
   * @throws RangeError for a text that is not a CIDR block
   */
  constructor(allow: readonly string[]) {
    this.#allowed = new CidrSet(allow);
  }

  /**
   * Whether a connection or a packet may go to this address. IPv4-mapped IPv6 is judged as the IPv4 address that it is.
   */
  allows(address: IpAddress): boolean {
    if (this.#allowed.contains(address)) return true;
    if (everyIpv4.contains(address)) return !refused.contains(address);
    if (NAT64.contains(address)) return this.#allowsEmbedded(address, NAT64_EMBEDDED_AT);
    if (SIX_TO_FOUR.contains(address)) return this.#allowsEmbedded(address, SIX_TO_FOUR_EMBEDDED_AT);
    return globalUnicastIpv6.contains(address) && !refused.contains(address);
  }

  #allowsEmbedded(address: IpAddress, at: number): boolean {
    return this.allows(new IpAddress(4, address.bytes.subarray(at, at + 4)));
  }
}

/** Global unicast addresses: neither this machine nor its network, so that others are on the way. */
export const ELSEWHERE = new EgressPolicy([]);
