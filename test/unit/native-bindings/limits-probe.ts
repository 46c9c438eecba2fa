/** Raises the limit of its own process, which starts with a low one, and prints what it got. */

import { readFileSync } from 'node:fs';
import { raiseOpenFileLimit } from '../../../native-bindings/limits.js';

const limits = (): string | undefined =>
  /^Max open files +(\d+ +\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];

const before = limits();
const raised = raiseOpenFileLimit();
process.stdout.write(JSON.stringify({ before, raised, after: limits() }));
