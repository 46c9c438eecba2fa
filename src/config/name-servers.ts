/**
 * The `dns` setting: addresses of name servers, or one of the words that existing configurations have there, as the
 * `ip[:port]` list that the resolver asks.
 */

import { parseNameServer } from '../dns/name-servers.js';

/** Addresses that the operators publish for their open resolvers. */
const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  google: ['8.8.8.8', '8.8.4.4', '2001:4860:4860::8888', '2001:4860:4860::8844'],
  cloudflare: ['1.1.1.1', '1.0.0.1', '2606:4700:4700::1111', '2606:4700:4700::1001'],
  quad9: ['9.9.9.9', '149.112.112.112', '2620:fe::fe', '2620:fe::9'],
};

/** What may be given, in a sentence. */
export const SERVED_NAME_SERVERS =
  '"system", "google", "cloudflare", "quad9" or a list of addresses such as "1.1.1.1,[2606:4700:4700::1111]:53"';

export interface NameServerList {
  /** Empty: those of /etc/resolv.conf. */
  readonly nameServers: readonly string[];
  /** It asks for what is not served yet. */
  readonly isLater?: true;
  /** Rest of a sentence about what is wrong. */
  readonly problem?: string;
}

/**
 * Reads `system`, `google`, `cloudflare`, `quad9`, or `[udp://]ip[:port],…`. Encrypted and TCP-only forms are known but not
 * served yet, and come back without servers.
 */
export function parseNameServers(text: string): NameServerList {
  const word = text.trim().toLowerCase();
  if (word === '' || word === 'system') return { nameServers: [] };
  if (Object.hasOwn(OPERATORS, word)) return { nameServers: OPERATORS[word] };
  if (
    /^(?:google|cloudflare|quad9)_(?:tls|https|h3)$/.test(word) ||
    /^(?:tcp|unix|tls|https|h3|quic):\/\//.test(word)
  ) {
    return { nameServers: [], isLater: true };
  }
  const nameServers: string[] = [];
  for (const part of text
    .trim()
    .replace(/^udp:\/\//i, '')
    .split(',')) {
    if (!isNameServer(part.trim())) {
      return {
        nameServers: [],
        problem: `must be ${SERVED_NAME_SERVERS}, not "${text}"`,
      };
    }
    nameServers.push(part.trim());
  }
  return { nameServers };
}

function isNameServer(text: string): boolean {
  try {
    parseNameServer(text);
    return true;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return false;
  }
}
