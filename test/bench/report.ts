/** The report of a run, in Markdown: what docs/benchmarks.md holds. */

import type { Environment } from './environment.js';
import type { Options } from './options.js';
import { commandsOf } from './proxies.js';
import type { Results, Row } from './results.js';

/** One table: a method's, or that of what does not depend on the method. */
export interface Section {
  readonly title: string;
  readonly results: Results;
}

export function reportOf(options: Options, environment: Environment, sections: readonly Section[]): string {
  const parts = [
    '# Benchmarks: umbra and shadowsocks-libev',
    '<!-- Written by `npm run bench`; edits are lost on its next run. -->',
    introductionOf(options),
    ...sections.map((section) => `## ${section.title}\n\n${tableOf(section.results.rows())}`),
    verdictOf(sections),
    `## Machine and versions\n\n${environment.lines.map((line) => `- ${line}`).join('\n')}`,
    commandsText(options),
    METHOD_TEXT,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function introductionOf(options: Options): string {
  const { sizes } = options;
  return [
    `SOCKS5 client and server of each proxy on one machine, through loopback; ${options.rounds} round${options.rounds === 1 ? '' : 's'}, the two`,
    'proxies alternating on every measure, one reactor thread each end. Figures are medians of the rounds. The ratio is the median of',
    'the rounds’ ratios with their range in brackets; above 1 umbra is ahead, whichever way the figure counts.',
    `A round moves ${sizes.bulkBytes / 2 ** 20} MiB a bulk measure, opens ${sizes.connections} connections 32 at a time, plays`,
    `ping-pong for ${sizes.pingPongMs / 1000} s on 32 connections, and holds ${sizes.idleConnections} idle ones.`,
  ].join('\n');
}

function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ metric, umbra, libev, ratio, met }) => {
    const figure = (value: number | undefined) => (value === undefined ? '–' : value.toFixed(metric.digits));
    const range = ratio === undefined ? '–' : `**${two(ratio.median)}** (${two(ratio.lowest)}–${two(ratio.highest)})`;
    const target = metric.target === undefined ? '' : `≥ ${two(metric.target)}`;
    const verdict = met === undefined ? '' : met ? 'met' : '**missed**';
    return `| ${metric.title} | ${metric.unit} | ${figure(umbra)} | ${figure(libev)} | ${range} | ${target} | ${verdict} |`;
  });
  return ['| | | umbra | libev | ratio | target | |', '|---|---|--:|--:|--:|--:|---|', ...lines].join('\n');
}

function two(value: number): string {
  return value.toFixed(2);
}

function verdictOf(sections: readonly Section[]): string {
  const judged = sections.flatMap(({ title, results }) =>
    results.rows().flatMap((row) => (row.met === undefined ? [] : [{ title, row, met: row.met }])),
  );
  if (judged.length === 0) return '';
  const missed = judged.filter(({ met }) => !met);
  const heading = `## Targets\n\n${judged.length - missed.length} of ${judged.length} targets met.`;
  const list = missed.map(
    ({ title, row }) =>
      `- Missed: ${title}, ${row.metric.title} (${row.metric.unit}): ${two(row.ratio?.median ?? 0)} of ${two(row.metric.target ?? 0)}`,
  );
  return [heading, list.join('\n')].filter((part) => part !== '').join('\n\n');
}

function commandsText(options: Options): string {
  const ports = { local: 1080, server: 8388 };
  const commands = options.sides.flatMap((side) => {
    const { server, local } = commandsOf(side, 'METHOD', ports, ['node', 'bin/umbra.js']);
    return [server, local].map((command) => command.join(' '));
  });
  return [
    '## Commands',
    '',
    'To repeat: `npm run bench` (needs `cc`, `ss-local` and `ss-server`). It runs, on free ports:',
    '',
    '```',
    ...commands,
    '```',
  ].join('\n');
}

const METHOD_TEXT = `## How it is measured

- The load generator and the origin are one small C program (\`test/bench/load.c\`), the same for both proxies and not in the figures.
- CPU time is user + system time of all threads of both proxy processes, read by the load generator from the kernel at both ends of the
  measured span. What the kernel does in interrupts on behalf of a sender counts for that sender, as always on loopback.
- Both pairs of a method run side by side, warmed up, and are idle while the other is measured. Memory and start are taken of fresh
  processes.
- All processes share the machine's processors with the load generator, so MB/s and per-second figures say less than those per CPU second.
- New connections: TCP connect, SOCKS5 greeting and CONNECT to an IPv4 address, 64 bytes to an echo server and back, close.`;
