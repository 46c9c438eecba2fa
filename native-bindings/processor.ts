/** What the processor can do beyond its architecture, as the kernel lists it. */

import { readFileSync } from 'node:fs';

let flags: ReadonlySet<string> | undefined;

/** Whether the first processor in /proc/cpuinfo has all of these feature flags (x86-64; elsewhere the list has another name). */
export function processorHas(...wanted: readonly string[]): boolean {
  flags ??= new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'latin1'))?.[1]?.split(/\s+/) ?? []);
  const known = flags;
  return wanted.every((flag) => known.has(flag));
}
