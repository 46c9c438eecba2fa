/** The name servers that are asked, and which of them comes first. */

import type { IpAddress } from '../net/ip-address.js';
import { parseIpAddress } from '../net/ip-address.js';

export interface NameServer {
  readonly address: IpAddress;
  readonly port: number;
}

export const DNS_PORT = 53;

/**
 * Reads `ip`, `ip:port` or `[ipv6]:port`.
 *
 * @throws RangeError that names the text
 */
export function parseNameServer(text: string): NameServer {
  const bare = parseIpAddress(text);
  if (bare !== undefined) return { address: bare, port: DNS_PORT };
  const parts = /^(?:\[([^\]]*)\]|([^:]*))(?::([0-9]{1,5}))?$/.exec(text);
  const address = parseIpAddress(parts?.[1] ?? parts?.[2] ?? '');
  const port = Number(parts?.[3] ?? DNS_PORT);
  if (address === undefined || port === 0 || port > 0xffff) {
    throw new RangeError(`"${text}" is not a name server: expected an address such as 1.1.1.1 or [::1]:5353`);
  }
  return { address, port };
}

/**
 * The servers in the order of a query's tries. A server that answered after others had not is asked first from then on,
 * so that a dead one costs its time-out once, not at every name.
 */
export class NameServers {
  readonly list: readonly NameServer[];
  readonly #rotate: boolean;
  #first = 0;

  /** @param list at least one @param rotate begin with another one each time */
  constructor(list: readonly NameServer[], rotate: boolean) {
    this.list = list;
    this.#rotate = rotate;
  }

  /** Where a new query begins in `list`. */
  begin(): number {
    const first = this.#first;
    if (this.#rotate) this.#first = (first + 1) % this.list.length;
    return first;
  }

  /** This one answered where the one that was asked first had not. */
  prefer(server: NameServer): void {
    const index = this.list.indexOf(server);
    if (index >= 0 && !this.#rotate) this.#first = index;
  }
}
