import { expect } from 'chai';
import { flagSettings } from '../../../src/cli/flag-settings.js';
import { LATER_LOCAL_FLAGS, LATER_SERVER_FLAGS, LOCAL_FLAGS, SERVER_FLAGS } from '../../../src/cli/flags.js';
import { type FlagValues, parseFlags, spellings } from '../../../src/cli/parse-flags.js';
import { UsageError } from '../../../src/cli/usage-error.js';

function local(...args: string[]): FlagValues {
  return parseFlags(args, LOCAL_FLAGS, LATER_LOCAL_FLAGS);
}

function server(...args: string[]): FlagValues {
  return parseFlags(args, SERVER_FLAGS, LATER_SERVER_FLAGS);
}

describe('the command line', () => {
  it('takes values apart from their flags, joined to them, or behind an equals sign', () => {
    for (const args of [['-s', 'a:1'], ['-sa:1'], ['-s=a:1'], ['--server-addr', 'a:1'], ['--server-addr=a:1']]) {
      expect(local(...args).text('server-addr'), args.join(' ')).to.equal('a:1');
    }
  });

  it('counts, repeats, joins short flags, and lets the last value count', () => {
    expect(local('-vv6', '-v').count('verbose')).to.equal(3);
    expect(local('-vv6').has('ipv6-first')).to.equal(true);
    expect(local('-k', 'a', '--password', 'b').text('password')).to.equal('b');
    expect(server('--egress-allow', '10.0.0.0/8', '--egress-allow=fd00::/8').list('egress-allow')).to.deep.equal([
      '10.0.0.0/8',
      'fd00::/8',
    ]);
  });

  it('knows aliases by the one name', () => {
    expect(local('--worker-threads', '2').text('workers')).to.equal('2');
    expect(local('--method', 'x').text('encrypt-method')).to.equal('x');
    expect(local('--no-delay').has('tcp-no-delay')).to.equal(true);
  });

  it('takes a value that starts with a dash, but not a flag in place of a forgotten value', () => {
    expect(local('-k', '-abc').text('password')).to.equal('-abc');
    expect(local('-k', '-').text('password')).to.equal('-');
    expect(local('--password=-v').text('password')).to.equal('-v');
    expect(() => local('-c', '-v')).to.throw(UsageError, '-c needs a value: -c FILE.');
    expect(() => local('-c')).to.throw(UsageError, '-c needs a value');
  });

  it('refuses what it does not know, with a guess', () => {
    expect(() => local('--server-adr', 'x')).to.throw(
      UsageError,
      'Unknown flag --server-adr (did you mean --server-addr?)',
    );
    expect(() => local('-x')).to.throw(UsageError, 'Unknown flag -x: see --help.');
    expect(() => local('--constructor')).to.throw(UsageError, 'Unknown flag --constructor');
    expect(() => local('stray')).to.throw(UsageError, '"stray" is not expected here');
    expect(() => local('--log-json=yes')).to.throw(UsageError, '--log-json takes no value.');
  });

  it('says of every known flag that is not served yet that it is not, as it was spelled', () => {
    for (const flag of LATER_LOCAL_FLAGS) {
      for (const spelling of spellings(flag)) {
        expect(() => local(spelling, ...(flag.takesValue ? ['x'] : []))).to.throw(UsageError, `${spelling} (`);
        expect(() => local(spelling, ...(flag.takesValue ? ['x'] : []))).to.throw(UsageError, 'is not served yet');
      }
    }
    expect(() => server('-b', '192.0.2.1')).to.throw(
      UsageError,
      '-b (address of outgoing connections) is not served yet',
    );
  });

  it('has no flag twice in one program', () => {
    for (const flags of [
      [...LOCAL_FLAGS, ...LATER_LOCAL_FLAGS],
      [...SERVER_FLAGS, ...LATER_SERVER_FLAGS],
    ]) {
      const all = flags.flatMap(spellings);
      expect(new Set(all).size).to.equal(all.length);
    }
  });
});

describe('flags as settings', () => {
  it('are empty where nothing was given', () => {
    const { values = {}, ...others } = flagSettings(local());
    const given = [...Object.values(values), ...Object.values(others)].filter((value) => value !== undefined);
    expect(given).to.deep.equal([0, false]);
  });

  it('have numbers within their bounds', () => {
    const settings = flagSettings(
      local('--timeout', '0.5', '--workers', '3', '--tcp-keep-alive', '0', '--drain-timeout=7'),
    );
    expect(settings.values).to.include({ timeout: 0.5, workers: 3, keep_alive: 0, drain_timeout: 7 });
    for (const [flag, value] of [
      ['--timeout', '0'],
      ['--timeout', 'x'],
      ['--timeout', '1e3'],
      ['--workers', '0'],
      ['--workers', '1.5'],
      ['--workers', '-1'],
      ['--idle-timeout', '99999999999'],
    ]) {
      expect(() => flagSettings(local(flag, value)), `${flag} ${value}`).to.throw(UsageError, `${flag} must be a`);
    }
  });

  it('have the transport that a letter says, as shadowsocks-rust means it', () => {
    expect(flagSettings(local('-U')).values).to.include({ mode: 'tcp_and_udp' });
    expect(flagSettings(local('-u')).values).to.include({ mode: 'udp_only' });
    expect(flagSettings(local()).values).to.include({ mode: undefined });
    expect(() => flagSettings(local('-u', '-U'))).to.throw(UsageError, 'give one of the two');
  });

  it('have a tunnel, a protocol and leave for old ciphers', () => {
    const settings = flagSettings(local('-f', 'a:1', '--protocol', 'tunnel', '--allow-insecure-ciphers'));
    expect(settings).to.include({ forward: 'a:1', protocol: 'tunnel' });
    expect(settings.values).to.include({ allow_insecure_ciphers: true });
  });
});
