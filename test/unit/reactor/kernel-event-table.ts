/**
 * What epoll reports in the situations that a proxy meets: how to bring each about on the loopback interface, and the flags. The same table
 * is in docs/EVENT-LOOP.md, and a test compares the two.
 */

import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
  MSG_OOB,
  SHUT_WR,
  SOCK_STREAM,
} from '../../../native-bindings/constants.js';
import { EINPROGRESS } from '../../../native-bindings/errno.js';
import * as sockets from '../../../native-bindings/socket.js';
import { type Descriptors, LOOPBACK, sendText } from '../../support/loopback-sockets.js';

export const FLAGS = {
  IN: EPOLLIN,
  PRI: EPOLLPRI,
  OUT: EPOLLOUT,
  ERR: EPOLLERR,
  HUP: EPOLLHUP,
  RDHUP: EPOLLRDHUP,
} as const;

export type FlagName = keyof typeof FLAGS;

export function flagMask(names: readonly FlagName[]): number {
  return names.reduce((mask, name) => mask | FLAGS[name], 0);
}

/** The flags as the table of the manual writes them. */
export function flagText(names: readonly FlagName[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ');
}

export interface KernelEventRow {
  readonly situation: string;
  readonly watchedFor: readonly FlagName[];
  readonly reported: readonly FlagName[];
  /** Brings the situation about. @returns the descriptor that is watched */
  readonly provoke: (descriptors: Descriptors) => number;
}

const READABLE: readonly FlagName[] = ['IN', 'PRI', 'RDHUP'];

export const KERNEL_EVENTS: readonly KernelEventRow[] = [
  {
    situation: 'a connection with nothing to read',
    watchedFor: [...READABLE, 'OUT'],
    reported: ['OUT'],
    provoke: (descriptors) => descriptors.pair().server,
  },
  {
    situation: 'data',
    watchedFor: READABLE,
    reported: ['IN'],
    provoke: (descriptors) => {
      const { client, server } = descriptors.pair();
      sendText(client, 'data');
      return server;
    },
  },
  {
    situation: "the peer's FIN",
    watchedFor: READABLE,
    reported: ['IN', 'RDHUP'],
    provoke: (descriptors) => {
      const { client, server } = descriptors.pair();
      sockets.shutdown(client, SHUT_WR);
      return server;
    },
  },
  {
    situation: 'both FINs',
    watchedFor: READABLE,
    reported: ['IN', 'HUP', 'RDHUP'],
    provoke: (descriptors) => {
      const { client, server } = descriptors.pair();
      sockets.shutdown(client, SHUT_WR);
      sockets.shutdown(server, SHUT_WR);
      return server;
    },
  },
  {
    situation: 'RST',
    watchedFor: READABLE,
    reported: ['IN', 'ERR', 'HUP', 'RDHUP'],
    provoke: (descriptors) => {
      const { client, server } = descriptors.pair();
      descriptors.reset(client);
      return server;
    },
  },
  {
    situation: 'data, then RST',
    watchedFor: READABLE,
    reported: ['IN', 'ERR', 'HUP', 'RDHUP'],
    provoke: (descriptors) => {
      const { client, server } = descriptors.pair();
      sendText(client, 'data');
      descriptors.reset(client);
      return server;
    },
  },
  {
    situation: 'an out-of-band byte',
    watchedFor: READABLE,
    reported: ['PRI'],
    provoke: (descriptors) => {
      const { client, server } = descriptors.pair();
      sendText(client, '!', MSG_OOB);
      return server;
    },
  },
  {
    situation: 'RST, with an interest mask of 0',
    watchedFor: [],
    reported: ['ERR', 'HUP'],
    provoke: (descriptors) => {
      const { client, server } = descriptors.pair();
      descriptors.reset(client);
      return server;
    },
  },
  {
    situation: 'a stream socket that was never connected',
    watchedFor: [...READABLE, 'OUT'],
    reported: ['OUT', 'HUP'],
    provoke: (descriptors) => descriptors.keep(sockets.socket(4, SOCK_STREAM)),
  },
  {
    situation: 'a refused connect',
    watchedFor: ['OUT'],
    reported: ['OUT', 'ERR', 'HUP'],
    provoke: (descriptors) => {
      const listener = descriptors.listen();
      descriptors.close(listener.fd);
      const fd = descriptors.keep(sockets.socket(4, SOCK_STREAM));
      const result = sockets.connectInet(fd, LOOPBACK[4], listener.port);
      if (result !== -EINPROGRESS) throw new Error(`connect answered ${result}`);
      return fd;
    },
  },
  {
    situation: 'a listener with a client in its queue',
    watchedFor: ['IN'],
    reported: ['IN'],
    provoke: (descriptors) => {
      const listener = descriptors.listen();
      descriptors.connect(listener.port);
      return listener.fd;
    },
  },
  {
    situation: 'a listener that was shut down',
    watchedFor: READABLE,
    reported: ['HUP'],
    provoke: (descriptors) => {
      const listener = descriptors.listen();
      sockets.shutdown(listener.fd, 0);
      return listener.fd;
    },
  },
];

export interface ControlErrorRow {
  readonly call: string;
  readonly answer: string;
}

/** What epoll_ctl refuses; the manual has this table too. */
export const CONTROL_ERRORS: readonly ControlErrorRow[] = [
  { call: 'ADD of a descriptor that is in the list', answer: 'EEXIST' },
  { call: 'MOD or DEL of one that is not', answer: 'ENOENT' },
  { call: 'ADD of a regular file', answer: 'EPERM' },
  { call: 'any of them with a closed descriptor', answer: 'EBADF' },
];
