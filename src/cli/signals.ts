/**
 * SIGINT and SIGTERM: the first one asks for an orderly end, the second one for an end at once, and the third is the kernel's
 * business, should there be a thread that no longer listens.
 */

import { constants } from 'node:os';

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export class EndingSignals {
  readonly first: Promise<NodeJS.Signals>;
  readonly #second: Promise<NodeJS.Signals>;

  /** From now on signals only resolve what is here. */
  constructor() {
    const received: ((signal: NodeJS.Signals) => void)[] = [];
    this.first = new Promise((resolve) => received.push(resolve));
    this.#second = new Promise((resolve) => received.push(resolve));
    const next = (signal: NodeJS.Signals): void => {
      received.shift()?.(signal);
      if (received.length === 0) for (const ending of ENDING_SIGNALS) process.off(ending, next);
    };
    for (const signal of ENDING_SIGNALS) process.on(signal, next);
  }

  /**
   * Calls `end` with the time that live connections have, and again with 0 where a second signal comes.
   *
   * @returns the exit code: 0, or 128 and the number of the second signal
   */
  async stop(end: (drainTimeoutMs: number) => Promise<unknown>, drainTimeoutMs: number): Promise<number> {
    let code = 0;
    void this.#second.then((signal) => {
      code = 128 + constants.signals[signal];
      return end(0);
    });
    await end(drainTimeoutMs);
    return code;
  }
}
