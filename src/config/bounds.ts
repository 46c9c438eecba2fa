/** Bounds of numbers that both files and flags have. */

/** Thirty days: a time-out past it is a mistake in the unit. */
export const MAX_SECONDS = 30 * 24 * 3600;

/** Each association costs a descriptor. */
export const MAX_UDP_ASSOCIATIONS = 1_000_000;

/** More threads than any machine of today has cores is a mistake, and every one costs memory. */
export const MAX_WORKERS = 1024;
