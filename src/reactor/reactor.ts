/**
 * The event loop: one epoll instance, a table of handlers by descriptor, timers, deferred work. Everything that a reactor thread does
 * happens inside a handler that this file calls; nothing on the thread awaits.
 *
 * What a handler may rely on:
 *  - It is called with the events of its own registration only. An event that was fetched before its descriptor was closed (and
 *    perhaps given to a new connection, in the same turn) is recognised by its generation and dropped.
 *  - Events can be spurious: act by doing the I/O and let EAGAIN say that there was nothing.
 *  - It may register, unregister and close any descriptor, its own included, at any time.
 *  - If it throws, its own `handleFailure` is called and the loop goes on.
 */

import { performance } from 'node:perf_hooks';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN } from '../../native-bindings/constants.js';
import { EventBuffer, epollControl, epollCreate, eventfd, eventfdDrain } from '../../native-bindings/epoll.js';
import { EINTR, SysError } from '../../native-bindings/errno.js';
import { close } from '../../native-bindings/socket.js';
import { type Timer, Timers } from './timers.js';

/** Owner of a descriptor. */
export interface EventHandler {
  /** @param events the ready set: EPOLLIN, EPOLLOUT, EPOLLERR, …; 0 where the call comes from `defer` */
  handleEvents(events: number): void;
  /** `handleEvents` threw: a bug. End what belongs to this owner; never throw. */
  handleFailure(error: unknown): void;
}

export interface ReactorStatistics {
  turns: number;
  events: number;
  /** From the return of the wait to the end of the turn. */
  longestTurnMs: number;
  /** Handlers that threw. */
  failures: number;
}

export interface ReactorOptions {
  /** Milliseconds that never go back; `performance.now` by default. */
  readonly clock?: () => number;
  /** Events fetched by one wait. */
  readonly eventsPerWait?: number;
}

/** libev takes 64 at first and grows; more at a time amortises the wait, and 256 events are 3 KiB. */
export const DEFAULT_EVENTS_PER_WAIT = 256;
/** epoll_wait counts in a C int. */
const LONGEST_WAIT_MS = 0x7fffffff;

/** Bound once: through the global object each call costs several look-ups. */
const monotonicClock = performance.now.bind(performance);

export class Reactor {
  readonly timers = new Timers();
  readonly statistics: ReactorStatistics = { turns: 0, events: 0, longestTurnMs: 0, failures: 0 };
  /** The time when this turn's events were fetched. */
  nowMs: number;
  /** The time when the last turn ended, which is when the next one begins. */
  #endMs: number;
  readonly #epfd: number;
  readonly #events: EventBuffer;
  readonly #clock: () => number;
  /** By descriptor: descriptors are small and dense, so an array beats a map. */
  readonly #handlers: (EventHandler | undefined)[] = [];
  readonly #generations: number[] = [];
  /** While events are dispatched: how many have been fetched, else 0, and which one it is. */
  #fetched = 0;
  #current = 0;
  #deferred: EventHandler[] = [];
  #running: EventHandler[] = [];
  #registered = 0;
  #stopped = false;
  #closed = false;

  constructor(options: ReactorOptions = {}) {
    this.#clock = options.clock ?? monotonicClock;
    this.#events = new EventBuffer(options.eventsPerWait ?? DEFAULT_EVENTS_PER_WAIT);
    this.#epfd = epollCreate();
    this.nowMs = this.#clock();
    this.#endMs = this.nowMs;
  }

  /** How many descriptors are registered. */
  get registered(): number {
    return this.#registered;
  }

  /**
   * Starts watching a descriptor.
   * @param interest EPOLLIN, EPOLLOUT, EPOLLRDHUP, with EPOLLET for edges; ERR and HUP always come
   * @throws SysError EEXIST where it is watched already, EPERM for a regular file, EBADF
   */
  register(fd: number, interest: number, handler: EventHandler): void {
    while (this.#generations.length <= fd) {
      this.#generations.push(0);
      this.#handlers.push(undefined);
    }
    const generation = this.#generations[fd];
    const error = epollControl(this.#epfd, EPOLL_CTL_ADD, fd, interest, generation);
    if (error < 0) throw new SysError('epoll_ctl', -error);
    this.#handlers[fd] = handler;
    this.#registered++;
  }

  /**
   * Changes what is watched.
   * @throws SysError ENOENT where the descriptor is not registered
   */
  modify(fd: number, interest: number): void {
    const error = epollControl(this.#epfd, EPOLL_CTL_MOD, fd, interest, this.#generations[fd] ?? 0);
    if (error < 0) throw new SysError('epoll_ctl', -error);
  }

  /** Hands a registered descriptor to another owner, without a system call. */
  handOver(fd: number, handler: EventHandler): void {
    if (this.#handlers[fd] === undefined) throw new Error(`descriptor ${fd} is not registered`);
    this.#handlers[fd] = handler;
  }

  /**
   * As `handOver`, where the descriptor's past is not the new owner's: an event that has been fetched and not been dispatched is dropped. The
   * kernel keeps none, because what a wait reports is what it finds then.
   */
  watchAnew(fd: number, handler: EventHandler): void {
    this.handOver(fd, handler);
    const events = this.#events;
    for (let i = this.#current + 1; i < this.#fetched; i++) {
      if (events.fd(i) !== fd) continue;
      events.setGeneration(i, ~this.#generations[fd]);
      return;
    }
  }

  /**
   * Stops watching a descriptor that stays open.
   * @throws SysError ENOENT where it is not registered
   */
  unregister(fd: number): void {
    const error = epollControl(this.#epfd, EPOLL_CTL_DEL, fd, 0, 0);
    if (error < 0) throw new SysError('epoll_ctl', -error);
    this.#forget(fd);
  }

  /**
   * Closes a registered descriptor. The kernel drops it from the interest list with its last reference; umbra never duplicates the
   * descriptors that it registers, so no epoll_ctl is needed.
   */
  closeDescriptor(fd: number): void {
    this.#forget(fd);
    close(fd);
  }

  #forget(fd: number): void {
    if (this.#handlers[fd] === undefined) throw new Error(`descriptor ${fd} is not registered`);
    this.#handlers[fd] = undefined;
    // An event of this registration that is already in the buffer carries the old generation.
    this.#generations[fd] = (this.#generations[fd] + 1) | 0;
    this.#registered--;
  }

  /**
   * Calls `handler.handleEvents(0)` at the end of this turn. What is deferred from there runs at the end of the next one, which then
   * does not wait: a busy session gives way to the others and comes back.
   */
  defer(handler: EventHandler): void {
    this.#deferred.push(handler);
  }

  /** Arms or restarts a timer. */
  arm(timer: Timer, durationMs: number): void {
    this.timers.arm(timer, durationMs, this.nowMs);
  }

  cancel(timer: Timer): void {
    this.timers.cancel(timer);
  }

  /**
   * Makes a descriptor by which another thread wakes this loop (`eventfdSignal(fd)`).
   * @param onWake called once for any number of signals since the last call
   */
  createWakeup(onWake: () => void, handleFailure: (error: unknown) => void): number {
    const fd = eventfd();
    const handleEvents = (): void => {
      eventfdDrain(fd);
      onWake();
    };
    this.register(fd, EPOLLIN, { handleEvents, handleFailure });
    return fd;
  }

  /** Turns until `stop` is called. */
  run(): void {
    this.#stopped = false;
    while (!this.#stopped) this.turn(LONGEST_WAIT_MS);
  }

  /** Ends `run` after this turn. */
  stop(): void {
    this.#stopped = true;
  }

  /** One turn: wait, dispatch the ready descriptors, then the due timers, then deferred work. */
  turn(longestWaitMs: number): void {
    const count = this.#events.wait(this.#epfd, this.#timeoutMs(longestWaitMs));
    // A signal, or a stop and continue of the process, interrupts the wait: it is simply done again next turn.
    if (count < 0 && count !== -EINTR) throw new SysError('epoll_wait', -count);
    const startMs = this.#clock();
    this.nowMs = startMs;
    this.#dispatch(count);
    const { statistics } = this;
    if (this.timers.nextDeadlineMs() <= startMs) statistics.failures += this.timers.expire(startMs);
    if (this.#deferred.length > 0) this.#runDeferred();
    statistics.turns++;
    if (count > 0) statistics.events += count;
    this.#endMs = this.#clock();
    const elapsedMs = this.#endMs - startMs;
    if (elapsedMs > statistics.longestTurnMs) statistics.longestTurnMs = elapsedMs;
  }

  #timeoutMs(longestWaitMs: number): number {
    if (this.#deferred.length > 0) return 0;
    const next = this.timers.nextDeadlineMs();
    if (next === Number.POSITIVE_INFINITY) return longestWaitMs;
    // Rounded up: rounded down, the last millisecond before a deadline would be spent turning without waiting.
    return Math.min(longestWaitMs, Math.max(0, Math.ceil(next - this.#endMs)));
  }

  #dispatch(count: number): void {
    const events = this.#events;
    this.#fetched = count;
    for (let i = 0; i < count; i++) {
      this.#current = i;
      const fd = events.fd(i);
      // Checked for each event, since an earlier one of this turn may have closed this descriptor.
      if (this.#generations[fd] !== events.generation(i)) continue;
      const handler = this.#handlers[fd];
      if (handler !== undefined) this.#call(handler, events.events(i));
    }
    this.#fetched = 0;
  }

  #call(handler: EventHandler, events: number): void {
    try {
      handler.handleEvents(events);
    } catch (error) {
      this.statistics.failures++;
      handler.handleFailure(error);
    }
  }

  #runDeferred(): void {
    const running = this.#deferred;
    this.#deferred = this.#running;
    this.#running = running;
    for (let i = 0; i < running.length; i++) this.#call(running[i], 0);
    running.length = 0;
  }

  /** Releases the epoll instance and its memory. Descriptors that are still registered stay open: they are their owners'. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    close(this.#epfd);
    this.#events.release();
  }
}
