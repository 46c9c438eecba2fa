/** SIGINT and SIGTERM: the first one asks for an orderly end, the second one for an end at once. */

import { constants } from 'node:os';

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** From now on the first signal only resolves this; a second one exits with 128 and its number. */
export function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let received = 0;
    for (const signal of ENDING_SIGNALS) {
      process.on(signal, () => {
        received++;
        if (received > 1) process.exit(128 + constants.signals[signal]);
        resolve(signal);
      });
    }
  });
}
