/** What the dialer asks of a resolver; `src/dns` has the real one. */

import type { IpAddress } from './ip-address.js';

export type ResolvedName =
  /** At least one address, in the order in which they were answered. `late`: the other family is still being asked for. */
  | { readonly status: 'ok'; readonly addresses: readonly IpAddress[]; readonly late?: LateAnswer }
  /** `ENOTFOUND`: the name has no address; `ETIMEDOUT`: no server answered; `EAI_AGAIN`: servers failed. */
  | { readonly status: 'failed'; readonly code: 'ENOTFOUND' | 'ETIMEDOUT' | 'EAI_AGAIN' };

/** A question that is under way. */
export interface Lookup {
  /** The callback will not be called any more. Harmless after it was. */
  cancel(): void;
}

/** What there will be once both families have been answered. It goes to the cache whether anybody waits for it or not. */
export interface LateAnswer {
  /**
   * To be called, if at all, before the callback of the first answer returns.
   * @param callback called once unless cancelled, after `wait` has returned: with the addresses of the first answer and those that have
   * come since, if any
   */
  wait(callback: (answer: ResolvedName) => void): Lookup;
}

export interface NameResolver {
  /** @param callback called exactly once unless cancelled; perhaps before `resolve` returns (a literal, the hosts file, the cache) */
  resolve(name: string, callback: (answer: ResolvedName) => void): Lookup;
}
