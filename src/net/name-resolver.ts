/** What the dialer asks of a resolver; `src/dns` has the real one. */

import type { IpAddress } from './ip-address.js';

export type ResolvedName =
  /** At least one address, in the order in which they were answered. */
  | { readonly status: 'ok'; readonly addresses: readonly IpAddress[] }
  /** `ENOTFOUND`: the name has no address; `ETIMEDOUT`: no server answered; `EAI_AGAIN`: servers failed. */
  | { readonly status: 'failed'; readonly code: 'ENOTFOUND' | 'ETIMEDOUT' | 'EAI_AGAIN' };

/** A question that is under way. */
export interface Lookup {
  /** The callback will not be called any more. Harmless after it was. */
  cancel(): void;
}

export interface NameResolver {
  /** @param callback called exactly once unless cancelled; perhaps before `resolve` returns (a literal, the hosts file, the cache) */
  resolve(name: string, callback: (answer: ResolvedName) => void): Lookup;
}
