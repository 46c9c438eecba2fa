/** One measure of one running pair: what a round consists of. */

import type { Datagrams } from './datagrams.js';
import type { ClientCall, ClientResult, Load } from './load.js';
import type { MetricId } from './metrics.js';
import type { Side, Sizes } from './options.js';
import { commandsOf, freePorts, ProxyPair } from './proxies.js';

const GIB = 2 ** 30;
const CONNECT_CONCURRENCY = 32;
const PING_PONG_CONNECTIONS = 32;

export type Reading = Partial<Record<MetricId, number>>;

export interface Bench {
  readonly load: Load;
  readonly datagrams: Datagrams;
  readonly sizes: Sizes;
  /** The program and script that are umbra's command line. */
  readonly umbra: readonly string[];
}

export type PairMeasure = (bench: Bench, pair: ProxyPair) => Promise<Reading>;

/** The measures on a running pair, by kind, in the order in which a round runs them. */
export const PAIR_MEASURES: {
  readonly bulk: readonly PairMeasure[];
  readonly connections: readonly PairMeasure[];
  readonly pingpong: readonly PairMeasure[];
  readonly datagrams: readonly PairMeasure[];
} = {
  bulk: [
    bulk('down', 1, 'down1Cpu', 'down1Rate'),
    bulk('up', 1, 'up1Cpu', 'up1Rate'),
    bulk('down', 4, 'down4Cpu', 'down4Rate'),
    bulk('up', 4, 'up4Cpu', 'up4Rate'),
  ],
  connections: [measureConnections],
  pingpong: [measurePingPong],
  datagrams: [measureDatagrams],
};

function bulk(mode: 'down' | 'up', streams: number, cpu: MetricId, rate: MetricId): PairMeasure {
  return async ({ load, sizes }, pair) => {
    const target = mode === 'down' ? load.ports.source : load.ports.sink;
    const result = await load.client(callOf(pair, mode, target, streams, sizes.bulkBytes));
    return {
      [cpu]: result.cpuSeconds / (sizes.bulkBytes / GIB),
      [rate]: sizes.bulkBytes / 1e6 / result.seconds,
    };
  };
}

async function measureConnections({ load, sizes }: Bench, pair: ProxyPair): Promise<Reading> {
  const result = await load.client(callOf(pair, 'connect', load.ports.echo, CONNECT_CONCURRENCY, sizes.connections));
  const count = countOf(result);
  return { connectCpu: count / result.cpuSeconds, connectRate: count / result.seconds };
}

async function measurePingPong({ load, sizes }: Bench, pair: ProxyPair): Promise<Reading> {
  const result = await load.client(callOf(pair, 'pingpong', load.ports.echo, PING_PONG_CONNECTIONS, sizes.pingPongMs));
  const count = countOf(result);
  return {
    pingCpu: count / result.cpuSeconds,
    pingRate: count / result.seconds,
    pingP50: result.p50Us ?? Number.NaN,
    pingP99: result.p99Us ?? Number.NaN,
  };
}

async function measureDatagrams({ datagrams, sizes }: Bench, { localPort, pids }: ProxyPair): Promise<Reading> {
  const short = await datagrams.window(localPort, 16, sizes.datagramMs, pids);
  const long = await datagrams.window(localPort, 256, sizes.datagramMs, pids);
  return {
    udp16Cpu: short.count / short.cpuSeconds,
    udp16Rate: short.count / short.seconds,
    udp256Cpu: long.count / long.cpuSeconds,
    udp256Rate: long.count / long.seconds,
    udpLost: short.lost + long.lost,
  };
}

function callOf(
  pair: ProxyPair,
  mode: ClientCall['mode'],
  targetPort: number,
  flows: number,
  amount: number,
): ClientCall {
  return { mode, proxyPort: pair.localPort, targetPort, flows, amount, pids: pair.pids };
}

function countOf(result: ClientResult): number {
  if (result.count === undefined || result.count === 0) throw new Error('the client completed nothing');
  return result.count;
}

/** A fresh pair: its memory at rest, and what idle relays add to it. */
export async function measureMemory({ load, sizes, umbra }: Bench, side: Side, method: string): Promise<Reading> {
  const pair = await ProxyPair.start(side, method, umbra);
  try {
    const before = pair.residentMiB();
    let held = before;
    await load.holdIdle(pair.localPort, sizes.idleConnections, () => {
      held = pair.residentMiB();
    });
    return { rssStart: before, rssIdle: ((held - before) * 1000) / sizes.idleConnections };
  } finally {
    await pair.stop();
  }
}

export async function measureStart({ load, umbra }: Bench, side: Side, method: string): Promise<Reading> {
  const ports = await freePorts();
  const commands = commandsOf(side, method, ports, umbra);
  return {
    startLocal: await load.timeToListening(ports.local, commands.local),
    startServer: await load.timeToListening(ports.server, commands.server),
  };
}

/**
 * Brings both proxies to their steady state (compiled code, grown buffers) before anything is counted. All of it twice: V8 compiles code that
 * the measures share anew when it meets another one of them.
 */
export async function warmUp({ umbra, ...loads }: Bench, pair: ProxyPair): Promise<void> {
  const small: Bench = {
    ...loads,
    umbra,
    sizes: { bulkBytes: GIB / 4, connections: 12_000, pingPongMs: 1_000, datagramMs: 700, idleConnections: 0 },
  };
  const measures = Object.values(PAIR_MEASURES).flat();
  for (const measure of [...measures, ...measures]) await measure(small, pair);
}
