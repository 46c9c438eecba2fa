/** The limit of open descriptors, raised in a process that starts with a low one. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { raiseOpenFileLimit } from '../../../native-bindings/limits.js';
import { liveRegions } from '../../../native-bindings/memory.js';

const PROBE = fileURLToPath(new URL('./limits-probe.js', import.meta.url));

describe('the limit of open descriptors', () => {
  it('is raised to the hard one', () => {
    const script = 'ulimit -Sn 200; ulimit -Hn 300; exec "$0" "$1"';
    const printed = execFileSync('sh', ['-c', script, process.execPath, PROBE], { encoding: 'utf8' });
    const { before, raised, after } = JSON.parse(printed);
    // Node raises its own soft limit at start, so that this may find nothing left to do.
    expect(before).to.match(/ 300$/);
    expect(raised).to.equal(300);
    expect(after).to.match(/^300 +300$/);
  });

  it('is in force already where it was raised before, and no memory is kept', () => {
    const limit = raiseOpenFileLimit();
    const regions = liveRegions();
    expect(raiseOpenFileLimit()).to.equal(limit);
    expect(limit).to.be.greaterThan(0);
    expect(liveRegions()).to.equal(regions);
  });
});
