/**
 * Random bytes for salts, drawn from node:crypto many at a time: a call costs some 60 µs between connections, however few they are.
 * Bytes are wiped as they are handed out.
 */

import { randomFillSync } from 'node:crypto';

/** Fills `into[at, at + length)`; a parameter wherever it is used, so that tests can inject known bytes. */
export type RandomSource = (into: Uint8Array, at: number, length: number) => void;

/** Drawn at once; also the most that is given at once. */
export const POOL_SIZE = 32 * 1024;

export function createRandomSource(): RandomSource {
  const pool = new Uint8Array(POOL_SIZE);
  let next = POOL_SIZE;
  return (into, at, length) => {
    if (length > POOL_SIZE) throw new RangeError(`at most ${POOL_SIZE} random bytes at a time`);
    if (next + length > POOL_SIZE) {
      randomFillSync(pool);
      next = 0;
    }
    for (let i = 0; i < length; i++) {
      into[at + i] = pool[next + i];
      pool[next + i] = 0;
    }
    next += length;
  };
}
