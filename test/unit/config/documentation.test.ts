import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import {
  CHECK_FLAGS,
  type Flag,
  GENKEY_FLAGS,
  LATER_LOCAL_FLAGS,
  LATER_SERVER_FLAGS,
  LOCAL_FLAGS,
  QUICKSTART_FLAGS,
  SERVER_FLAGS,
} from '../../../src/cli/flags.js';
import { spellings } from '../../../src/cli/parse-flags.js';
import { LATER_NESTED_KEYS } from '../../../src/config/later-keys.js';
import { laterKeys, SERVED_LEVELS, servedKeys } from '../../../src/config/levels.js';
import { loadLocal, loadServer } from '../../../src/config/load.js';
import { METHODS } from '../../../src/crypto/methods.js';

const ROOT = new URL('../../../../', import.meta.url);
const DOCUMENT = readFileSync(new URL('docs/CONFIGURATION.md', ROOT), 'utf8');

/** The text under a heading of the third order. */
function section(title: string): string {
  const [, text] = DOCUMENT.split(`\n### ${title}\n`);
  expect(text, `a section "${title}"`).to.be.a('string');
  return text.split('\n#')[0];
}

describe('docs/CONFIGURATION.md', () => {
  for (const level of SERVED_LEVELS) {
    it(`has a row for every key of ${level.title}`, () => {
      const text = section(level.title.replace('the top', 'The top'));
      for (const key of [...servedKeys(level), ...laterKeys(level)]) expect(text).to.include(`\n| \`${key}\` | `);
    });
  }

  it('names the keys of objects that are not served yet, and all methods', () => {
    for (const key of [...Object.values(LATER_NESTED_KEYS).flat(), ...Object.keys(METHODS)])
      expect(DOCUMENT).to.include(key);
  });

  const programs: [string, readonly Flag[]][] = [
    ['`umbra local`, `sslocal`', LOCAL_FLAGS],
    ['`umbra server`, `ssserver`', SERVER_FLAGS],
    ['`umbra quickstart`', QUICKSTART_FLAGS],
    ['`umbra check`', CHECK_FLAGS],
    ['`umbra genkey`', GENKEY_FLAGS],
  ];
  for (const [title, flags] of programs) {
    it(`lists every flag of ${title}`, () => {
      for (const flag of flags.flatMap(spellings)) expect(section(title)).to.match(new RegExp(`\`${flag}[ \`]`));
    });
  }

  it('lists the flags that are not served yet', () => {
    for (const flag of LATER_LOCAL_FLAGS.flatMap(spellings)) expect(section(programs[0][0])).to.include(`\`${flag}\``);
    for (const flag of LATER_SERVER_FLAGS.flatMap(spellings)) expect(section(programs[1][0])).to.include(`\`${flag}\``);
  });
});

describe('config.example.json', () => {
  const request = {
    configPath: new URL('config.example.json', ROOT).pathname,
    flags: {},
    environment: { UMBRA_PASSWORD: 'a password of some length' },
    workingDirectory: '/',
  };

  it('is in order for a client, without a warning', async () => {
    const { settings, warnings } = await loadLocal(request);
    expect(settings.servers).to.have.length(1);
    expect(warnings).to.deep.equal([]);
  });

  it('is in order for a server, without a warning', async () => {
    const { settings, warnings } = await loadServer(request);
    expect(settings.listen).to.have.length(1);
    expect(warnings).to.deep.equal([]);
  });

  it('shows or mentions every served key that has no other name', () => {
    const text = readFileSync(request.configPath, 'utf8');
    const aliases = ['shadowsocks', 'nameserver', 'runtime', 'worker_count', 'address', 'port', 'name', 'protocol'];
    for (const key of SERVED_LEVELS.flatMap(servedKeys)) {
      if (!aliases.includes(key)) expect(text).to.include(`"${key}"`);
    }
  });
});
