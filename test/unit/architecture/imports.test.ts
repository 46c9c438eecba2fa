/** The rules of the architecture, held against every source file, and each held against what it must refuse. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { codeOf } from './code-text.js';
import {
  exportsByName,
  importsGoOneWay,
  MAX_LINES,
  onlyBindingsImportKoffi,
  opensWithAComment,
  type Rule,
  reactorSideNeverWaits,
  staysShort,
} from './source-rules.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

interface SourceFile {
  readonly path: string;
  readonly source: string;
}

function filesBelow(folder: string, pattern: RegExp): SourceFile[] {
  return readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name))
    .map((name) => ({ path: `${folder}/${name}`, source: readFileSync(`${ROOT}${folder}/${name}`, 'utf8') }));
}

const product = [...filesBelow('src', /\.ts$/), ...filesBelow('native-bindings', /\.ts$/)];
const examples = filesBelow('docs/examples', /\.ts$/);
const tests = filesBelow('test', /\.ts$/);
const helpers = tests.filter(({ path }) => !path.endsWith('.test.ts'));
const scripts = [...filesBelow('bin', /\.js$/), ...filesBelow('scripts', /\.js$/)];

function violations(rule: Rule, files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, source }) => rule(path, source));
}

describe('the sources', () => {
  it('are found', () => {
    const paths = new Set(product.map(({ path }) => path));
    expect(paths).to.include.all.keys('src/relay/relay.ts', 'native-bindings/socket.ts', 'src/umbra.ts');
    expect([examples, tests, scripts].map(({ length }) => length > 0)).to.deep.equal([true, true, true]);
  });

  it('import only what is below them', () => {
    expect(violations(importsGoOneWay, product)).to.deep.equal([]);
  });

  it('use koffi in native-bindings/ alone', () => {
    const all = [...product, ...examples, ...tests, ...scripts];
    expect(violations(onlyBindingsImportKoffi, all)).to.deep.equal([]);
  });

  it('never wait for Node’s loop where a reactor runs', () => {
    expect(violations(reactorSideNeverWaits, product)).to.deep.equal([]);
  });

  it('open with a comment that says why they exist', () => {
    expect(violations(opensWithAComment, [...product, ...examples, ...helpers])).to.deep.equal([]);
  });

  it('have no default exports', () => {
    expect(violations(exportsByName, [...product, ...examples, ...tests, ...scripts])).to.deep.equal([]);
  });

  it(`have at most ${MAX_LINES} lines a file`, () => {
    expect(violations(staysShort, [...product, ...examples, ...helpers])).to.deep.equal([]);
  });
});

describe('the rules about sources', () => {
  /** [rule, path, source, the complaint] */
  const planted: [string, Rule, string, string, string][] = [
    [
      'an import upwards',
      importsGoOneWay,
      'src/net/a.ts',
      "import { Relay } from '../relay/relay.js';",
      'src/net/a.ts:1 imports src/relay/relay.ts, which is not below it',
    ],
    [
      'an import of a type upwards',
      importsGoOneWay,
      'src/reactor/a.ts',
      "/** Why. */\nimport type { IpAddress } from '../net/ip-address.js';",
      'src/reactor/a.ts:2 imports src/net/ip-address.ts, which is not below it',
    ],
    [
      'one mode that imports the other',
      importsGoOneWay,
      'src/local/a.ts',
      "import {\n  ServerSession,\n} from '../server/server-session.js';",
      'src/local/a.ts:3 imports src/server/server-session.ts, which is not below it',
    ],
    [
      'a codec that imports another one',
      importsGoOneWay,
      'src/socks/a.ts',
      "export { Keyring } from '../shadowsocks/keyring.js';",
      'src/socks/a.ts:1 imports src/shadowsocks/keyring.ts, which is not below it',
    ],
    [
      'configuration on the data plane that is more than types',
      importsGoOneWay,
      'src/server/a.ts',
      "import { loadServer } from '../config/load.js';",
      'src/server/a.ts:1 imports src/config/load.ts, which is not below it',
    ],
    [
      'an import by call',
      importsGoOneWay,
      'src/control/a.ts',
      "const { Log } = await import('../cli/log.js');",
      'src/control/a.ts:1 imports src/cli/log.ts, which is not below it',
    ],
    [
      'a product that imports its tests',
      importsGoOneWay,
      'src/control/a.ts',
      "import { Peer } from '../../test/support/peer.js';",
      'src/control/a.ts:1 imports test/support/peer.ts, which is not below it',
    ],
    [
      'a new folder',
      importsGoOneWay,
      'src/new/a.ts',
      '',
      'src/new/a.ts is in no folder that the order of imports knows',
    ],
    [
      'koffi elsewhere',
      onlyBindingsImportKoffi,
      'src/net/a.ts',
      "import koffi from 'koffi';",
      'src/net/a.ts:1 imports koffi',
    ],
    [
      'koffi by require',
      onlyBindingsImportKoffi,
      'test/support/a.ts',
      "const koffi = createRequire(import.meta.url)\nrequire('koffi');",
      'test/support/a.ts:2 imports koffi',
    ],
    ['await', reactorSideNeverWaits, 'src/relay/a.ts', '\nawait x;', 'src/relay/a.ts:2 uses await'],
    ['a promise', reactorSideNeverWaits, 'src/dns/a.ts', 'new Promise(f);', 'src/dns/a.ts:1 uses Promise'],
    [
      'a timer of Node',
      reactorSideNeverWaits,
      'src/net/a.ts',
      `\`\${setTimeout(f, 1)}\``,
      'src/net/a.ts:1 uses setTimeout',
    ],
    ['an interval', reactorSideNeverWaits, 'src/socks/a.ts', 'setInterval(f, 1);', 'src/socks/a.ts:1 uses setInterval'],
    ['a tick', reactorSideNeverWaits, 'src/local/a.ts', 'process.nextTick(f);', 'src/local/a.ts:1 uses nextTick'],
    [
      'a socket of Node',
      reactorSideNeverWaits,
      'src/server/a.ts',
      "import { connect } from 'node:net';",
      'src/server/a.ts:1 imports node:net',
    ],
    [
      'a datagram socket of Node',
      reactorSideNeverWaits,
      'src/shadowsocks/a.ts',
      "import dgram from 'node:dgram';",
      'src/shadowsocks/a.ts:1 imports node:dgram',
    ],
    [
      'a stream of Node',
      reactorSideNeverWaits,
      'src/reactor/a.ts',
      "import { Readable } from 'node:stream';",
      'src/reactor/a.ts:1 imports node:stream',
    ],
    [
      'files by promise',
      reactorSideNeverWaits,
      'src/dns/a.ts',
      "import { readFile } from 'node:fs/promises';",
      'src/dns/a.ts:1 imports node:fs/promises',
    ],
    [
      'waiting in the loader’s file but outside of it',
      reactorSideNeverWaits,
      'src/crypto/libsodium-cipher.ts',
      'export async function loadLibsodium(): Promise<void> {\n  await sodium.ready;\n}\nasync function f() {}',
      'src/crypto/libsodium-cipher.ts:4 uses async',
    ],
    ['no comment', opensWithAComment, 'src/net/a.ts', 'export {};', 'src/net/a.ts does not open with a comment'],
    ['an empty comment', opensWithAComment, 'src/net/a.ts', '/** */', 'src/net/a.ts does not open with a comment'],
    ['a default export', exportsByName, 'src/net/a.ts', 'export default f;', 'src/net/a.ts has a default export'],
    ['one by renaming', exportsByName, 'src/net/a.ts', 'export { f as default };', 'src/net/a.ts has a default export'],
    [
      'a long file',
      staysShort,
      'src/net/a.ts',
      'x;\n'.repeat(MAX_LINES + 1),
      `src/net/a.ts has ${MAX_LINES + 1} lines, more than ${MAX_LINES}`,
    ],
  ];
  for (const [what, rule, path, source, complaint] of planted) {
    it(`refuse ${what}`, () => {
      expect(rule(path, source)).to.deep.equal([complaint]);
    });
  }

  it('find a violation that is planted in a real file', () => {
    const { path, source } = product.find((file) => file.path === 'src/relay/relay.ts') ?? expect.fail('no relay');
    const planted = source.replace('  #pumpSealing(): void {\n', '$&    setTimeout(() => this.release(), 1);\n');
    expect(reactorSideNeverWaits(path, planted)).to.have.length(1);
    expect(importsGoOneWay(path, `${source}\nimport '../local/local-mode.js';\n`)).to.have.length(1);
  });

  it('let plain data of the configuration in everywhere, and what is below', () => {
    const source =
      "import type { LogLevel } from '../config/types.js';\nimport { Reactor } from '../reactor/reactor.js';";
    expect(importsGoOneWay('src/relay/a.ts', source)).to.deep.equal([]);
  });

  it('look at code, not at what comments and strings say', () => {
    const source = `/* await */ const a = 'Promise'; // setTimeout\nconst b = /[/'\`]await/; const c = \`async \${a} await\`;`;
    expect(reactorSideNeverWaits('src/net/a.ts', source)).to.deep.equal([]);
    expect(importsGoOneWay('src/net/a.ts', "// import '../relay/relay.js';\n")).to.deep.equal([]);
    expect(codeOf(`x('it''s', \`a\${b({ c: '}' })}d\`, e / f); /g'/.test(h);`).replace(/\s+/g, ' ')).to.equal(
      'x( , b({ c: }) , e / f); .test(h);',
    );
  });
});
