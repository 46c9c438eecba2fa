/** The library: a client or a server in another program's process, on reactor threads of its own. */

import type { LocalSettings, LogLevel, ServerSettings } from './config/types.js';

/** One line of log: never a key, a password or a payload. */
export interface LogLine {
  readonly level: Exclude<LogLevel, 'silent'>;
  readonly message: string;
  /** Structured fields: `worker`, `client`, `target`, `status`, … */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

export interface RunOptions {
  /** Which lines are made at all; `silent` by default. */
  readonly logLevel?: LogLevel;
  readonly onLog?: (line: LogLine) => void;
}

export interface BoundAddress {
  readonly host: string;
  readonly port: number;
}

export interface Running {
  /** Where it listens, with the real port where 0 was asked for; one entry an inlet or server. */
  readonly addresses: readonly BoundAddress[];
  /** Stops listening at once, lets relays finish for up to the drain timeout, then ends them. Resolves once all threads are gone. */
  stop(drainTimeoutMs?: number): Promise<void>;
  /** Counters of all reactors, added up. */
  statistics(): Promise<Statistics>;
}

export interface Statistics {
  readonly turns: number;
  readonly events: number;
  readonly longestTurnMs: number;
  readonly connections: number;
  readonly activeConnections: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** How sessions ended, by status (`OK`, `ERR_CIPHER`, `ERR_CONNECT`, …). */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Missing settings take their defaults. Rejects with a `StartError` whose message is one sentence for the user. */
export declare function startLocal(settings: Partial<LocalSettings> & Pick<LocalSettings, 'servers'>, options?: RunOptions): Promise<Running>;

export declare function startServer(settings: Partial<ServerSettings> & Pick<ServerSettings, 'listen'>, options?: RunOptions): Promise<Running>;
