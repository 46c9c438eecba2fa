/** What the documents point to exists. */

import { existsSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import { expect } from 'chai';
import { anchors, linkedPaths, mentionedPaths, ROOT, readDocument } from './documents.js';

const DOCUMENTS = [
  'README.md',
  ...readdirSync(`${ROOT}docs`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const FOLDERS = ['src', 'native-bindings', 'test', 'docs', 'bin', 'scripts', '.ci'];

describe('the documents', () => {
  it('are all here', () => {
    expect(DOCUMENTS).to.include.members([
      'README.md',
      'docs/ARCHITECTURE.md',
      'docs/CONFIGURATION.md',
      'docs/EVENT-LOOP.md',
      'docs/SECURITY.md',
      'docs/benchmarks.md',
    ]);
  });

  for (const document of DOCUMENTS) {
    const text = existsSync(`${ROOT}${document}`) ? readDocument(document) : '';

    it(`${document} links only to what exists`, () => {
      const missing = linkedPaths(text).filter(({ path, anchor }) => {
        const target = path === '' ? document : posix.join(posix.dirname(document), path);
        if (!existsSync(`${ROOT}${target}`)) return true;
        return anchor !== '' && !anchors(readDocument(target)).includes(anchor);
      });
      expect(missing).to.deep.equal([]);
    });

    it(`${document} names only files and folders that exist`, () => {
      const missing = mentionedPaths(text, FOLDERS).filter((path) => !existsSync(`${ROOT}${path}`));
      expect(missing).to.deep.equal([]);
    });
  }

  it('name every folder of the sources in docs/ARCHITECTURE.md', () => {
    const named = new Set(mentionedPaths(readDocument('docs/ARCHITECTURE.md'), FOLDERS));
    const folders = ['src', 'test'].flatMap((parent) =>
      readdirSync(`${ROOT}${parent}`, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => `${parent}/${name}/`),
    );
    expect(folders.filter((folder) => !named.has(folder))).to.deep.equal([]);
  });
});

describe('the search for paths in documents', () => {
  it('finds links with their anchors, and passes URLs and code blocks by', () => {
    const text = 'See [a](src/a.ts#b), [c](#d) and [e](https://example.com).\n```\n[f](g.md)\n```\n';
    expect(linkedPaths(text)).to.deep.equal([
      { path: 'src/a.ts', anchor: 'b' },
      { path: '', anchor: 'd' },
    ]);
  });

  it('finds paths in inline code', () => {
    expect(mentionedPaths('`src/a.ts`, `test/unit/`, `npm test`, `bin`, `/etc/hosts`', FOLDERS)).to.deep.equal([
      'src/a.ts',
      'test/unit/',
    ]);
  });

  it('makes anchors as GitHub does', () => {
    expect(anchors('# One\n## The problem of a “b-c”, and d’s `e_f`\n')).to.deep.equal([
      'one',
      'the-problem-of-a-b-c-and-ds-e_f',
    ]);
  });
});
