import { join } from 'node:path';

import { expect } from 'chai';

import { ConfigError } from '../../../src/config/config-error.js';
import { findConfigFile, readTextFile } from '../../../src/config/find-file.js';
import { TemporaryDirectory } from '../../support/temporary-directory.js';

describe('the search for a configuration file', () => {
  let directory: TemporaryDirectory;

  beforeEach(() => {
    directory = new TemporaryDirectory();
  });

  afterEach(() => {
    directory.remove();
  });

  it('goes through the working directory, then that of the user, the name of the mode first', () => {
    const working = join(directory.path, 'work');
    const find = () => findConfigFile(['local'], { HOME: directory.path }, working);
    const expected = [
      directory.write('.config/umbra/config.json', '{}'),
      directory.write('.config/umbra/local.json', '{}'),
      directory.write('work/config.json', '{}'),
      directory.write('work/local.json', '{}'),
    ];
    expect(find()).to.equal(expected[3]);
    for (const [name, next] of [
      ['work/local.json', expected[2]],
      ['work/config.json', expected[1]],
      ['.config/umbra/local.json', expected[0]],
    ]) {
      directory.delete(name);
      expect(find()).to.equal(next);
    }
  });

  it('lets XDG_CONFIG_HOME take the place of ~/.config', () => {
    const path = directory.write('xdg/umbra/server.json', '{}');
    const environment = { HOME: directory.path, XDG_CONFIG_HOME: join(directory.path, 'xdg') };
    expect(findConfigFile(['server'], environment, directory.path)).to.equal(path);
  });
});

describe('a file that cannot be read', () => {
  function sentenceOf(path: string): string {
    try {
      readTextFile(path);
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
    return '';
  }

  it('is one sentence that says what to do', () => {
    expect(sentenceOf('/nonexistent/umbra.json')).to.equal(
      'There is no file /nonexistent/umbra.json: check the path, or make the file.',
    );
    expect(sentenceOf('/')).to.equal('/ is a directory: name the file in it.');
  });

  it('is refused where it is far too large for a configuration', () => {
    const directory = new TemporaryDirectory();
    try {
      const path = directory.write('large.json', ' '.repeat(16 * 1024 * 1024 + 1));
      expect(sentenceOf(path)).to.match(/larger than 16 MiB/);
    } finally {
      directory.remove();
    }
  });
});
