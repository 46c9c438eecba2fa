/**
 * The table of docs/INTEROP.md: what was run against what, and how it ended. A run of all interop tests writes it; one of a few tests prints
 * it alone.
 */

import { writeFileSync } from 'node:fs';
import { versionsOf } from './versions.js';

export interface Pair {
  readonly client: string;
  readonly server: string;
  readonly method: string;
  readonly variant: string;
}

const DOCUMENT = new URL('../../../docs/INTEROP.md', import.meta.url);
const TRANSPORTS = ['TCP', 'UDP'] as const;

/** By row, whether all tests of a transport passed. */
const rows = new Map<string, { readonly pair: Pair; readonly passed: Map<string, boolean> }>();

/** @param title of a test; it starts with its transport */
export function record(pair: Pair, title: string, passed: boolean): void {
  const key = JSON.stringify(pair);
  const row = rows.get(key) ?? { pair, passed: new Map<string, boolean>() };
  rows.set(key, row);
  const [transport] = title.split(':');
  row.passed.set(transport, passed && row.passed.get(transport) !== false);
}

/** By program and how it is used. */
const programs = new Map<string, { readonly program: string; readonly how: string; readonly passed: boolean }>();

/** A program that is no Shadowsocks peer, in front of umbra's client. */
export function recordProgram(program: string, how: string, passed: boolean): void {
  programs.set(JSON.stringify([program, how]), { program, how, passed });
}

function programTable(): string {
  const lines = [...programs.values()].map(({ program, how, passed }) => {
    return `| ${program} | ${how} | ${passed ? 'yes' : '**no**'} |`;
  });
  return ['| program | how | passed |', '|---|---|---|', ...lines, ''].join('\n');
}

function table(): string {
  const lines = [...rows.values()].map(({ pair, passed }) => {
    const results = TRANSPORTS.map((transport) => {
      const result = passed.get(transport);
      if (result === undefined) return '';
      return result ? 'yes' : '**no**';
    });
    return `| ${[pair.client, pair.server, `\`${pair.method}\``, pair.variant, ...results].join(' | ')} |`;
  });
  return ['| client | server | method | with | TCP | UDP |', '|---|---|---|---|---|---|', ...lines, ''].join('\n');
}

function document(): string {
  const versions = versionsOf([...new Set([...rows.values()].flatMap(({ pair }) => [pair.client, pair.server]))]);
  return `# Interoperability

umbra at one end and another implementation at the other, or umbra as a hop between two of them, all as programs on loopback.
\`npm run test:interop\` installs or builds the others, runs the tests and writes this file.

TCP: random bytes in both directions of one connection at once, their SHA-256 compared, and a page that curl fetches by a
host name. UDP: datagrams of 1 to 1,400 bytes through SOCKS5 UDP ASSOCIATE, each compared with what came back.

| implementation | version |
|---|---|
${versions.map(({ name, version }) => `| ${name} | ${version} |\n`).join('')}
${table()}
## Programs in front of the client

By every protocol that its port speaks, umbra at both ends.

${programTable()}`;
}

/** Tests left out by hand make no table for the documentation. */
const isWhole = !process.argv.some((argument) => ['-g', '--grep', '-f', '--fgrep'].includes(argument));

after(() => {
  process.stdout.write(`\n${table()}\n${programTable()}\n`);
  if (isWhole && process.env['UMBRA_INTEROP_TABLE'] === 'write') writeFileSync(DOCUMENT, document());
});
