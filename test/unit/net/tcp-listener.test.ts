/** Listening and accepting, in good times and when descriptors run out. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import {
  EPOLLIN,
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOL_SOCKET,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
  TCP_QUICKACK,
} from '../../../native-bindings/constants.js';
import { ECONNREFUSED, SysError } from '../../../native-bindings/errno.js';
import { acceptedPeer, getOption } from '../../../native-bindings/socket.js';
import {
  ACCEPTS_A_TURN,
  type AcceptHandler,
  boundPort,
  type ListenOptions,
  openTcpListener,
  TcpListener,
} from '../../../src/net/tcp-listener.js';
import { awaitReady, Descriptors, LOOPBACK, receiveText, sendText } from '../../support/loopback-sockets.js';
import { openDescriptors } from '../../support/open-descriptors.js';
import { DrivenReactor } from '../../support/reactor-drive.js';
import { addressOf } from './dial-stage.js';

const PROBE = fileURLToPath(new URL('./shortage-probe.js', import.meta.url));
const PLAIN: ListenOptions = { reusePort: false, noDelay: false, keepAliveMs: 0, delayAcks: false };

describe('a listening socket', () => {
  const descriptors = new Descriptors();

  afterEach(() => descriptors.closeAll());

  function open(text: string, options: Partial<ListenOptions> = {}, port = 0): { fd: number; port: number } {
    const fd = descriptors.keep(openTcpListener({ ...addressOf(text), port }, { ...PLAIN, ...options }));
    return { fd, port: boundPort(fd) };
  }

  function codeOfOpening(text: string, port: number, options: Partial<ListenOptions> = {}): string {
    const before = openDescriptors();
    try {
      open(text, options, port);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      expect(openDescriptors(), 'descriptors after the failure').to.equal(before);
      return `${error.syscall} ${error.code}`;
    }
    return 'opened';
  }

  it('says that a port is in use, and leaves no descriptor behind', () => {
    expect(codeOfOpening('127.0.0.1', open('127.0.0.1').port)).to.match(/^(bind|listen) EADDRINUSE$/);
  });

  it('says that an address is not this machine’s', () => {
    expect(codeOfOpening('192.0.2.1', 0)).to.equal('bind EADDRNOTAVAIL');
  });

  it('shares its port only with those that want it too', () => {
    const { port } = open('127.0.0.1', { reusePort: true });
    expect(codeOfOpening('127.0.0.1', port, { reusePort: true })).to.equal('opened');
    expect(codeOfOpening('127.0.0.1', port)).to.match(/EADDRINUSE$/);
  });

  it('on [::] takes IPv4 connections too', () => {
    const { port } = open('::');
    expect(descriptors.connect(port, 4)).to.be.greaterThan(0);
    expect(descriptors.connect(port, 6)).to.be.greaterThan(0);
  });

  it('hands its options on to connections', () => {
    const driven = new DrivenReactor();
    const { fd, port } = open('127.0.0.1', { noDelay: true, keepAliveMs: 15_000, delayAcks: true });
    const accepted: number[] = [];
    const handler: AcceptHandler = {
      handleConnection: (connection) => accepted.push(descriptors.keep(connection)),
      handleShortage: (code) => expect.fail(code),
    };
    const listener = new TcpListener(driven.reactor, descriptors.release(fd), handler);
    descriptors.connect(port);
    driven.reactor.turn(1000);
    expect(accepted).to.have.length(1);
    const options = [
      [IPPROTO_TCP, TCP_NODELAY],
      [SOL_SOCKET, SO_KEEPALIVE],
      [IPPROTO_TCP, TCP_KEEPIDLE],
      [IPPROTO_TCP, TCP_KEEPINTVL],
      [IPPROTO_TCP, TCP_KEEPCNT],
      [IPPROTO_TCP, TCP_QUICKACK],
    ].map(([level, option]) => getOption(accepted[0], level, option));
    expect(options).to.deep.equal([1, 1, 15, 15, 3, 0]);
    listener.close();
    driven.reactor.close();
  });
});

describe('a listener', () => {
  const descriptors = new Descriptors();
  let driven: DrivenReactor;
  let listener: TcpListener;
  let port: number;
  let accepted: number[];
  let shortages: string[];
  /** What the handler does with a connection. */
  let act: (fd: number) => void;
  let before: number;

  beforeEach(() => {
    before = openDescriptors();
    driven = new DrivenReactor();
    accepted = [];
    shortages = [];
    act = () => undefined;
    const fd = openTcpListener({ family: 4, bytes: LOOPBACK[4], port: 0 }, PLAIN);
    port = boundPort(fd);
    listener = new TcpListener(driven.reactor, fd, {
      handleConnection(connection) {
        accepted.push(descriptors.keep(connection));
        act(connection);
      },
      handleShortage: (code) => shortages.push(code),
    });
  });

  afterEach(() => {
    listener.close();
    driven.reactor.close();
    descriptors.closeAll();
    expect(openDescriptors(), 'descriptors that are left').to.equal(before);
  });

  it('hands over a connection that works, and whose peer can be asked for', () => {
    act = () => expect(acceptedPeer()).to.deep.include({ family: 4, bytes: LOOPBACK[4] });
    const client = descriptors.connect(port);
    driven.reactor.turn(1000);
    expect(accepted).to.have.length(1);
    sendText(client, 'hello');
    expect(receiveText(accepted[0], 5)).to.equal('hello');
    expect(shortages).to.deep.equal([]);
  });

  it('takes a storm of connections in portions, with other handlers’ turns in between', () => {
    const storm = 3 * ACCEPTS_A_TURN + 8;
    for (let i = 0; i < storm; i++) descriptors.connect(port);
    const pair = descriptors.pair();
    const seenAt: number[] = [];
    driven.reactor.register(descriptors.release(pair.server), EPOLLIN, {
      handleEvents: () => seenAt.push(accepted.length),
      handleFailure: (error) => expect.fail(String(error)),
    });
    sendText(pair.client, 'x');
    awaitReady(pair.server, EPOLLIN);
    const portions: number[] = [];
    for (let turn = 0; accepted.length < storm && turn < 10; turn++) {
      driven.reactor.turn(1000);
      portions.push(accepted.length);
    }
    expect(portions).to.deep.equal([ACCEPTS_A_TURN, 2 * ACCEPTS_A_TURN, 3 * ACCEPTS_A_TURN, storm]);
    expect(seenAt[0]).to.be.at.most(ACCEPTS_A_TURN);
    driven.reactor.closeDescriptor(pair.server);
  });

  it('goes on after a connection that was reset while it waited', () => {
    descriptors.reset(descriptors.connect(port));
    const client = descriptors.connect(port);
    for (let turn = 0; turn < 3; turn++) driven.reactor.turn(0);
    const last = accepted.at(-1) ?? expect.fail('nothing was accepted');
    sendText(last, 'hello');
    expect(receiveText(client, 5)).to.equal('hello');
  });

  it('stops in the middle of a portion where the handler closes it', () => {
    for (let i = 0; i < 3; i++) descriptors.connect(port);
    act = () => listener.close();
    driven.reactor.turn(1000);
    expect(accepted).to.have.length(1);
    expect([driven.reactor.registered, driven.reactor.statistics.failures]).to.deep.equal([0, 0]);
  });

  it('goes on after a handler that threw', () => {
    act = () => {
      act = () => undefined;
      throw new Error('a fault');
    };
    descriptors.connect(port);
    descriptors.connect(port);
    driven.reactor.turn(1000);
    driven.reactor.turn(1000);
    expect(accepted).to.have.length(2);
    expect(shortages).to.deep.equal(['Error: a fault']);
  });

  it('refuses connections once it is closed', () => {
    listener.close();
    listener.close();
    expect(() => descriptors.connect(port))
      .to.throw(SysError)
      .with.property('errno', ECONNREFUSED);
  });
});

describe('a listener whose process runs out of descriptors', () => {
  interface Stage {
    readonly accepted: number;
    readonly states: readonly string[];
    readonly shortages: readonly string[];
  }
  let report: {
    readonly atShortage: Stage;
    readonly idleEvents: number;
    readonly relayEvents: number;
    readonly stillShort: Stage;
    readonly later: Stage;
    readonly afterwards: { readonly accepted: number; readonly states: readonly string[]; readonly shortages: number };
    readonly timersInPause: number;
    readonly timersAfterClose: number;
    readonly freedByClose: number;
  };

  before(() => {
    const script = 'ulimit -n 96; exec "$0" "$1"';
    const options = { encoding: 'utf8', timeout: 15_000 } as const;
    report = JSON.parse(execFileSync('sh', ['-c', script, process.execPath, PROBE], options));
  });

  it('refuses the first in the queue, keeps the others there, and says so', () => {
    expect(report.atShortage).to.deep.equal({
      accepted: 0,
      states: ['ended', 'open', 'open'],
      shortages: ['EMFILE'],
    });
  });

  it('does not spin while it waits', () => {
    expect(report.idleEvents).to.equal(0);
  });

  it('lets relays go on', () => {
    expect(report.relayEvents).to.equal(1);
  });

  it('tries again after a pause, without another word', () => {
    expect(report.stillShort).to.deep.equal({
      accepted: 0,
      states: ['ended', 'ended', 'open'],
      shortages: ['EMFILE'],
    });
  });

  it('says so again in the next period', () => {
    expect(report.later).to.deep.equal({
      accepted: 0,
      states: ['ended', 'ended', 'ended'],
      shortages: ['EMFILE', 'EMFILE'],
    });
  });

  it('accepts again once there are descriptors', () => {
    expect(report.afterwards).to.deep.equal({ accepted: 2, states: ['open', 'open'], shortages: 2 });
  });

  it('leaves neither its timer nor its reserve behind where it is closed in a pause', () => {
    expect([report.timersInPause, report.timersAfterClose, report.freedByClose]).to.deep.equal([1, 0, 2]);
  });
});
