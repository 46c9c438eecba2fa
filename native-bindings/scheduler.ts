/** How the kernel schedules the calling thread. */

import { SCHED_BATCH } from './constants.js';
import { SCHED_PARAM_SIZE } from './layouts.js';
import { Region } from './memory.js';
import { ADDRESS, bind } from './platform.js';

/**
 * Puts the calling thread under SCHED_BATCH (sched(7)): when it wakes, it waits for its turn instead of interrupting whoever woke it.
 * On a busy processor a relay's senders then finish what they are doing, and it finds more ready descriptors a wait; a share of processor
 * time is as before. Needs no privilege; where it is refused nothing changes.
 */
export function scheduleAsBatch(): void {
  const scheduler = bind('sched_setscheduler', 'int', ['int', 'int', ADDRESS]);
  // The priority: 0 for every policy that is not real-time.
  const parameter = new Region(SCHED_PARAM_SIZE);
  scheduler(0, SCHED_BATCH, parameter.at(0, SCHED_PARAM_SIZE));
  parameter.release();
}
