/** The name servers that are asked, and which of them comes first. */

import type { IpAddress } from '../net/ip-address.js';
import { parseIpAddress } from '../net/ip-address.js';

/** Where a name server is. A router that announces itself as one does so with its link-local address (RFC 8106). */
export interface NameServerAddress {
  readonly address: IpAddress;
  /** The interface that a link-local address belongs to, its name or its number; empty where none is given. */
  readonly zone: string;
}

export interface NameServer extends NameServerAddress {
  readonly port: number;
}

export const DNS_PORT = 53;

/** Reads `ip` or `ipv6%zone` (RFC 4007 §11). @returns undefined where the text is neither */
export function parseNameServerAddress(text: string): NameServerAddress | undefined {
  const [literal, zone] = /^([^%]*:[^%]*)%([^%\s/:]{1,15})$/.exec(text)?.slice(1) ?? [text, ''];
  const address = parseIpAddress(literal);
  return address === undefined ? undefined : { address, zone };
}

/**
 * Reads `ip`, `ip:port` or `[ipv6]:port`, in which an IPv6 address may have a zone.
 *
 * @throws RangeError that names the text
 */
export function parseNameServer(text: string): NameServer {
  const bare = parseNameServerAddress(text);
  if (bare !== undefined) return { ...bare, port: DNS_PORT };
  const parts = /^(?:\[([^\]]*)\]|([^:]*))(?::([0-9]{1,5}))?$/.exec(text);
  const where = parseNameServerAddress(parts?.[1] ?? parts?.[2] ?? '');
  const port = Number(parts?.[3] ?? DNS_PORT);
  if (where === undefined || port === 0 || port > 0xffff) {
    throw new RangeError(`"${text}" is not a name server: expected an address such as 1.1.1.1 or [::1]:5353`);
  }
  return { ...where, port };
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
