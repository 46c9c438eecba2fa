/** Which reactor gets which socket of an address, and what is said where there is none to be had. */

import { expect } from 'chai';
import { localAddress } from '../../../native-bindings/socket.js';
import { type ListenAddress, type OpenListeners, openListeners } from '../../../src/control/listen.js';
import { StartError } from '../../../src/control/start-error.js';
import { Descriptors } from '../../support/loopback-sockets.js';
import { openDescriptors } from '../../support/open-descriptors.js';

const OPTIONS = { noDelay: true, keepAliveMs: 0, delayAcks: false };

describe('the sockets that the control plane opens', () => {
  const descriptors = new Descriptors();

  afterEach(() => descriptors.closeAll());

  function open(workers: number, ...addresses: Partial<ListenAddress>[]): OpenListeners {
    const defaults = { host: '127.0.0.1', port: 0, tcp: true, udp: true };
    const opened = openListeners(
      addresses.map((address) => ({ ...defaults, ...address })),
      workers,
      OPTIONS,
    );
    for (const { tcp, udp } of opened.byWorker.flat()) for (const fd of [tcp, udp]) if (fd >= 0) descriptors.keep(fd);
    return opened;
  }

  function portOf(fd: number): number {
    const address = localAddress(fd);
    return address === undefined || address.family === 'unix' ? -1 : address.port;
  }

  it('have one port for TCP and UDP, also where any will do', () => {
    const { byWorker, bound } = open(1, {}, {});
    expect(byWorker[0].map(({ tcp, udp }) => [portOf(tcp), portOf(udp)])).to.deep.equal(
      bound.map(({ port }) => [port, port]),
    );
  });

  it('are a TCP socket for each reactor, and a UDP socket for one of them, each port another', () => {
    const { byWorker } = open(2, {}, {}, {});
    expect(byWorker.flat().filter(({ tcp }) => tcp < 0)).to.have.length(0);
    expect(byWorker.map((ports) => ports.map(({ udp }) => udp >= 0))).to.deep.equal([
      [true, false, true],
      [false, true, false],
    ]);
  });

  it('are only those that are asked for', () => {
    const { byWorker, bound } = open(1, { tcp: false }, { udp: false });
    expect(byWorker[0].map(({ tcp, udp }) => [tcp >= 0, udp >= 0])).to.deep.equal([
      [false, true],
      [true, false],
    ]);
    expect(bound[0].port).to.equal(portOf(byWorker[0][0].udp));
  });

  it('are none at all where one is taken, for TCP or for UDP, and that is said', () => {
    const taken = descriptors.datagram();
    const before = openDescriptors();
    expect(() => open(2, {}, { port: taken.port })).to.throw(
      StartError,
      `127.0.0.1:${taken.port} is in use by another program`,
    );
    expect(openDescriptors()).to.equal(before);
    const { port } = descriptors.listen();
    const then = openDescriptors();
    expect(() => open(1, { tcp: false }, { port, udp: false })).to.throw(StartError, 'is in use');
    expect(openDescriptors()).to.equal(then);
  });
});
