/** The report of a run, in Markdown: what docs/benchmarks.md holds. */

import type { Environment } from './environment.js';
import { METRICS, type Metric } from './metrics.js';
import { type Options, SLICES } from './options.js';
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

/** What the README shows of a run: these, without what they are measured beside. */
const SUMMARISED: readonly Metric[] = [
  METRICS.down1Cpu,
  METRICS.up1Cpu,
  METRICS.down1Rate,
  METRICS.up1Rate,
  METRICS.connectCpu,
  METRICS.pingCpu,
  METRICS.pingP99,
  METRICS.udp16Cpu,
  METRICS.udp256Cpu,
  METRICS.rssStart,
  METRICS.rssIdle,
  METRICS.startLocal,
];

const SUMMARY_BEGIN = '<!-- bench:begin -->';
const SUMMARY_END = '<!-- bench:end -->';

/** A table of the same medians as the report's, good and bad ones alike. */
export function summaryOf(options: Options, environment: Environment, sections: readonly Section[]): string {
  const lines = sections.flatMap(({ title, results }) => [
    `| **${title}** | | | | |`,
    ...results
      .rows()
      .filter(({ metric }) => SUMMARISED.includes(metric))
      .map((row) => {
        const { umbra, libev, ratio } = figuresOf(row);
        return `| ${row.metric.title} | ${row.metric.unit} | ${umbra} | ${libev} | ${ratio} |`;
      }),
  ]);
  return [
    '| | | umbra | shadowsocks-libev | ratio |\n|---|---|--:|--:|--:|',
    `${lines.join('\n')}\n`,
    `Medians of ${options.rounds} alternating rounds, client and server on one machine. The ratio is above 1 where umbra is ahead.`,
    `${environment.lines.slice(0, 2).join('. ')}.`,
  ].join('\n');
}

/**
 * Puts a summary between the two marks of a document.
 * @throws Error where the marks are not there
 */
export function withSummary(document: string, summary: string): string {
  const begin = document.indexOf(SUMMARY_BEGIN);
  const end = document.indexOf(SUMMARY_END);
  if (begin === -1 || end < begin) throw new Error(`there are no marks ${SUMMARY_BEGIN} … ${SUMMARY_END}`);
  return `${document.slice(0, begin + SUMMARY_BEGIN.length)}\n${summary}\n${document.slice(end)}`;
}

function introductionOf(options: Options): string {
  const { sizes } = options;
  return [
    `SOCKS5 client and server of each proxy on one machine, through loopback; ${options.rounds} round${options.rounds === 1 ? '' : 's'}, the two`,
    `proxies alternating on every measure (in ${SLICES} slices each a round), one reactor thread each end. Figures are medians of the rounds. The ratio`,
    'is the median of the rounds’ ratios with their range in brackets; above 1 umbra is ahead, whichever way the figure counts.',
    `A round moves ${sizes.bulkBytes / 2 ** 20} MiB a bulk measure, opens ${sizes.connections} connections 32 at a time, plays`,
    `ping-pong for ${sizes.pingPongMs / 1000} s on 32 connections, keeps 16 and then 256 datagrams under way for ${sizes.datagramMs / 1000} s each, and holds`,
    `${sizes.idleConnections} idle connections.`,
  ].join('\n');
}

function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const { metric, met } = row;
    const { umbra, libev, ratio } = figuresOf(row);
    const range = row.ratio === undefined ? ratio : `**${ratio}** (${two(row.ratio.lowest)}–${two(row.ratio.highest)})`;
    const target = targetOf(metric);
    const verdict = met === undefined ? '' : met ? 'met' : '**missed**';
    return `| ${metric.title} | ${metric.unit} | ${umbra} | ${libev} | ${range} | ${target} | ${verdict} |`;
  });
  return ['| | | umbra | libev | ratio | target | |', '|---|---|--:|--:|--:|--:|---|', ...lines].join('\n');
}

/** What is judged of a row. */
function figureOf({ metric, ratio, umbra }: Row): string {
  return metric.most === undefined ? two(ratio?.median ?? 0) : `${umbra ?? 0}`;
}

function targetOf({ target, most }: Metric): string {
  if (most !== undefined) return `≤ ${most}`;
  return target === undefined ? '' : `≥ ${two(target)}`;
}

/** A row's medians as text. */
function figuresOf({ metric, umbra, libev, ratio }: Row): Readonly<Record<'umbra' | 'libev' | 'ratio', string>> {
  const figure = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(metric.digits));
  return { umbra: figure(umbra), libev: figure(libev), ratio: ratio === undefined ? '–' : two(ratio.median) };
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
      `- Missed: ${title}, ${row.metric.title} (${row.metric.unit}): ${figureOf(row)}, ${targetOf(row.metric)} wanted`,
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

- The load generators and the origins are small C programs (\`test/bench/load.c\`, \`test/bench/datagrams.c\`), the same for both proxies and not in the figures.
- CPU time is user + system time of all threads of both proxy processes, read by the load generator from the kernel at both ends of the
  measured span. What the kernel does in interrupts on behalf of a sender counts for that sender, as always on loopback.
- Both pairs of a method run side by side, warmed up by two passes over all of this, and are idle while the other is measured. Memory and start are taken of fresh
  processes.
- In a round each measure is cut into slices, which go to the two proxies by turns, one first and then the other: what else goes on on the machine comes
  and goes within seconds. The round's figure is the mean of the slices'.
- All processes share the machine's processors with the load generator, so MB/s and per-second figures say less than those per CPU second.
- UDP echoes: one SOCKS5 association, a program that receives and sends one datagram a call, and sends the next for each answer. One that is not
  answered within half a second is lost.
- New connections: TCP connect, SOCKS5 greeting and CONNECT to an IPv4 address, 64 bytes to an echo server and back, close.
  So many of them have umbra use sockets again (docs/ARCHITECTURE.md), its client too, which with a server elsewhere it does not.`;
