/** Limits of the process that decide how many connections it can hold. */

import { RLIMIT_NOFILE } from './constants.js';
import { checked } from './errno.js';
import { RLIMIT } from './layouts.js';
import { Region } from './memory.js';
import { ADDRESS, bind } from './platform.js';

const c = {
  getrlimit: bind('getrlimit', 'int', ['int', ADDRESS]),
  setrlimit: bind('setrlimit', 'int', ['int', ADDRESS]),
} as const;

/**
 * Raises the soft limit of open descriptors to the hard one: the soft one (often 1,024) is low for select(2)'s sake, which umbra does not use.
 * @returns the limit in force now
 */
export function raiseOpenFileLimit(): number {
  const scratch = new Region(RLIMIT.size);
  try {
    checked('getrlimit', c.getrlimit(RLIMIT_NOFILE, scratch.base));
    const words = new Uint32Array(scratch.bytes.buffer, scratch.bytes.byteOffset, RLIMIT.size / 4);
    words.copyWithin(RLIMIT.softOffset / 4, RLIMIT.hardOffset / 4, RLIMIT.size / 4);
    checked('setrlimit', c.setrlimit(RLIMIT_NOFILE, scratch.base));
    return words[0] + words[1] * 2 ** 32;
  } finally {
    scratch.release();
  }
}
