/**
 * Random bytes for salts, drawn from node:crypto some kilobytes at a time: a call costs the same for 32 bytes as for 4,096.
 * Bytes are wiped as they are handed out.
 */

import { randomFillSync } from 'node:crypto';

/** Fills `into[at, at + length)`; a parameter wherever it is used, so that tests can inject known bytes. */
export type RandomSource = (into: Uint8Array, at: number, length: number) => void;

const POOL_SIZE = 4096;

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
