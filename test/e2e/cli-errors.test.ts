/** Expected failures of the programs: one sentence on standard error that says what to do, no stack, exit code 1. */

import { expect } from 'chai';

import { type CliOptions, type Program, runCli } from '../support/run-cli.js';
import { TemporaryDirectory } from '../support/temporary-directory.js';

describe('the programs, used wrongly', () => {
  let directory: TemporaryDirectory;

  beforeEach(() => {
    directory = new TemporaryDirectory();
  });

  afterEach(() => {
    directory.remove();
  });

  async function failure(program: Program, args: readonly string[], options: CliOptions = {}): Promise<string> {
    const environment = { HOME: directory.path, ...options.environment };
    const result = await runCli(program, args, { cwd: directory.path, ...options, environment });
    expect(result.code, result.stderr).to.equal(1);
    expect(result.stdout).to.equal('');
    expect(result.stderr).not.to.match(/\n {4}at /);
    return result.stderr;
  }

  const SERVER = ['-s', '127.0.0.1:0', '-k', 'p'];

  it('refuse unknown flags and commands, with a guess', async () => {
    expect(await failure('umbra', ['locla'])).to.equal('umbra: "locla" is no command of umbra: try local, perhaps.\n');
    expect(await failure('sslocal', ['--server-adr', 'x'])).to.equal(
      'sslocal: Unknown flag --server-adr (did you mean --server-addr?): see --help.\n',
    );
  });

  it('say of flags that are not served yet that they are not', async () => {
    expect(await failure('sslocal', ['-d'])).to.equal(
      'sslocal: -d (run in the background) is not served yet: leave it out.\n',
    );
    expect(await failure('ssserver', ['-b', '192.0.2.1'])).to.match(/^ssserver: -b .* is not served yet/);
    expect(await failure('ssserver', ['--plugin', 'x'])).to.match(/^ssserver: --plugin .* is not served yet/);
  });

  for (const [what, preload, sentence] of [
    [
      'another operating system',
      "Object.defineProperty(process, 'platform', { value: 'freebsd' });",
      /^umbra: umbra needs Linux \(it is built on epoll\); this is freebsd\.\n$/,
    ],
    [
      'another processor',
      "Object.defineProperty(process, 'arch', { value: 'riscv64' });",
      /^umbra: umbra runs on x64 and arm64; this Node\.js is built for riscv64\.\n$/,
    ],
    [
      'an installation without koffi',
      "const find = require('module')._resolveFilename; require('module')._resolveFilename = (name, ...rest) => find(name === 'koffi' ? 'no-such-koffi' : name, ...rest);",
      /^umbra: umbra needs the koffi package and its binary .*: run "npm install" in umbra's folder\.\n$/,
    ],
  ] as const) {
    it(`say that they do not run on ${what}`, async () => {
      const environment = { NODE_OPTIONS: `--require ${directory.write('preload.cjs', preload)}` };
      const server = ['-s', '127.0.0.1:0', '-m', 'aes-256-gcm', '-k', 'a password of some length'];
      for (const args of [
        ['server', ...server],
        ['local', '-b', '127.0.0.1:0', ...server.with(1, '127.0.0.1:1')],
        ['quickstart'],
      ])
        expect(await failure('umbra', args, { environment })).to.match(sentence);
    });
  }

  it('ask no name server in clear where an encrypted or TCP-only one was asked for', async () => {
    const sentence = /^umbra: --dns \S+ is not served yet: give "system", .*\n$/;
    expect(await failure('umbra', ['server', ...SERVER, '--dns', 'google_tls'])).to.match(sentence);
    expect(await failure('umbra', ['local', '-s', '192.0.2.1:1', '-k', 'p', '--dns', 'tcp://1.1.1.1'])).to.match(
      sentence,
    );
  });

  it('refuse unknown and insecure methods, and what is no key of 2022', async () => {
    expect(await failure('umbra', ['server', ...SERVER, '-m', 'aes-1-gcm'])).to.match(
      /^umbra: --encrypt-method is "aes-1-gcm", which is not a method: use one of 2022-blake3-aes-128-gcm, .*\n$/,
    );
    expect(await failure('ssserver', [...SERVER, '-m', 'rc4-md5'])).to.match(
      /no integrity protection: use one of .* set allow_insecure_ciphers/,
    );
    expect(await failure('ssserver', [...SERVER, '-m', '2022-blake3-aes-128-gcm'])).to.match(
      /^ssserver: --password is .*: 2022-blake3-aes-128-gcm needs 16 bytes in base64/,
    );
  });

  it('refuse a key of the wrong length without showing it', async () => {
    const key = Buffer.alloc(16, 7).toString('base64');
    const stderr = await failure('umbra', ['server', '-s', '127.0.0.1:0', '--key', key, '-m', 'aes-256-gcm']);
    expect(stderr).to.match(/^umbra: --key is 16 bytes long: aes-256-gcm needs 32 bytes .*\n$/);
    expect(stderr).not.to.include(key);
  });

  it('refuse files that are missing, unreadable or wrong, with the place', async () => {
    expect(await failure('umbra', ['local', '-c', 'none.json'])).to.equal(
      'umbra: There is no file none.json: check the path, or make the file.\n',
    );
    expect(await failure('umbra', ['local', '-c', '.'])).to.equal('umbra: . is a directory: name the file in it.\n');
    directory.write('bad.json', '{\n  "server": "a",\n  "passwrod": "geheim",\n  "timeout": "soon"\n}');
    expect(await failure('umbra', ['server', '-c', 'bad.json'])).to.equal(
      'umbra: bad.json:3:3: unknown key "passwrod" (did you mean "password"?).\n' +
        'umbra: bad.json:4:14: "timeout" must be a number of seconds from 0.001 to 2592000, not "soon".\n',
    );
  });

  it('ask for a password where none is given and nobody is there to type one', async () => {
    expect(await failure('umbra', ['local', '-s', '192.0.2.1:1'])).to.match(
      /^umbra: No password is given for 192\.0\.2\.1:1: /,
    );
    expect(await failure('umbra', ['server', '-s', '127.0.0.1:0', '-k', '-'], { input: '\n' })).to.equal(
      'umbra: No password was given: run again and give one.\n',
    );
  });

  it('say what to do where there is no configuration at all', async () => {
    expect(await failure('umbra', ['check'])).to.match(
      /^umbra: There is no configuration file in any of the usual places/,
    );
    expect(await failure('umbra', ['local'])).to.match(/^umbra: No server is given: use -s HOST:PORT\.\n$/);
  });
});
