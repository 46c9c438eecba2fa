/** The order of log levels. */

import type { LogLevel } from '../config/types.js';

const ORDER: Readonly<Record<LogLevel, number>> = { silent: 0, error: 1, warn: 2, info: 3, debug: 4 };

/** Whether a program that logs at `threshold` shows a line of level `wanted`. */
export function logEnabled(threshold: LogLevel, wanted: LogLevel): boolean {
  return ORDER[wanted] <= ORDER[threshold] && wanted !== 'silent';
}
