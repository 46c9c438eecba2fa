/**
 * `npm run fuzz`: mutated input over every decoder, with the bounds checks on. Seeded: a finding names the input that made it, and
 * `--target NAME --first N --inputs 1` makes it again.
 *
 *   npm run fuzz -- [--inputs N] [--seed N] [--target NAME] [--first N]
 */

import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import '../support/debug-mode.js';
import type { FuzzJob, FuzzResult } from './job.js';
import { TARGETS } from './targets/all.js';

/** An input takes microseconds; one that takes so long hangs. */
const HANG_MS = 20_000;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '5000000' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string' },
    first: { type: 'string', default: '0' },
  },
});

function number(name: 'inputs' | 'seed' | 'first'): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`--${name} must be a whole number`);
  return value;
}

/** Runs one target to its end, its first finding, or its hang. */
function fuzz(job: FuzzJob): Promise<FuzzResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./job.js', import.meta.url), { workerData: job });
    let seen = -1;
    const watch = setInterval(() => {
      const at = Atomics.load(job.progress, 0);
      if (at === seen) {
        resolve({ taken: 0, finding: { input: at, bytes: '', error: `hangs (over ${HANG_MS} ms for one input)` } });
        void worker.terminate();
      }
      seen = at;
    }, HANG_MS);
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => {
      clearInterval(watch);
      reject(new Error(`the thread of "${job.target}" ended with ${code} at input ${job.progress[0]}`));
    });
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const targets = TARGETS.filter(({ name }) => values.target === undefined || name === values.target);
if (targets.length === 0) throw new RangeError(`no such target: one of ${TARGETS.map(({ name }) => name).join(', ')}`);
const seed = number('seed');
const first = number('first');
const count = Math.ceil(number('inputs') / targets.length);
let findings = 0;
let inputs = 0;
for (const { name } of targets) {
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const startMs = performance.now();
  const { taken, finding } = await fuzz({ target: name, seed, first, count, progress });
  inputs += count;
  const micros = ((performance.now() - startMs) * 1000) / count;
  say(`${name}: ${count} inputs, ${taken} taken for good, ${micros.toFixed(1)} µs each`);
  // Where everything is refused, or nothing is, the inputs do not reach what they are for.
  const blind = count >= 1000 && (taken === 0 || taken === count);
  if (finding !== undefined) {
    say(`  FOUND by input ${finding.input} of seed ${seed}: ${finding.error}\n  bytes: ${finding.bytes}`);
  } else if (blind) say('  FOUND: none, or all, were taken for good');
  if (finding !== undefined || blind) findings++;
}
say(`${inputs} inputs over ${targets.length} decoders, seed ${seed}: ${findings} findings`);
process.exitCode = findings === 0 ? 0 : 1;
