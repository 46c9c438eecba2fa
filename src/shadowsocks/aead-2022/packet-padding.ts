/**
 * How much padding a datagram gets. Most get none: it costs room in a packet that has to fit the path, and a stream of datagrams has shapes that
 * padding does not hide. DNS is the exception, as in other implementations: one short question, one short answer, whose lengths give names away.
 */

import type { RandomSource } from '../../crypto/random.js';

/** SIP022 §3.1.3: `MaxPaddingLength`. */
export const MAX_PADDING_LENGTH = 900;

const DNS_PORT = 53;

/** @returns bytes of padding for the plaintext `bytes[at, at + length)`, at most `MAX_PADDING_LENGTH` */
export type PacketPadding = (bytes: Uint8Array, at: number, length: number) => number;

const draw = new Uint8Array(2);

/** Pads what goes to or comes from port 53, to a length of at most `MAX_PADDING_LENGTH`. */
export function padDns(random: RandomSource): PacketPadding {
  return (bytes, at, length) => {
    const portAt = at + portOffset(bytes, at);
    if (((bytes[portAt] << 8) | bytes[portAt + 1]) !== DNS_PORT) return 0;
    const room = MAX_PADDING_LENGTH - (at + length - portAt - 2);
    if (room <= 0) return 0;
    random(draw, 0, 2);
    return 1 + (((draw[0] << 8) | draw[1]) % room);
  };
}

/** Where the port is in an address that is known to be well formed. */
function portOffset(bytes: Uint8Array, at: number): number {
  if (bytes[at] === 1) return 5;
  return bytes[at] === 4 ? 17 : 2 + bytes[at + 1];
}
