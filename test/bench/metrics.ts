/** What is measured, how it is told, and what is claimed of it. */

export interface Metric {
  readonly title: string;
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  /** What umbra is to reach, as its advantage over the peer (see `advantage`); absent: reported only. */
  readonly target?: number;
  /** What umbra's own figure may be at most; such a metric is not compared. */
  readonly most?: number;
  readonly digits: number;
}

/** In the order of the report. MB are 10^6 bytes, GiB 2^30; µs of latency are a round trip. */
export const METRICS = {
  down1Cpu: { title: 'download, 1 stream', unit: 'CPU s/GiB', better: 'lower', target: 1.5, digits: 2 },
  up1Cpu: { title: 'upload, 1 stream', unit: 'CPU s/GiB', better: 'lower', target: 1.5, digits: 2 },
  down4Cpu: { title: 'download, 4 streams', unit: 'CPU s/GiB', better: 'lower', target: 1.5, digits: 2 },
  up4Cpu: { title: 'upload, 4 streams', unit: 'CPU s/GiB', better: 'lower', target: 1.5, digits: 2 },
  down1Rate: { title: 'download, 1 stream', unit: 'MB/s', better: 'higher', target: 1.3, digits: 0 },
  up1Rate: { title: 'upload, 1 stream', unit: 'MB/s', better: 'higher', target: 1.3, digits: 0 },
  down4Rate: { title: 'download, 4 streams', unit: 'MB/s', better: 'higher', target: 1.3, digits: 0 },
  up4Rate: { title: 'upload, 4 streams', unit: 'MB/s', better: 'higher', target: 1.3, digits: 0 },
  connectCpu: { title: 'new connections', unit: 'per CPU s', better: 'higher', target: 1, digits: 0 },
  connectRate: { title: 'new connections', unit: 'per s', better: 'higher', digits: 0 },
  pingCpu: { title: '64-byte ping-pongs', unit: 'per CPU s', better: 'higher', target: 0.85, digits: 0 },
  pingRate: { title: '64-byte ping-pongs', unit: 'per s', better: 'higher', digits: 0 },
  pingP50: { title: 'ping-pong latency, p50', unit: 'µs', better: 'lower', digits: 0 },
  pingP99: { title: 'ping-pong latency, p99', unit: 'µs', better: 'lower', target: 1, digits: 0 },
  udp16Cpu: { title: '512-byte UDP echoes, window 16', unit: 'per CPU s', better: 'higher', target: 2, digits: 0 },
  udp16Rate: { title: '512-byte UDP echoes, window 16', unit: 'per s', better: 'higher', digits: 0 },
  udp256Cpu: { title: '512-byte UDP echoes, window 256', unit: 'per CPU s', better: 'higher', target: 2, digits: 0 },
  udp256Rate: { title: '512-byte UDP echoes, window 256', unit: 'per s', better: 'higher', digits: 0 },
  udpLost: { title: 'UDP echoes lost, both windows', unit: '', better: 'lower', most: 0, digits: 0 },
  rssStart: { title: 'resident memory after start, both processes', unit: 'MiB', better: 'lower', digits: 1 },
  rssIdle: {
    title: 'resident memory per 1,000 idle connections, both processes',
    unit: 'MiB',
    better: 'lower',
    digits: 1,
  },
  startLocal: { title: 'client: spawn to listening', unit: 'ms', better: 'lower', digits: 0 },
  startServer: { title: 'server: spawn to listening', unit: 'ms', better: 'lower', digits: 0 },
} as const satisfies Record<string, Metric>;

export type MetricId = keyof typeof METRICS;

export const METRIC_IDS = Object.keys(METRICS).filter((id): id is MetricId => id in METRICS);

/** How many times better umbra is than the peer: above 1 umbra is ahead, whichever way the metric counts. */
export function advantage(metric: Metric, umbra: number, peer: number): number {
  return metric.better === 'higher' ? umbra / peer : peer / umbra;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
