/** What the programs here share: they run the compiled sources, or say how to get them. */

import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';

/** @param {string} program the name of a file in src/cli/ */
export async function launch(program) {
  const entry = new URL(`../dist/src/cli/${program}.js`, import.meta.url);
  if (!existsSync(entry)) {
    process.stderr.write(`${program}: umbra is not built yet: run "npm run build" in its folder.\n`);
    process.exit(1);
  }
  // Node 22 and later keep compiled code on disk, which makes the next start faster.
  nodeModule.enableCompileCache?.();
  await import(entry.href);
}
