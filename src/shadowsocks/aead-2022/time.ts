/**
 * The timestamps of the 2022 edition: Unix seconds in 64 bits, at most 30 s from the receiver's clock. A wrong clock is the commonest reason for
 * a connection that never comes about, and neither end can tell the other: so whoever sees it says so in its log.
 */

export const TIME_LENGTH = 8;
/** SIP022; in whole seconds on both sides. */
export const MAX_SKEW_S = 30;

export type Peer = 'client' | 'server';

/** The clock that timestamps come from, and who hears of one that is far from it. */
export interface WallClock {
  /** Whole Unix seconds. */
  nowS(): number;
  /** An authentic message had a time too far from ours. @param aheadS how far the peer's clock is ahead of ours */
  handleSkew(peer: Peer, aheadS: number): void;
}

/** Writes the time at `into[at, at + 8)`. */
export function writeTime(clock: WallClock, into: Uint8Array, at: number): void {
  const nowS = clock.nowS();
  writeWord(into, at, Math.floor(nowS / 2 ** 32));
  writeWord(into, at + 4, nowS % 2 ** 32);
}

function writeWord(into: Uint8Array, at: number, word: number): void {
  into[at] = word >>> 24;
  into[at + 1] = word >>> 16;
  into[at + 2] = word >>> 8;
  into[at + 3] = word;
}

/**
 * How far the time at `from[at, at + 8)` is ahead of ours, in seconds. As a double it is exact wherever it matters, and far from ours where the
 * 64 bits mean a time that no double has.
 */
export function secondsAhead(clock: WallClock, from: Uint8Array, at: number): number {
  return readWord(from, at) * 2 ** 32 + readWord(from, at + 4) - clock.nowS();
}

function readWord(from: Uint8Array, at: number): number {
  return ((from[at] << 24) | (from[at + 1] << 16) | (from[at + 2] << 8) | from[at + 3]) >>> 0;
}

/** Whether a time that far from ours is good. */
export function isTimely(aheadS: number): boolean {
  return Math.abs(aheadS) <= MAX_SKEW_S;
}
