/**
 * Makes a checkout ready to run: installs the packages of package-lock.json and compiles TypeScript into dist/, each only where that
 * is out of date. npm runs it before `npm start` and `npm test`, so that either command alone works on a fresh clone. It is plain
 * JavaScript on Node alone, since nothing is installed or compiled yet when it runs, and says nothing when there is nothing to do.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCE_FOLDERS = ['src', 'native-bindings', 'test', 'docs/examples'];
const COMPILER_INPUTS = ['tsconfig.json', 'package.json', 'package-lock.json'];
/** Its time is when the last successful compilation began. */
const STAMP = join(ROOT, 'dist/.prepared');
const BUILD_INFO = join(ROOT, 'dist/.tsbuildinfo');
/** File times lag the clock by a timer tick (at most 10 ms). */
const CLOCK_LAG_MS = 20;
const INSTALL_TIMEOUT_MS = 300_000;
const COMPILE_TIMEOUT_MS = 180_000;

if (!packagesAreCurrent()) {
  run(
    'installing packages (npm ci)',
    INSTALL_TIMEOUT_MS,
    'npm',
    'ci',
    '--include=dev',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  );
}
compileWhereStale();

/**
 * npm keeps a lock file of what it installed inside node_modules. Everything in package-lock.json must be there in the same version; a
 * package for another platform need not.
 */
function packagesAreCurrent() {
  const wanted = readLock('package-lock.json');
  const installed = readLock('node_modules/.package-lock.json');
  if (installed === undefined || wanted === undefined) return false;
  return Object.entries(wanted.packages).every(([path, entry]) => {
    const found = installed.packages[path];
    return path === '' || (found === undefined ? entry.optional === true : found.version === entry.version);
  });
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
  } catch {
    return undefined;
  }
}

function compileWhereStale() {
  const sources = SOURCE_FOLDERS.flatMap((folder) => walk(folder));
  const wanted = new Set(sources.filter(isSource).map((path) => join('dist', path.replace(/\.ts$/, '.js'))));
  const outputs = walk('dist').filter((path) => path.endsWith('.js'));
  for (const path of outputs) if (!wanted.has(path)) removeOutput(path);

  const present = new Set(outputs);
  const complete = [...wanted].every((path) => present.has(path));
  const newest = Math.max(...[...sources, ...COMPILER_INPUTS].map(timeOf));
  if (complete && newest <= timeOf(STAMP)) return;
  // The compiler trusts its notes about what it emitted; they must not outlive the files.
  if (!complete) rmSync(BUILD_INFO, { force: true });
  const began = (Date.now() - CLOCK_LAG_MS) / 1000;
  run(
    'compiling (tsc)',
    COMPILE_TIMEOUT_MS,
    process.execPath,
    join(ROOT, 'node_modules/typescript/bin/tsc'),
    '--project',
    ROOT,
  );
  writeFileSync(STAMP, '');
  utimesSync(STAMP, began, began);
}

/** Files and folders below `folder`, itself included: a folder's time tells of files that were removed. */
function walk(folder) {
  try {
    const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
    return [
      folder,
      ...entries.flatMap((entry) =>
        entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)],
      ),
    ];
  } catch {
    return [];
  }
}

function isSource(path) {
  return path.endsWith('.ts') && !path.endsWith('.d.ts');
}

/** A removed test must not go on running from dist/. */
function removeOutput(path) {
  const stem = join(ROOT, path.replace(/\.js$/, ''));
  for (const suffix of ['.js', '.js.map', '.d.ts']) rmSync(stem + suffix, { force: true });
}

function timeOf(path) {
  return statSync(path.startsWith('/') ? path : join(ROOT, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Its output goes to stderr: what `npm start` prints on stdout is for the user to read. */
function run(what, timeoutMs, command, ...args) {
  process.stderr.write(`umbra: ${what} …\n`);
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2], timeout: timeoutMs });
  if (status === 0) return;
  process.stderr.write(`umbra: ${what} failed${error === undefined ? '' : `: ${error.message}`}\n`);
  process.exit(1);
}
