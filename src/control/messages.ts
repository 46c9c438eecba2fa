/** What the control plane and a reactor thread say to each other. Plain data: it crosses by structured clone. */

import type { LocalSettings, LogLevel, ServerSettings } from '../config/types.js';
import type { LogFields } from '../relay/context.js';
import type { UserCounters } from '../relay/counters.js';
import type { PortDescriptors } from '../relay/mode.js';
import type { PacketCounters } from '../relay/packet-counters.js';
import type { ReplayMemory } from '../shadowsocks/replay.js';

/** What a reactor thread is started with. */
export type ReactorTask = {
  /** 0, 1, 2, …; for logs. */
  readonly worker: number;
  /** Descriptors belong to the process, so the ones that the control plane opened are the thread's to use, and to close. */
  readonly listeners: readonly PortDescriptors[];
  readonly logLevel: LogLevel;
  /** The same memory for all threads. */
  readonly replay: ReplayMemory;
} & (
  | { readonly mode: 'local'; readonly settings: LocalSettings }
  | { readonly mode: 'server'; readonly settings: ServerSettings }
);

export type ToReactor =
  /** Stop listening; end what still lives after the time-out. */
  | { readonly kind: 'stop'; readonly drainTimeoutMs: number }
  | { readonly kind: 'statistics'; readonly request: number };

/** Counters of one reactor, or of several added up. */
export interface Statistics {
  readonly turns: number;
  readonly events: number;
  readonly longestTurnMs: number;
  readonly connections: number;
  readonly activeConnections: number;
  /** Payload of ended connections, from the client to the destination and back. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** How sessions ended, by status (`OK`, `ERR_CIPHER`, `ERR_CONNECT`, …). */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Datagrams, and why some of them were dropped. */
  readonly udp: Readonly<PacketCounters>;
  /** Of a server's users, by name: those who have been here. */
  readonly users: Readonly<Record<string, Readonly<UserCounters>>>;
}

export type FromReactor =
  /** It turns; `wakeFd` is its eventfd: a message is read after a signal on it. */
  | { readonly kind: 'ready'; readonly wakeFd: number }
  /** It could not start; the thread ends. */
  | { readonly kind: 'failed'; readonly message: string }
  | {
      readonly kind: 'log';
      readonly level: Exclude<LogLevel, 'silent'>;
      readonly message: string;
      readonly fields: LogFields;
    }
  | { readonly kind: 'statistics'; readonly request: number; readonly report: Statistics };
