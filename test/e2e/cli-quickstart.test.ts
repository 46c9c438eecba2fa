/** What a newcomer meets first: `npm start`, which is `umbra quickstart`. */

import { expect } from 'chai';

import { PAGE_TEXT, servePage } from '../../src/cli/quickstart-page.js';
import { fetchThroughProxy } from '../../src/cli/quickstart-probe.js';
import { ChildLines } from '../support/child-lines.js';
import { programCommand, runCli } from '../support/run-cli.js';

describe('umbra quickstart', () => {
  it('prints a proxy that works, a curl line that works, and ends on Ctrl-C', async () => {
    const child = new ChildLines([...programCommand('umbra'), 'quickstart', '--port', '0']);
    try {
      const [, port] = await child.line(/^ {2}socks5:\/\/127\.0\.0\.1:(\d+)$/);
      const [, httpPort] = await child.line(/^ {2}http:\/\/127\.0\.0\.1:(\d+)$/);
      expect(httpPort).to.equal(port);
      const [, proxyPort, pagePort] = await child.line(
        /curl --proxy socks5h:\/\/127\.0\.0\.1:(\d+) http:\/\/127\.0\.0\.1:(\d+)\/$/,
      );
      expect(proxyPort).to.equal(port);
      await child.line(/chromium --proxy-server=socks5:\/\/127/);
      await child.line(/Firefox/);
      expect(await fetchThroughProxy(Number(port), Number(pagePort))).to.satisfy((answer: string) =>
        answer.endsWith(PAGE_TEXT),
      );
      await child.line(/Ctrl-C/);
      child.signal('SIGINT');
      expect(await child.exit()).to.equal(0);
    } finally {
      await child.kill();
    }
  });

  it('exits with 1 and one sentence where the port that was asked for is in use', async () => {
    const page = await servePage();
    try {
      const { code, stdout, stderr } = await runCli('umbra', ['quickstart', '--port', String(page.port)]);
      expect([code, stdout]).to.deep.equal([1, '']);
      expect(stderr).to.match(new RegExp(`^umbra: .*127\\.0\\.0\\.1:${page.port}.*\\n$`));
    } finally {
      page.close();
    }
  });

  it('refuses a port that is none', async () => {
    const child = new ChildLines([...programCommand('umbra'), 'quickstart', '--port', '65536']);
    await child.line(/^umbra: --port must be a port from 0 to 65535, not "65536"\.$/);
    expect(await child.exit()).to.equal(1);
  });
});
