/**
 * Timers at a constant cost. A program has few distinct durations (handshake, connect, idle …), and timers of one duration expire in the
 * order they were started in: so each duration has a list, a new timer goes to its tail, and only the heads are ever compared.
 * Starting, restarting and cancelling are a few pointer writes; nothing is allocated but the timer itself, once, with its owner.
 */

/** Owner of a timer. */
export interface TimeoutHandler {
  handleTimeout(timer: Timer): void;
  /** `handleTimeout` threw: a bug. End what belongs to this owner; never throw. */
  handleFailure(error: unknown): void;
}

/** One timer, usually a field of its owner. It is armed or not; arming an armed one restarts it. */
export class Timer {
  readonly handler: TimeoutHandler;
  deadlineMs = 0;
  list: TimerList | undefined = undefined;
  previous: Timer | undefined = undefined;
  next: Timer | undefined = undefined;

  constructor(handler: TimeoutHandler) {
    this.handler = handler;
  }

  get armed(): boolean {
    return this.list !== undefined;
  }
}

/** Timers of one duration, by deadline. */
class TimerList {
  readonly durationMs: number;
  head: Timer | undefined = undefined;
  tail: Timer | undefined = undefined;

  constructor(durationMs: number) {
    this.durationMs = durationMs;
  }

  append(timer: Timer): void {
    timer.list = this;
    timer.previous = this.tail;
    timer.next = undefined;
    if (this.tail === undefined) this.head = timer;
    else this.tail.next = timer;
    this.tail = timer;
  }

  remove(timer: Timer): void {
    if (timer.previous === undefined) this.head = timer.next;
    else timer.previous.next = timer.next;
    if (timer.next === undefined) this.tail = timer.previous;
    else timer.next.previous = timer.previous;
    timer.list = undefined;
    timer.previous = undefined;
    timer.next = undefined;
  }
}

/**
 * Past this many durations the empty lists are dropped when a new one is needed. Settings give about ten; a caller that computes its
 * durations (back-off) stays bounded by the timers it has armed.
 */
const LISTS_BEFORE_SWEEP = 32;

export class Timers {
  /** A map to find a list, and an array to walk over them without an iterator a turn. */
  readonly #byDuration = new Map<number, TimerList>();
  #lists: TimerList[] = [];

  /**
   * Arms or restarts.
   * @param durationMs more than 0: a timer that is due in the turn that armed it could keep that turn from ever ending
   * @throws RangeError otherwise
   */
  arm(timer: Timer, durationMs: number, nowMs: number): void {
    if (!(durationMs > 0)) throw new RangeError(`a timer of ${durationMs} ms`);
    timer.list?.remove(timer);
    let list = this.#byDuration.get(durationMs);
    if (list === undefined) list = this.#addList(durationMs);
    timer.deadlineMs = nowMs + durationMs;
    list.append(timer);
  }

  cancel(timer: Timer): void {
    timer.list?.remove(timer);
  }

  #addList(durationMs: number): TimerList {
    if (this.#lists.length >= LISTS_BEFORE_SWEEP) this.#sweep();
    const list = new TimerList(durationMs);
    this.#byDuration.set(durationMs, list);
    this.#lists.push(list);
    return list;
  }

  #sweep(): void {
    this.#lists = this.#lists.filter((list) => list.head !== undefined);
    this.#byDuration.clear();
    for (const list of this.#lists) this.#byDuration.set(list.durationMs, list);
  }

  /** When the next timer is due; Infinity where none is armed. */
  nextDeadlineMs(): number {
    let next = Number.POSITIVE_INFINITY;
    const lists = this.#lists;
    for (let i = 0; i < lists.length; i++) {
      const head = lists[i].head;
      if (head !== undefined && head.deadlineMs < next) next = head.deadlineMs;
    }
    return next;
  }

  /** Calls the handlers of all timers that are due. Timers that a handler arms wait for the next call. @returns how many threw */
  expire(nowMs: number): number {
    let failures = 0;
    // A copy of the reference: a handler that arms a new duration may replace the array.
    const lists = this.#lists;
    for (const list of lists) {
      while (list.head !== undefined && list.head.deadlineMs <= nowMs) {
        const timer = list.head;
        list.remove(timer);
        try {
          timer.handler.handleTimeout(timer);
        } catch (error) {
          failures++;
          timer.handler.handleFailure(error);
        }
      }
    }
    return failures;
  }

  /** How many timers are armed; for tests and statistics, not for the path of a byte. */
  count(): number {
    let armed = 0;
    for (const list of this.#lists) {
      for (let timer = list.head; timer !== undefined; timer = timer.next) armed++;
    }
    return armed;
  }
}
