/** `umbra server -U` and `umbra local -U` as a shell runs them, with a SOCKS client that nobody here wrote; and a tunnel by flags alone. */

import { expect } from 'chai';
import { freePort, ProxyProcess, UMBRA } from '../support/proxy-process.js';
import { AssociatedProgram, UdpPeer } from '../support/udp.js';

const PASSWORD = 'between friends';

describe('the programs, with UDP', () => {
  const ends: (() => unknown)[] = [];

  async function run(port: number, ...args: readonly string[]): Promise<void> {
    const process = await ProxyProcess.start([...UMBRA, ...args, '-k', PASSWORD, '-m', 'aes-256-gcm'], port);
    ends.push(() => process.stop());
  }

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  it('carry datagrams by -U, of a SOCKS client and through a tunnel', async () => {
    const [server, socks, tunnel] = [await freePort(), await freePort(), await freePort()];
    const echo = await UdpPeer.echo();
    ends.push(() => echo.close());
    const at = ['-s', `127.0.0.1:${server}`] as const;
    await run(server, 'server', ...at, '-U', '--egress-allow', '127.0.0.0/8', '--workers', '2');
    await Promise.all([
      run(socks, 'local', ...at, '-b', `127.0.0.1:${socks}`, '-U', '--workers', '2'),
      run(
        tunnel,
        'local',
        ...at,
        '-b',
        `127.0.0.1:${tunnel}`,
        '-U',
        '--protocol',
        'tunnel',
        '-f',
        `127.0.0.1:${echo.port}`,
      ),
    ]);
    const programs = await Promise.all(
      [1, 2, 3].map(() => AssociatedProgram.begin({ host: '127.0.0.1', port: socks })),
    );
    for (const [i, program] of programs.entries()) {
      ends.push(() => program.close());
      program.send(`program ${i}`, echo.port);
    }
    for (const [i, program] of programs.entries()) {
      expect(await program.next()).to.deep.include({
        text: `program ${i}`,
        from: { host: '127.0.0.1', port: echo.port },
      });
    }
    const peer = await UdpPeer.open();
    ends.push(() => peer.close());
    peer.send('through the tunnel', tunnel);
    expect(await peer.nextText()).to.equal('through the tunnel');
  });
});
