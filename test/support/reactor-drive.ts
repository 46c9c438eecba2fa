/**
 * Turns a reactor from Node's own loop, so that a test can have both: peers made of Node's sockets, and the code under
 * test.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { Reactor } from '../../src/reactor/reactor.js';

/** Longest that a test waits for something that should come at once. */
const PATIENCE_MS = 5000;

/** A reactor whose time moves only when it is told to. */
export class DrivenReactor {
  #nowMs = 1_000_000;
  readonly reactor: Reactor;

  constructor() {
    this.reactor = new Reactor({ clock: () => this.#nowMs });
  }

  /** Lets time pass and whatever is due happen. */
  advance(durationMs: number): void {
    this.#nowMs += durationMs;
    this.reactor.turn(0);
  }

  /** Turns both loops until the condition holds. */
  async until(what: string, condition: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (!condition()) {
      if (performance.now() > deadlineMs) throw new Error(`waited ${PATIENCE_MS} ms in vain for: ${what}`);
      this.reactor.turn(0);
      await nextTurn();
    }
  }

  /** Turns both loops often enough for what is already under way on loopback to arrive. */
  async settle(): Promise<void> {
    for (let i = 0; i < 50; i++) {
      this.reactor.turn(0);
      await nextTurn();
    }
  }
}
