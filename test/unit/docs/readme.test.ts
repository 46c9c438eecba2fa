/** What README.md tells people to type works. */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { checkCommand } from '../../../src/cli/check.js';
import type { Command } from '../../../src/cli/command.js';
import { flagSettings } from '../../../src/cli/flag-settings.js';
import { genkeyCommand } from '../../../src/cli/genkey.js';
import { localCommand } from '../../../src/cli/local.js';
import { parseFlags } from '../../../src/cli/parse-flags.js';
import { serverCommand } from '../../../src/cli/server.js';
import { urlCommand } from '../../../src/cli/url.js';
import { checkMethod } from '../../../src/config/methods.js';
import { METHODS } from '../../../src/crypto/methods.js';
import type { Options } from '../../bench/options.js';
import { reportOf, summaryOf, withSummary } from '../../bench/report.js';
import { Results } from '../../bench/results.js';
import { ChildLines } from '../../support/child-lines.js';
import { codeBlocks, ROOT, readDocument, shellCommands, tableRows } from './documents.js';

const README = readDocument('README.md');
const blocks = codeBlocks(README);
const manifest: { readonly scripts: Readonly<Record<string, string>>; readonly bin: Readonly<Record<string, string>> } =
  JSON.parse(readDocument('package.json'));

const COMMANDS: Readonly<Record<string, Command>> = {
  'umbra local': localCommand,
  'umbra server': serverCommand,
  'umbra check': checkCommand,
  'umbra genkey': genkeyCommand,
  'umbra url': urlCommand,
  sslocal: localCommand,
  ssserver: serverCommand,
  ssurl: urlCommand,
};

function commandLines(): string[][] {
  const inBlocks = blocks.filter(({ language }) => language === 'sh').flatMap(({ lines }) => lines);
  const inline = [...README.matchAll(/`((?:npm|umbra|sslocal|ssserver|ssurl) [^`]+)`/g)].map(([, line]) => line);
  return [...inBlocks, ...inline].flatMap(shellCommands).filter((words) => words.length > 0);
}

const lines = commandLines();

describe('the command lines in README.md', () => {
  const ours = lines.filter(([program]) => program in manifest.bin);

  it('are there for every program', () => {
    expect(new Set(ours.map(([program]) => program))).to.have.all.keys(...Object.keys(manifest.bin));
  });

  for (const line of new Set(ours.map((words) => words.join(' ')))) {
    if (line === 'umbra help') continue;
    it(`can be typed: ${line}`, () => {
      const words = line.split(' ');
      const name = words[0] === 'umbra' ? words.slice(0, 2).join(' ') : words[0];
      const command = COMMANDS[name] ?? expect.fail(`no command ${name}`);
      const values = parseFlags(words.slice(name.split(' ').length), command.flags, command.later);
      flagSettings(values);
      const method = values.text('encrypt-method');
      if (method !== undefined) expect(checkMethod(method, false)).to.have.property('method', method);
      const config = values.text('config');
      if (config !== undefined) expect(existsSync(`${ROOT}${config}`), config).to.equal(true);
    });
  }

  it('name scripts that package.json has', () => {
    const builtIn = ['ci', 'link'];
    const scripts = lines
      .filter(([program]) => program === 'npm')
      .map(([, ...rest]) => rest.filter((word) => word !== 'run')[0]);
    expect(scripts).to.include.members(['start', 'test', 'build', 'bench']);
    expect(scripts.filter((name) => !builtIn.includes(name) && !(name in manifest.scripts))).to.deep.equal([]);
  });

  for (const words of lines.filter(
    ([program, run, name]) => program === 'npm' && run === 'run' && name === 'example',
  )) {
    it(`start the epoll example: ${words.join(' ')}`, async () => {
      const script = manifest.scripts['example'].split(' && ').map((command) => command.split(' '));
      expect(script.map(([program, file]) => `${program} ${file}`)).to.deep.equal([
        'node scripts/prepare.js',
        'node dist/docs/examples/epoll-echo.js',
      ]);
      const child = new ChildLines([process.execPath, `${ROOT}${script[1][1]}`, ...words.slice(4), '--port', '0']);
      await child.line(/^step 3: waiting/);
      child.signal('SIGTERM');
      expect(await child.exit()).to.equal(0);
    });
  }
});

describe('the library example in README.md', () => {
  it('runs as it is', () => {
    const [example] = blocks.filter(({ language }) => language === 'js');
    const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', example.lines.join('\n')], {
      cwd: ROOT,
      encoding: 'utf8',
      timeout: 15_000,
    });
    expect(printed).to.match(/^socks5:\/\/127\.0\.0\.1:\d+\n$/);
  });
});

describe('the tables in README.md', () => {
  it('list every method that is served', () => {
    for (const method of Object.keys(METHODS)) expect(README).to.include(`\`${method}\``);
  });

  it('show figures that docs/benchmarks.md has too', () => {
    const [, summary] = /<!-- bench:begin -->\n(.*)<!-- bench:end -->/s.exec(README) ?? expect.fail('no marks');
    const report = tableRows(readDocument('docs/benchmarks.md')).map((cells) => cells.slice(0, 4).join(' | '));
    const shown = tableRows(summary).filter(([, unit]) => unit !== '');
    expect(shown.length).to.be.greaterThan(0);
    for (const cells of shown) expect(report).to.include(cells.slice(0, 4).join(' | '));
  });
});

describe('the benchmark’s summary', () => {
  const options: Options = {
    rounds: 2,
    kinds: ['bulk'],
    methods: ['aes-256-gcm'],
    sides: ['umbra', 'libev'],
    node: 'node',
    complete: true,
    sizes: { bulkBytes: 1, connections: 1, pingPongMs: 1, datagramMs: 1, idleConnections: 1 },
  };
  const environment = { lines: ['Date: today', 'Machine: this one', 'Kernel: none of its business'] };
  const results = new Results();
  results.add('umbra', { down1Cpu: 2, down4Cpu: 7, pingP99: 300 });
  results.add('libev', { down1Cpu: 3, down4Cpu: 7, pingP99: 150 });
  const sections = [{ title: 'aes-256-gcm', results }];

  it('has the figures of the report, whichever way they went', () => {
    const summary = summaryOf(options, environment, sections);
    expect(tableRows(summary)).to.deep.equal([
      ['', '', 'umbra', 'shadowsocks-libev', 'ratio'],
      ['**aes-256-gcm**', '', '', '', ''],
      ['download, 1 stream', 'CPU s/GiB', '2.00', '3.00', '1.50'],
      ['ping-pong latency, p99', 'µs', '300', '150', '0.50'],
    ]);
    expect(summary).to.include('Medians of 2 alternating rounds').and.include('Date: today. Machine: this one.');
    expect(reportOf(options, environment, sections)).to.include(
      '| download, 1 stream | CPU s/GiB | 2.00 | 3.00 | **1.50** (1.50–1.50) | ≥ 1.50 | met |',
    );
  });

  it('takes the place of what was between the marks, and of nothing else', () => {
    const document = 'before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n';
    expect(withSummary(document, 'new')).to.equal('before\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nafter\n');
    expect(() => withSummary('no marks', 'new')).to.throw('no marks');
  });
});
