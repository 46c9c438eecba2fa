/**
 * /etc/hosts: names that this machine knows by itself (hosts(5)), and `localhost`, which is loopback whatever the file
 * says.
 */

import { IpAddress, parseIpAddress, sameIpAddress } from '../net/ip-address.js';
import { normalizeName } from './name.js';

/** By normalized name; a name may have several addresses, in the file's order. */
export type Hosts = ReadonlyMap<string, readonly IpAddress[]>;

const LOOPBACK: readonly IpAddress[] = [
  new IpAddress(4, Uint8Array.of(127, 0, 0, 1)),
  new IpAddress(6, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)),
];

/** Parses lines of `address name alias… # comment`. Lines that make no sense are passed over, as libc does. */
export function parseHosts(text: string): Hosts {
  const hosts = new Map<string, IpAddress[]>();
  for (const line of text.split('\n')) {
    const [literal, ...names] = line.replace(/#.*$/, '').trim().split(/\s+/);
    const address = parseIpAddress(literal);
    if (address === undefined) continue;
    for (const written of names) {
      const name = normalizeName(written);
      if (name === undefined) continue;
      const addresses = hosts.get(name);
      if (addresses === undefined) hosts.set(name, [address]);
      else if (!addresses.some((known) => sameIpAddress(known, address))) addresses.push(address);
    }
  }
  return hosts;
}

/**
 * The addresses of a name, or undefined where only the DNS can tell.
 *
 * @param name in the form of `normalizeName`. `localhost` and names under it are loopback and are never asked for (RFC
 *   6761 §6.3)
 */
export function lookUpHosts(hosts: Hosts, name: string): readonly IpAddress[] | undefined {
  if (name === 'localhost' || name.endsWith('.localhost')) return LOOPBACK;
  return hosts.get(name);
}
