/**
 * A listener in a process that has few descriptors: prints what became of its connections, and of a relay's socket, when they ran out. It
 * is a process of its own because the limit is one of the process, and because nothing else in a test run would survive it.
 */

import { EPOLLIN } from '../../../native-bindings/constants.js';
import { eventfd } from '../../../native-bindings/epoll.js';
import { SysError } from '../../../native-bindings/errno.js';
import { close } from '../../../native-bindings/socket.js';
import {
  type AcceptHandler,
  boundPort,
  openTcpListener,
  SHORTAGE_PAUSE_MS,
  SHORTAGE_REPORT_INTERVAL_MS,
  TcpListener,
} from '../../../src/net/tcp-listener.js';
import { Descriptors, LOOPBACK, sendText, tryReceive } from '../../support/loopback-sockets.js';
import { DrivenReactor } from '../../support/reactor-drive.js';

const descriptors = new Descriptors();
const driven = new DrivenReactor();
const accepted: number[] = [];
const shortages: string[] = [];
const handler: AcceptHandler = {
  handleConnection: (fd) => accepted.push(fd),
  handleShortage: (code) => shortages.push(code),
};
const options = { delayAcks: false, reusePort: false, noDelay: false, keepAliveMs: 0 };
const fd = openTcpListener({ family: 4, bytes: LOOPBACK[4], port: 0 }, options);
const listener = new TcpListener(driven.reactor, fd, handler);
const port = boundPort(fd);

/** All descriptors that are left. */
function hoard(): number[] {
  const taken: number[] = [];
  try {
    for (;;) taken.push(eventfd());
  } catch (error) {
    if (error instanceof SysError && error.code === 'EMFILE') return taken;
    throw error;
  }
}

/** How each client's connection is: there, or ended by the other side. */
function states(clients: readonly number[]): string[] {
  return clients.map((client) => {
    const got = tryReceive(client, 1);
    return typeof got === 'number' ? 'open' : 'ended';
  });
}

/** An established connection whose events are counted. */
let relayEvents = 0;
const pair = descriptors.pair();
driven.reactor.register(pair.server, EPOLLIN, {
  handleEvents: () => {
    relayEvents++;
    tryReceive(pair.server);
  },
  handleFailure: (error) => {
    throw error;
  },
});

const clients = [descriptors.connect(port), descriptors.connect(port), descriptors.connect(port)];
let hoarded = hoard();
const report: Record<string, unknown> = {};

driven.reactor.turn(0);
report['atShortage'] = { accepted: accepted.length, states: states(clients), shortages: [...shortages] };

// The queue is not empty, and yet the loop has nothing to do for the listener.
const { events } = driven.reactor.statistics;
for (let i = 0; i < 10; i++) driven.reactor.turn(0);
report['idleEvents'] = driven.reactor.statistics.events - events;

sendText(pair.client, 'x');
driven.reactor.turn(1000);
report['relayEvents'] = relayEvents;

// Still none when accepting resumes: another one is refused, nothing more is reported.
driven.advance(SHORTAGE_PAUSE_MS);
driven.reactor.turn(0);
report['stillShort'] = { accepted: accepted.length, states: states(clients), shortages: [...shortages] };

driven.advance(SHORTAGE_REPORT_INTERVAL_MS);
driven.reactor.turn(0);
report['later'] = { accepted: accepted.length, states: states(clients), shortages: [...shortages] };

for (const taken of hoarded) close(taken);
const more = [descriptors.connect(port), descriptors.connect(port)];
driven.advance(SHORTAGE_PAUSE_MS);
driven.reactor.turn(1000);
report['afterwards'] = { accepted: accepted.length, states: states(more), shortages: shortages.length };

// Closed while it pauses.
descriptors.connect(port);
hoarded = hoard();
driven.reactor.turn(1000);
report['timersInPause'] = driven.reactor.timers.count();
listener.close();
report['timersAfterClose'] = driven.reactor.timers.count();
// The listener’s own and its reserve.
report['freedByClose'] = hoard().length;

process.stdout.write(JSON.stringify(report));
