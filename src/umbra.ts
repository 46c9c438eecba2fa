/** The library: a client or a server in another program's process, on reactor threads of its own. */

import { availableParallelism } from 'node:os';
import type {
  LocalInlet,
  LocalSettings,
  LogLevel,
  MethodName,
  ServerSettings,
  ShadowsocksEndpoint,
} from './config/types.js';
import { DEFAULTS } from './config/types.js';
import { checkSettings } from './control/check-settings.js';
import type { Statistics } from './control/messages.js';
import { StartError } from './control/start-error.js';
import { type ModeSettings, Supervisor } from './control/supervisor.js';
import type { UserCounters } from './relay/counters.js';
import { DROP_REASONS, newPacketCounters, type PacketCounters } from './relay/packet-counters.js';

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
  /** Resolves once all threads are gone: after `stop`, or because of a bug that ended them. */
  readonly ended: Promise<void>;
  /** Counters of all reactors, added up. */
  statistics(): Promise<Statistics>;
}

export type { LocalInlet, LocalSettings, LogLevel, MethodName, ServerSettings, ShadowsocksEndpoint, Statistics };
export { StartError };

/** What both modes take from `DEFAULTS` where it is not given. */
function commonDefaults(workers: number) {
  const { noDelay, keepAliveMs, connectTimeoutMs, idleTimeoutMs, drainTimeoutMs, ipv6First } = DEFAULTS;
  const { udpTimeoutMs, udpMaxAssociations } = DEFAULTS;
  const times = { keepAliveMs, connectTimeoutMs, idleTimeoutMs, udpTimeoutMs, drainTimeoutMs };
  return { workers, noDelay, ...times, udpMaxAssociations, ipv6First, nameServers: [] };
}

/**
 * Starts a client.
 * @param settings what is missing takes its default: one inlet on 127.0.0.1:1080, one reactor thread
 * @throws StartError whose message is one sentence for the user
 */
export async function startLocal(
  settings: Partial<LocalSettings> & Pick<LocalSettings, 'servers'>,
  options: RunOptions = {},
): Promise<Running> {
  const inlets = [{ host: DEFAULTS.localHost, port: DEFAULTS.localPort, users: [] }];
  return start({ mode: 'local', settings: { ...commonDefaults(1), inlets, ...given(settings) } }, options);
}

/**
 * Starts a server.
 * @param settings what is missing takes its default: a reactor thread a core, egress to global unicast addresses only
 * @throws StartError whose message is one sentence for the user
 */
export async function startServer(
  settings: Partial<ServerSettings> & Pick<ServerSettings, 'listen'>,
  options: RunOptions = {},
): Promise<Running> {
  const defaults = {
    ...commonDefaults(availableParallelism()),
    egressAllow: [],
    probeTimeoutMs: DEFAULTS.probeTimeoutMs,
  };
  return start({ mode: 'server', settings: { ...defaults, ...given(settings) } }, options);
}

/** Without what is there only as `undefined`, which is no value to put in a default's place. */
function given<T extends object>(settings: T): T {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as T;
}

async function start(what: ModeSettings, { logLevel = 'silent', onLog }: RunOptions): Promise<Running> {
  checkSettings(what);
  const supervisor = await Supervisor.start(what, logLevel, (level, message, fields) =>
    onLog?.({ level, message, fields }),
  );
  return {
    addresses: supervisor.addresses,
    stop: (drainTimeoutMs) => supervisor.stop(drainTimeoutMs),
    ended: supervisor.ended(),
    async statistics() {
      return addUp(await supervisor.reports());
    },
  };
}

function addUp(reports: readonly Statistics[]): Statistics {
  const sum = (of: (report: Statistics) => number): number => reports.reduce((total, report) => total + of(report), 0);
  const outcomes: Record<string, number> = {};
  for (const report of reports) {
    for (const [status, count] of Object.entries(report.outcomes)) outcomes[status] = (outcomes[status] ?? 0) + count;
  }
  return {
    turns: sum((report) => report.turns),
    events: sum((report) => report.events),
    longestTurnMs: Math.max(0, ...reports.map((report) => report.longestTurnMs)),
    connections: sum((report) => report.connections),
    activeConnections: sum((report) => report.activeConnections),
    bytesUp: sum((report) => report.bytesUp),
    bytesDown: sum((report) => report.bytesDown),
    outcomes,
    udp: addUpPackets(reports.map(({ udp }) => udp)),
    users: addUpUsers(reports),
  };
}

function addUpPackets(reports: readonly PacketCounters[]): PacketCounters {
  const sum = newPacketCounters();
  for (const report of reports) {
    sum.associations += report.associations;
    sum.activeAssociations += report.activeAssociations;
    sum.packetsUp += report.packetsUp;
    sum.packetsDown += report.packetsDown;
    sum.bytesUp += report.bytesUp;
    sum.bytesDown += report.bytesDown;
    for (const reason of DROP_REASONS) sum.drops[reason] += report.drops[reason];
  }
  return sum;
}

/** A user's connections may have been spread over all reactors. */
function addUpUsers(reports: readonly Statistics[]): Statistics['users'] {
  const users = new Map<string, UserCounters>();
  for (const report of reports) {
    for (const [name, own] of Object.entries(report.users)) {
      const sum = users.get(name) ?? { connections: 0, bytesUp: 0, bytesDown: 0 };
      sum.connections += own.connections;
      sum.bytesUp += own.bytesUp;
      sum.bytesDown += own.bytesDown;
      users.set(name, sum);
    }
  }
  return Object.fromEntries(users);
}
