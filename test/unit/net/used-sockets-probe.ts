/**
 * A dialer in a process that has few descriptors: prints what became of the used sockets that it kept, and of its next connections, when they
 * ran out.
 */

import { eventfd } from '../../../native-bindings/epoll.js';
import { SysError } from '../../../native-bindings/errno.js';
import { UsedSocketsStage } from './used-sockets-stage.js';

const stage = new UsedSocketsStage();
const elsewhere = stage.listen('127.0.0.2');
stage.dialMany();
const connections = [1, 2, 3].map(() => stage.connect());
for (const connection of connections) stage.endByUs(connection);
const keptBefore = stage.dialer.used.size;
hoard();
const connected = stage.dial(elsewhere).socket !== undefined;
const keptAfter = stage.dialer.used.size;
hoard();
const { failure } = stage.dial(elsewhere);
process.stdout.write(JSON.stringify({ keptBefore, connected, keptAfter, failure }));

/** All descriptors that are left. */
function hoard(): void {
  try {
    for (;;) eventfd();
  } catch (error) {
    if (!(error instanceof SysError && error.code === 'EMFILE')) throw error;
  }
}
