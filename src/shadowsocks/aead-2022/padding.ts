/** Padding of requests: it takes the size of a connection's first packet, which its payload would tell, to a random one. */

import type { RandomSource } from '../../crypto/random.js';

/** SIP022. */
export const MAX_PADDING = 900;

/** Chooses and makes padding; tests give known ones. */
export interface PaddingSource {
  /** How much goes with so much payload. */
  lengthFor(payloadLength: number): number;
  fill(into: Uint8Array, at: number, length: number): void;
}

const RANDOM_LENGTH = 4;

/**
 * 1 to 900 bytes where there is no payload (SIP022 wants some then), else so much that both together have up to 900, as shadowsocks-go does: a
 * longer payload says little by its size.
 */
export class RandomPadding implements PaddingSource {
  readonly #random: RandomSource;
  readonly #drawn = new Uint8Array(RANDOM_LENGTH);

  constructor(random: RandomSource) {
    this.#random = random;
  }

  lengthFor(payloadLength: number): number {
    if (payloadLength >= MAX_PADDING) return 0;
    return payloadLength === 0 ? 1 + this.#below(MAX_PADDING) : this.#below(MAX_PADDING - payloadLength + 1);
  }

  /** Uniform: with 32 bits, for so small a limit, the bias is below a millionth. */
  #below(limit: number): number {
    const drawn = this.#drawn;
    this.#random(drawn, 0, RANDOM_LENGTH);
    const number = ((drawn[0] << 24) | (drawn[1] << 16) | (drawn[2] << 8) | drawn[3]) >>> 0;
    return Math.floor((number / 2 ** 32) * limit);
  }

  /** Zeros: they are encrypted. */
  fill(into: Uint8Array, at: number, length: number): void {
    into.fill(0, at, at + length);
  }
}
