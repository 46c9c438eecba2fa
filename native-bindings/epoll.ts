/** epoll(7) and eventfd(2). */

import { EFD_CLOEXEC, EFD_NONBLOCK, EPOLL_CLOEXEC, EPOLL_CTL_DEL } from './constants.js';
import { checked, orErrno } from './errno.js';
import { EPOLL_EVENT } from './layouts.js';
import { Region } from './memory.js';
import { ADDRESS, bind } from './platform.js';

const c = {
  epoll_create1: bind('epoll_create1', 'int', ['int']),
  epoll_ctl: bind('epoll_ctl', 'int', ['int', 'int', 'int', ADDRESS]),
  epoll_wait: bind('epoll_wait', 'int', ['int', ADDRESS, 'int', 'int']),
  eventfd: bind('eventfd', 'int', ['uint32_t', 'int']),
  read: bind('read', 'intptr_t', ['int', ADDRESS, 'size_t']),
  write: bind('write', 'intptr_t', ['int', ADDRESS, 'size_t']),
} as const;

const scratch = new Region(4096);
const EVENT_AT = scratch.reserve(16);
const EVENT_ADDRESS = scratch.base + EVENT_AT;
const EVENTS_WORD = (EVENT_AT + EPOLL_EVENT.eventsOffset) / 4;
const DATA_WORD = (EVENT_AT + EPOLL_EVENT.dataOffset) / 4;
const COUNTER_AT = scratch.reserve(8);

/** @throws SysError */
export function epollCreate(): number {
  return checked('epoll_create1', c.epoll_create1(EPOLL_CLOEXEC));
}

/**
 * Adds, changes or removes a descriptor of the interest list.
 * @param interest EPOLLIN, EPOLLOUT, … ; not read by EPOLL_CTL_DEL
 * @param generation the upper half of `epoll_data`; the lower half is the descriptor
 * @returns 0 or a negative errno (−EEXIST, −ENOENT, −EPERM, −EBADF; see the manual of the event loop)
 */
export function epollControl(
  epfd: number,
  operation: number,
  fd: number,
  interest: number,
  generation: number,
): number {
  if (operation !== EPOLL_CTL_DEL) {
    scratch.words[EVENTS_WORD] = interest;
    scratch.words[DATA_WORD] = fd;
    scratch.words[DATA_WORD + 1] = generation;
  }
  return orErrno(c.epoll_ctl(epfd, operation, fd, EVENT_ADDRESS));
}

/** Room for the events of one wait, read by index without making an object an event. */
export class EventBuffer {
  readonly capacity: number;
  readonly #region: Region;
  readonly #words: Int32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#region = new Region(capacity * EPOLL_EVENT.size);
    this.#words = this.#region.words;
  }

  /**
   * Waits for events.
   * @param timeoutMs −1: without end
   * @returns how many there are, or a negative errno (−EINTR)
   */
  wait(epfd: number, timeoutMs: number): number {
    const address = this.#region.at(0, this.capacity * EPOLL_EVENT.size);
    return orErrno(c.epoll_wait(epfd, address, this.capacity, timeoutMs));
  }

  events(index: number): number {
    return this.#words[(index * EPOLL_EVENT.size + EPOLL_EVENT.eventsOffset) >> 2];
  }

  fd(index: number): number {
    return this.#words[(index * EPOLL_EVENT.size + EPOLL_EVENT.dataOffset) >> 2];
  }

  generation(index: number): number {
    return this.#words[((index * EPOLL_EVENT.size + EPOLL_EVENT.dataOffset) >> 2) + 1];
  }

  setGeneration(index: number, generation: number): void {
    this.#words[((index * EPOLL_EVENT.size + EPOLL_EVENT.dataOffset) >> 2) + 1] = generation;
  }

  release(): void {
    this.#region.release();
  }
}

/** @throws SysError */
export function eventfd(): number {
  return checked('eventfd', c.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

/** Makes an eventfd readable. It may be called from any thread that has the number. */
export function eventfdSignal(fd: number): void {
  scratch.words[COUNTER_AT / 4] = 1;
  scratch.words[COUNTER_AT / 4 + 1] = 0;
  // EAGAIN (the counter is full) means that it is readable already, which is all that is wanted.
  c.write(fd, scratch.base + COUNTER_AT, 8);
}

/** Takes the signals that have come; the eventfd is unreadable afterwards. */
export function eventfdDrain(fd: number): void {
  c.read(fd, scratch.base + COUNTER_AT, 8);
}
