/** Network interfaces: the number that the kernel has for a name, which another interface of that name need not have. */

import { Region } from './memory.js';
import { ADDRESS, bind } from './platform.js';

const c = { if_nametoindex: bind('if_nametoindex', 'uint32_t', [ADDRESS]) } as const;

/** IFNAMSIZ of net/if.h, which counts the NUL at the end. */
const NAME_SIZE = 16;

const scratch = new Region(NAME_SIZE);

/** @returns 0 where there is no such interface now */
export function interfaceIndex(name: string): number {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length === 0 || bytes.length >= NAME_SIZE) return 0;
  scratch.bytes.fill(0);
  scratch.bytes.set(bytes);
  return c.if_nametoindex(scratch.base);
}
