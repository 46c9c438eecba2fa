/** One target's share of a fuzz run, on a thread of its own, so that a decoder that hangs can be told from outside. */

import { parentPort, workerData } from 'node:worker_threads';
import '../support/debug-mode.js';
import { mutated } from './mutate.js';
import { SeededRandom, seedOf } from './random.js';
import { TARGETS } from './targets/all.js';

export interface FuzzJob {
  readonly target: string;
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  /** Word 0: the number of the input under way; it stands still where a decoder hangs. */
  readonly progress: Int32Array<SharedArrayBuffer>;
}

export interface FuzzResult {
  readonly taken: number;
  readonly finding?: { readonly input: number; readonly bytes: string; readonly error: string };
}

const { target: name, seed, first, count, progress } = workerData as FuzzJob;
const target = TARGETS.find((candidate) => candidate.name === name);
if (target === undefined) throw new RangeError(`there is no fuzz target "${name}"`);

function run(): FuzzResult {
  const random = new SeededRandom();
  const nameSeed = seedOf(name);
  let taken = 0;
  for (let number = first; number < first + count; number++) {
    progress[0] = number;
    random.seed(seed, nameSeed, number);
    const input = mutated(target?.corpus ?? [], random);
    try {
      if (target?.run(input, random)) taken++;
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { taken, finding: { input: number, bytes: Buffer.from(input).toString('hex'), error: text } };
    }
  }
  return { taken };
}

parentPort?.postMessage(run());
