/** A thread that signals an eventfd, or runs a reactor, for the tests of the wake-up. */

import { parentPort, workerData } from 'node:worker_threads';
import { eventfdSignal } from '../../../native-bindings/epoll.js';
import { Reactor } from '../../../src/reactor/reactor.js';

export type WorkerRole = { readonly role: 'signal'; readonly fd: number } | { readonly role: 'run' };

const job = workerData as WorkerRole;

if (job.role === 'signal') {
  eventfdSignal(job.fd);
} else {
  const reactor = new Reactor();
  const fd = reactor.createWakeup(
    () => reactor.stop(),
    (error) => {
      throw error;
    },
  );
  parentPort?.postMessage({ fd });
  reactor.run();
  reactor.closeDescriptor(fd);
  reactor.close();
  parentPort?.postMessage({ turns: reactor.statistics.turns });
}
