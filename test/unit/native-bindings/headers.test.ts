/** Constants and layouts against the C headers: kept as a table, and asked of the compiler where there is one. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import * as constants from '../../../native-bindings/constants.js';
import * as layouts from '../../../native-bindings/layouts.js';
import { ARCHITECTURES, architecture } from '../../../native-bindings/platform.js';
import {
  EXPECTED_BY_ARCHITECTURE,
  EXPECTED_CONSTANTS,
  EXPECTED_LAYOUTS,
  HEADERS,
  type LayoutRow,
} from './expected-headers.js';

/** Compiles and runs a program that prints each expression's value as an int. */
function printedByCompiler(expressions: Readonly<Record<string, string>>): Record<string, number> {
  const folder = mkdtempSync(join(tmpdir(), 'umbra-headers-'));
  try {
    const prints = Object.entries(expressions).map(([name, c]) => `  printf("${name} %d\\n", (int)(${c}));`);
    const includes = HEADERS.map((header) => `#include <${header}>`);
    const source = ['#define _GNU_SOURCE', ...includes, 'int main(void) {', ...prints, '  return 0;', '}', ''];
    writeFileSync(join(folder, 'print.c'), source.join('\n'));
    const program = join(folder, 'print');
    execFileSync('cc', ['-o', program, join(folder, 'print.c')], { timeout: 30_000 });
    const lines = execFileSync(program, { encoding: 'utf8' }).trimEnd().split('\n');
    return Object.fromEntries(
      lines.map((line) => {
        const [name, value] = line.split(' ');
        return [name, Number(value)];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const hasCompiler = spawnSync('cc', ['--version'], { timeout: 30_000 }).status === 0;

/** The fields of layouts.ts as `STRUCTURE.field`, so that one which no row speaks of shows as a difference. */
function exportedLayouts(): Record<string, number> {
  const fields: Record<string, number> = {};
  for (const [name, value] of Object.entries(layouts)) {
    if (name.endsWith('_BY_ARCHITECTURE')) continue;
    if (typeof value === 'number') fields[name] = value;
    else for (const [field, number] of Object.entries(value)) fields[`${name}.${field}`] = number as number;
  }
  return fields;
}

function expectedOf(rows: readonly LayoutRow[]): Record<string, number> {
  return Object.fromEntries(rows.map(({ name, expected }) => [name, expected]));
}

describe('the C headers', () => {
  const rows = [...EXPECTED_LAYOUTS, ...EXPECTED_BY_ARCHITECTURE[architecture]];

  it('have each constant of the bindings with its value', () => {
    expect({ ...constants }).to.deep.equal(EXPECTED_CONSTANTS);
  });

  it('lay each structure out as the bindings do', () => {
    expect(exportedLayouts()).to.deep.equal(expectedOf(rows));
  });

  for (const arch of ARCHITECTURES) {
    it(`have what differs between architectures as the bindings do on ${arch}`, () => {
      const fields = Object.entries(layouts.EPOLL_EVENT_BY_ARCHITECTURE[arch]);
      expect({
        ...Object.fromEntries(fields.map(([field, value]) => [`EPOLL_EVENT.${field}`, value])),
        MAP_LOW: layouts.MAP_LOW_BY_ARCHITECTURE[arch],
      }).to.deep.equal(expectedOf(EXPECTED_BY_ARCHITECTURE[arch]));
    });
  }

  // Registered only where there is a compiler, so that the report of a machine without one says so by not having them.
  if (hasCompiler) {
    it('say the same constants through this machine’s compiler', () => {
      const expressions = Object.fromEntries(Object.keys(constants).map((name) => [name, name]));
      expect(printedByCompiler(expressions)).to.deep.equal({ ...constants });
    });

    it('say the same sizes and offsets through this machine’s compiler', () => {
      const expressions = Object.fromEntries(rows.map(({ name, expression }) => [name, expression]));
      expect(printedByCompiler(expressions)).to.deep.equal(exportedLayouts());
    });
  }
});
