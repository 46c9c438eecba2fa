import { expect } from 'chai';

import { dataPlaneLevel, Log } from '../../../src/cli/log.js';

function logTo(lines: string[], json = false, withoutTime = true): Log {
  return new Log({ verbosity: 0, json, withoutTime }, (text) => lines.push(text));
}

describe('the log', () => {
  it('keeps lines until it is open, then prints them in their order', async () => {
    const lines: string[] = [];
    const log = logTo(lines);
    log.warn('first');
    log.info('second', { port: 1 });
    expect(lines).to.deep.equal([]);
    await log.open();
    log.warn('third');
    expect(lines).to.deep.equal(['warn first\n', 'info second port=1\n', 'warn third\n']);
  });

  it('is one line of words with the time in front', async () => {
    const lines: string[] = [];
    const log = logTo(lines, false, false);
    await log.open();
    log.info('listening on [::1]:1', { method: 'aes-256-gcm', note: 'two words', empty: '' });
    expect(lines.join()).to.match(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info listening on \[::1\]:1 method=aes-256-gcm note="two words" empty=""\n$/,
    );
  });

  it('is JSON where that is asked for', async () => {
    const lines: string[] = [];
    const log = logTo(lines, true);
    await log.open();
    log.write({ level: 'error', message: 'x', fields: { worker: 2 } });
    expect(JSON.parse(lines.join())).to.deep.equal({ level: 'error', msg: 'x', worker: 2 });
  });

  it('lets no text break a line or drive a terminal', async () => {
    const lines: string[] = [];
    const log = logTo(lines);
    await log.open();
    log.info('bad\u001b[31m\nname', { target: 'evil\r\n.example\u202e\u009b' });
    expect(lines.join()).to.equal('info bad\\u{1b}[31m\\u{a}name target="evil\\r\\n.example\\u{202e}\\u{9b}"\n');
  });

  it('hides what should never have come here', async () => {
    const lines: string[] = [];
    const log = logTo(lines);
    await log.open();
    log.info('oops', { password: 'geheim', key: 'geheim' });
    expect(lines.join()).not.to.include('geheim');
  });

  it('asks the data plane for warnings, connections, or everything', () => {
    expect([0, 1, 2, 3].map(dataPlaneLevel)).to.deep.equal(['warn', 'info', 'debug', 'debug']);
  });
});
