/** How sessions end. One word a session, counted and logged once. */

/**
 * `OK`: both directions ended by FIN. `ERR_IDLE`: the idle time-out. `ERR_STOPPED`: the program ended it. `ERR_BUG`: an exception of ours.
 */
export const STATUSES = [
  'OK',
  'ERR_SOCKS',
  'ERR_HTTP',
  'ERR_HANDSHAKE_TIMEOUT',
  'ERR_CIPHER',
  'ERR_ADDRESS',
  'ERR_RESOLVE',
  'ERR_EGRESS',
  'ERR_CONNECT',
  'ERR_RESET',
  'ERR_TRUNCATED',
  'ERR_IDLE',
  'ERR_MEMORY',
  'ERR_STOPPED',
  'ERR_BUG',
] as const;

export type Status = (typeof STATUSES)[number];

/** How a dial failed, as a status. */
export function dialStatus(failure: string): Status {
  if (failure === 'EGRESS') return 'ERR_EGRESS';
  return failure === 'ENOTFOUND' || failure === 'EAI_AGAIN' ? 'ERR_RESOLVE' : 'ERR_CONNECT';
}
