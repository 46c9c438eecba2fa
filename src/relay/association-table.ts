/**
 * The associations of one port, in the order in which they last moved a packet. So the one to go when there are too many, and those that have
 * been idle for too long, are at the front, and a packet costs a few pointer writes and no timer.
 */

import type { Reactor } from '../reactor/reactor.js';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';

export type AssociationEnd = 'idle' | 'evicted' | 'stopped' | 'closed' | 'failed';

/** What is in the table. */
export interface Association {
  /** Written by the table, as the next two. */
  lastActiveMs: number;
  older: Association | undefined;
  newer: Association | undefined;
  /** Ends it, and takes it off the table. Never throws. */
  end(reason: AssociationEnd): void;
}

/** Idle ones are looked for so many times within the time-out. */
const SWEEPS_A_TIMEOUT = 4;

export class AssociationTable implements TimeoutHandler {
  readonly #reactor: Reactor;
  readonly #timeoutMs: number;
  readonly #maxAssociations: number;
  readonly #reportBug: (error: unknown) => void;
  readonly #sweep: Timer = new Timer(this);
  #oldest: Association | undefined = undefined;
  #newest: Association | undefined = undefined;
  #size = 0;

  constructor(reactor: Reactor, timeoutMs: number, maxAssociations: number, reportBug: (error: unknown) => void) {
    this.#reactor = reactor;
    this.#timeoutMs = timeoutMs;
    this.#maxAssociations = maxAssociations;
    this.#reportBug = reportBug;
  }

  get size(): number {
    return this.#size;
  }

  /** Where there are as many as there may be, the one that has been idle for longest goes. */
  add(association: Association): void {
    if (this.#size >= this.#maxAssociations) this.#oldest?.end('evicted');
    this.#append(association);
    this.#size++;
    if (!this.#sweep.armed) this.#reactor.arm(this.#sweep, this.#timeoutMs / SWEEPS_A_TIMEOUT);
  }

  /** It has moved a packet. */
  touch(association: Association): void {
    association.lastActiveMs = this.#reactor.nowMs;
    if (this.#newest === association) return;
    this.#unlink(association);
    this.#append(association);
  }

  /** @param association one that is in the table */
  remove(association: Association): void {
    this.#unlink(association);
    this.#size--;
    if (this.#size === 0) this.#reactor.cancel(this.#sweep);
  }

  #append(association: Association): void {
    association.lastActiveMs = this.#reactor.nowMs;
    association.older = this.#newest;
    association.newer = undefined;
    if (this.#newest === undefined) this.#oldest = association;
    else this.#newest.newer = association;
    this.#newest = association;
  }

  #unlink(association: Association): void {
    const { older, newer } = association;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    association.older = undefined;
    association.newer = undefined;
  }

  handleTimeout(): void {
    const beforeMs = this.#reactor.nowMs - this.#timeoutMs;
    while (this.#oldest !== undefined && this.#oldest.lastActiveMs <= beforeMs) this.#oldest.end('idle');
    if (this.#size > 0) this.#reactor.arm(this.#sweep, this.#timeoutMs / SWEEPS_A_TIMEOUT);
  }

  handleFailure(error: unknown): void {
    this.#reportBug(error);
  }

  endAll(reason: AssociationEnd): void {
    while (this.#oldest !== undefined) this.#oldest.end(reason);
  }
}
