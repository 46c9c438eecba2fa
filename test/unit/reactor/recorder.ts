/** A handler that keeps what it is called with. */

import type { EventHandler } from '../../../src/reactor/reactor.js';

export class Recorder implements EventHandler {
  readonly calls: number[] = [];
  readonly failures: unknown[] = [];
  readonly #act: (events: number) => void;

  constructor(act: (events: number) => void = () => undefined) {
    this.#act = act;
  }

  handleEvents(events: number): void {
    this.calls.push(events);
    this.#act(events);
  }

  handleFailure(error: unknown): void {
    this.failures.push(error);
  }
}
