/**
 * The rules that keep the two planes apart, as functions from a source file's path and text to the sentences that say what is wrong with
 * it. They are pure, so that a test can also show that each of them finds what it is there to find.
 */

import { posix } from 'node:path';
import { codeOf } from './code-text.js';

/** Folders from the kernel up to the user. A file may import from its own folder and from those of earlier rows. */
const LAYERS = [
  ['native-bindings'],
  ['src/reactor'],
  ['src/net'],
  ['src/crypto', 'src/socks', 'src/http-proxy', 'src/dns'],
  ['src/shadowsocks'],
  ['src/relay'],
  ['src/local', 'src/server'],
  ['src/config'],
  ['src/control'],
  ['src'],
  ['src/cli'],
] as const;

/** Plain data, which every layer speaks of. */
const SHARED_DATA = 'src/config/types.ts';

/** What runs on a thread whose Node loop never turns. */
const REACTOR_SIDE = [
  'native-bindings',
  'src/reactor',
  'src/net',
  'src/crypto',
  'src/socks',
  'src/http-proxy',
  'src/dns',
  'src/shadowsocks',
  'src/relay',
  'src/local',
  'src/server',
];

/** Of Node, what answers at once. */
const REACTOR_SIDE_BUILTINS = ['node:crypto', 'node:fs', 'node:module', 'node:os', 'node:perf_hooks', 'node:url'];
/** Of packages, what is pure computation, and the binding itself. */
const REACTOR_SIDE_PACKAGES = [
  '@noble/ciphers/salsa.js',
  '@noble/hashes/blake3.js',
  'dns-packet',
  'koffi',
  'libsodium-wrappers',
  'lru-cache',
];

/** Each needs a turn of Node's loop to come true. */
const WAITING_WORDS =
  /\b(?:async|await|Promise|setTimeout|setInterval|setImmediate|queueMicrotask|nextTick|EventEmitter|fetch|MessageChannel|Worker)\b/g;
/** Modules that few methods need are loaded, which is asynchronous, before the reactor runs. File → function. */
const LOADS_BEFORE_THE_LOOP: ReadonlyMap<string, string> = new Map([
  ['src/crypto/libsodium-cipher.ts', 'loadLibsodium'],
  ['src/crypto/salsa20-cipher.ts', 'loadSalsa20'],
]);

/** Past this a file has more than one concept. */
export const MAX_LINES = 400;

/** @returns what is wrong with a file, a sentence each. @param path from the root, with slashes */
export type Rule = (path: string, source: string) => string[];

interface Import {
  readonly specifier: string;
  readonly line: number;
}

/** `from '…'`, `import '…'` and `import('…')`, outside of comments. */
function importsOf(source: string): Import[] {
  const code = codeOf(source);
  const found: Import[] = [];
  for (const match of source.matchAll(/\b(?:from|import|require)(\s*\(?\s*)(['"])([^'"\n]+)\2/g)) {
    // In a comment or a string the keyword itself is blank.
    if (/\s/.test(code[match.index])) continue;
    found.push({ specifier: match[3], line: source.slice(0, match.index).split('\n').length });
  }
  return found;
}

/** The source file that a relative specifier means. */
function resolved(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
}

/** The folder that a file counts to: `src/x` for all that is below it, however deep. */
function folderOf(path: string): string {
  return posix
    .dirname(path)
    .split('/')
    .slice(0, path.startsWith('src/') ? 2 : 1)
    .join('/');
}

function layerOf(path: string): number {
  return LAYERS.findIndex((folders) => folders.some((folder) => folder === folderOf(path)));
}

function isReactorSide(path: string): boolean {
  return REACTOR_SIDE.includes(folderOf(path));
}

/** native-bindings → reactor → net → crypto and codecs → relay → local, server → config → control → library → cli, never back. */
export const importsGoOneWay: Rule = (path, source) => {
  const layer = layerOf(path);
  if (layer === -1) return [`${path} is in no folder that the order of imports knows`];
  return importsOf(source).flatMap(({ specifier, line }) => {
    if (!specifier.startsWith('.')) return [];
    const target = resolved(path, specifier);
    if (target === SHARED_DATA || folderOf(target) === folderOf(path)) return [];
    const below = layerOf(target);
    return below !== -1 && below < layer ? [] : [`${path}:${line} imports ${target}, which is not below it`];
  });
};

export const onlyBindingsImportKoffi: Rule = (path, source) =>
  path.startsWith('native-bindings/')
    ? []
    : importsOf(source)
        .filter(({ specifier }) => specifier === 'koffi' || specifier.startsWith('koffi/'))
        .map(({ line }) => `${path}:${line} imports koffi`);

/** No promise, timer, stream or socket of Node on a reactor's thread. */
export const reactorSideNeverWaits: Rule = (path, source) => {
  if (!isReactorSide(path)) return [];
  const allowed = [...REACTOR_SIDE_BUILTINS, ...REACTOR_SIDE_PACKAGES];
  const imports = importsOf(source)
    .filter(({ specifier }) => !specifier.startsWith('.') && !allowed.includes(specifier))
    .map(({ specifier, line }) => `${path}:${line} imports ${specifier}`);
  const loader = LOADS_BEFORE_THE_LOOP.get(path);
  const code = loader === undefined ? codeOf(source) : withoutFunction(codeOf(source), loader);
  const words = [...code.matchAll(WAITING_WORDS)].map(
    (match) => `${path}:${code.slice(0, match.index).split('\n').length} uses ${match[0]}`,
  );
  return [...imports, ...words];
};

/** Blanks the one function that may wait, up to the brace that closes it. */
function withoutFunction(code: string, name: string): string {
  const pattern = new RegExp(`^export async function ${name}\\b.*?^\\}`, 'ms');
  return code.replace(pattern, (text) => text.replace(/[^\n]/g, ' '));
}

export const opensWithAComment: Rule = (path, source) =>
  /^(?:#!.*\n)?\/\*\*(?: |\n \* )[^\s*]/.test(source) ? [] : [`${path} does not open with a comment`];

export const exportsByName: Rule = (path, source) =>
  /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/.test(codeOf(source))
    ? [`${path} has a default export`]
    : [];

export const staysShort: Rule = (path, source) => {
  const lines = source.trimEnd().split('\n').length;
  return lines <= MAX_LINES ? [] : [`${path} has ${lines} lines, more than ${MAX_LINES}`];
};
