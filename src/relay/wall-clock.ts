/** The clock that the 2022 edition's timestamps come from. Of a peer's clock that is wrong it tells the log, but not for each connection. */

import { MAX_SKEW_S, type Peer, type WallClock } from '../shadowsocks/aead-2022/time.js';
import type { Log } from './context.js';

/** A client whose clock is wrong tries again and again. */
const QUIET_MS = 60_000;

export class LoggingClock implements WallClock {
  readonly #log: Log;
  readonly #wallClockMs: () => number;
  readonly #monotonicMs: () => number;
  #silentUntilMs = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  /** @param wallClockMs since 1970; `monotonicMs` never goes back */
  constructor(log: Log, wallClockMs: () => number, monotonicMs: () => number) {
    this.#log = log;
    this.#wallClockMs = wallClockMs;
    this.#monotonicMs = monotonicMs;
  }

  nowS(): number {
    return Math.floor(this.#wallClockMs() / 1000);
  }

  handleSkew(peer: Peer, aheadS: number): void {
    const nowMs = this.#monotonicMs();
    if (nowMs < this.#silentUntilMs) {
      this.#unsaid++;
      return;
    }
    this.#silentUntilMs = nowMs + QUIET_MS;
    this.#log.write('warn', `refused: the ${peer}'s clock and this one differ by more than ${MAX_SKEW_S} s`, {
      aheadSeconds: aheadS,
      alsoSince: this.#unsaid,
    });
    this.#unsaid = 0;
  }
}
