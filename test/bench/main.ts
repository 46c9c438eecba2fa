/** `npm run bench`: umbra against shadowsocks-libev, alternating, in one run; `--help` lists its options. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Datagrams } from './datagrams.js';
import { describeEnvironment } from './environment.js';
import { Load } from './load.js';
import {
  type Bench,
  measureMemory,
  measureStart,
  PAIR_MEASURES,
  type PairMeasure,
  type Reading,
  warmUp,
} from './measure.js';
import { METRIC_IDS, METRICS } from './metrics.js';
import { type Options, parseOptions, type Side, SLICES, sliceOf, USAGE } from './options.js';
import { ProxyPair } from './proxies.js';
import { reportOf, type Section, summaryOf, withSummary } from './report.js';
import { Results, wholeOf } from './results.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  const environment = describeEnvironment(options);
  const load = await Load.start(ROOT);
  const datagrams = await Datagrams.start(ROOT);
  const bench: Bench = { load, datagrams, sizes: options.sizes, umbra: [options.node, join(ROOT, 'bin/umbra.js')] };
  const sections: Section[] = [];
  try {
    for (const method of options.methods) {
      const results = await runMethod(bench, options, method);
      if (results !== undefined) sections.push({ title: method, results });
    }
    const footprint = await runFootprint(bench, options);
    if (footprint !== undefined) sections.push({ title: 'Memory and start', results: footprint });
  } finally {
    load.stop();
    datagrams.stop();
  }
  const report = reportOf(options, environment, sections);
  mkdirSync(join(ROOT, '.cache/bench'), { recursive: true });
  writeFileSync(join(ROOT, '.cache/bench/readings.json'), JSON.stringify(sections, null, 1));
  if (options.complete) {
    writeFileSync(join(ROOT, 'docs/benchmarks.md'), report);
    const readme = join(ROOT, 'README.md');
    writeFileSync(readme, withSummary(readFileSync(readme, 'utf8'), summaryOf(options, environment, sections)));
  }
  process.stdout.write(`\n${report}`);
}

/** The measures on running pairs, with both proxies of a method side by side. */
async function runMethod(bench: Bench, options: Options, method: string): Promise<Results | undefined> {
  const measures = options.kinds.flatMap((kind) => (kind === 'memory' || kind === 'start' ? [] : PAIR_MEASURES[kind]));
  if (measures.length === 0) return undefined;
  const results = new Results();
  const pairs: ProxyPair[] = [];
  try {
    for (const side of options.sides) pairs.push(await ProxyPair.start(side, method, bench.umbra));
    for (const pair of pairs) {
      process.stderr.write(
        `${method} ${pair.side}: processes ${pair.pids.join(' and ')} (client, server), warming up\n`,
      );
      await warmUp(bench, pair);
    }
    for (let round = 0; round < options.rounds; round++) {
      for (const measure of measures) await runRound(bench, pairs, measure, round, `${method} ${round + 1}`, results);
    }
  } finally {
    await Promise.all(pairs.map((pair) => pair.stop()));
  }
  return results;
}

/** A round of one measure, in slices: what else goes on on the machine comes and goes within seconds, and so meets both proxies. */
async function runRound(
  bench: Bench,
  pairs: readonly ProxyPair[],
  measure: PairMeasure,
  round: number,
  label: string,
  results: Results,
): Promise<void> {
  const sliced = { ...bench, sizes: sliceOf(bench.sizes) };
  const readings = new Map<Side, Reading[]>(pairs.map(({ side }) => [side, []]));
  for (let slice = 0; slice < SLICES; slice++) {
    for (const pair of inOrder(pairs, round + slice)) readings.get(pair.side)?.push(await measure(sliced, pair));
  }
  for (const [side, slices] of readings) record(results, side, label, wholeOf(slices));
}

/** Memory and start, of fresh processes; they do not depend on the method, so the first one serves. */
async function runFootprint(bench: Bench, options: Options): Promise<Results | undefined> {
  const measures = [
    ...(options.kinds.includes('memory') ? [measureMemory] : []),
    ...(options.kinds.includes('start') ? [measureStart] : []),
  ];
  const results = new Results();
  for (let round = 0; round < options.rounds; round++) {
    for (const measure of measures) {
      for (const side of inOrder(options.sides, round)) {
        record(results, side, `${round + 1}`, await measure(bench, side, options.methods[0]));
      }
    }
  }
  return measures.length === 0 ? undefined : results;
}

/** The other one goes first in every other round. */
function inOrder<T>(items: readonly T[], round: number): T[] {
  return round % 2 === 0 ? [...items] : [...items].reverse();
}

function record(results: Results, side: Side, label: string, reading: Reading): void {
  results.add(side, reading);
  const parts = METRIC_IDS.flatMap((id) => {
    const value = reading[id];
    const metric = METRICS[id];
    return value === undefined ? [] : [`${metric.title} ${value.toFixed(metric.digits)} ${metric.unit}`];
  });
  process.stderr.write(`${label} ${side}: ${parts.join(', ')}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
