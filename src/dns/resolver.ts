/** Temporary: answers nothing. The real resolver has this signature: `createResolver(reactor, { nameServers })` with `close()`. */
import type { Lookup, NameResolver, ResolvedName } from '../net/name-resolver.js';
import type { Reactor } from '../reactor/reactor.js';

export interface ResolverOptions {
  readonly nameServers: readonly string[];
}

export function createResolver(_reactor: Reactor, _options: ResolverOptions): NameResolver & { close(): void } {
  return {
    resolve(_name: string, callback: (answer: ResolvedName) => void): Lookup {
      callback({ status: 'failed', code: 'ENOTFOUND' });
      return { cancel() {} };
    },
    close() {},
  };
}
