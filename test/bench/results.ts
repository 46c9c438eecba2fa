/** Readings of all rounds, and the verdict on each metric: medians, and the range of the rounds' ratios. */

import type { Reading } from './measure.js';
import { advantage, METRIC_IDS, METRICS, type Metric, type MetricId, median } from './metrics.js';
import type { Side } from './options.js';

export interface Row {
  readonly metric: Metric;
  /** Medians; absent where that side did not run. */
  readonly umbra: number | undefined;
  readonly libev: number | undefined;
  /** Of the rounds' ratios, where both sides ran. */
  readonly ratio: { readonly median: number; readonly lowest: number; readonly highest: number } | undefined;
  /** Absent where there is nothing to be met. */
  readonly met: boolean | undefined;
}

export class Results {
  readonly #values = new Map<MetricId, Record<Side, number[]>>();

  add(side: Side, reading: Reading): void {
    for (const id of METRIC_IDS) {
      const value = reading[id];
      if (value === undefined) continue;
      const values = this.#values.get(id) ?? { umbra: [], libev: [] };
      values[side].push(value);
      this.#values.set(id, values);
    }
  }

  rows(): Row[] {
    return METRIC_IDS.flatMap((id) => {
      const values = this.#values.get(id);
      return values === undefined ? [] : [rowOf(METRICS[id], values)];
    });
  }

  toJSON(): Record<string, Record<Side, number[]>> {
    return Object.fromEntries(this.#values);
  }
}

/** The reading of a round from those of its slices: their mean, or of what is limited their sum. */
export function wholeOf(slices: readonly Reading[]): Reading {
  const whole: Reading = {};
  for (const id of METRIC_IDS) {
    const values = slices.flatMap((slice) => slice[id] ?? []);
    if (values.length === 0) continue;
    const sum = values.reduce((a, b) => a + b);
    whole[id] = 'most' in METRICS[id] ? sum : sum / values.length;
  }
  return whole;
}

function rowOf(metric: Metric, { umbra, libev }: Record<Side, number[]>): Row {
  const ratios =
    umbra.length === libev.length && metric.most === undefined
      ? umbra.map((value, round) => advantage(metric, value, libev[round]))
      : [];
  const ratio =
    ratios.length === 0
      ? undefined
      : { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) };
  return {
    metric,
    umbra: umbra.length === 0 ? undefined : median(umbra),
    libev: libev.length === 0 ? undefined : median(libev),
    ratio,
    met: metOf(metric, ratio?.median, umbra),
  };
}

/** Of a limit every round must be within it. */
function metOf({ target, most }: Metric, ratio: number | undefined, umbra: readonly number[]): boolean | undefined {
  if (most !== undefined) return umbra.length === 0 ? undefined : umbra.every((value) => value <= most);
  return ratio === undefined || target === undefined ? undefined : ratio >= target;
}
