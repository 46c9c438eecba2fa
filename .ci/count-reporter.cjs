/** mocha's own `spec` report, and beside it `PASSED FAILED` in the file that UMBRA_TEST_COUNTS names, for the gate's last line. */

const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class CountReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = runner.stats;
      // A skipped test has shown nothing.
      writeFileSync(process.env.UMBRA_TEST_COUNTS, `${passes} ${failures + pending}\n`);
    });
  }
};
