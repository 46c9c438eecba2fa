/**
 * Opens the listening sockets of all reactors, before any of them starts: so that "port in use" is one sentence and not a thread's death,
 * and later, so that ports are open before privileges drop.
 */

import { SysError } from '../../native-bindings/errno.js';
import type { InetSocketAddress } from '../../native-bindings/sockaddr.js';
import { close } from '../../native-bindings/socket.js';
import type { HostPort } from '../config/types.js';
import { formatIpAddress, parseIpAddress } from '../net/ip-address.js';
import { formatTarget } from '../net/target.js';
import { listenerPort, openTcpListener } from '../net/tcp-listener.js';
import type { TcpOptions } from '../net/tcp-options.js';
import { StartError } from './start-error.js';

export interface OpenListeners {
  /** By reactor: one descriptor for each address. */
  readonly byWorker: readonly (readonly number[])[];
  /** Where they listen, with the real ports. */
  readonly bound: readonly HostPort[];
}

/**
 * @param addresses host as an IP literal or `localhost`; port 0: any
 * @throws StartError with a sentence that says what to do; nothing stays open then
 */
export function openListeners(addresses: readonly HostPort[], workers: number, options: TcpOptions): OpenListeners {
  const opened: number[] = [];
  const byWorker: number[][] = Array.from({ length: workers }, () => []);
  const bound: HostPort[] = [];
  try {
    for (const { host, port } of addresses) {
      const address = listenAddress(host, port);
      // With SO_REUSEPORT the kernel would let a second instance of the same user in, and share the port out between
      // both; a socket without the option finds out whether anyone is there.
      if (workers > 1 && port !== 0) close(open(address, { ...options, reusePort: false }));
      let realPort = port;
      for (const listeners of byWorker) {
        const fd = open({ ...address, port: realPort }, { ...options, reusePort: workers > 1 });
        opened.push(fd);
        listeners.push(fd);
        realPort = listenerPort(fd);
      }
      bound.push({ host: formatIpAddress({ family: address.family, bytes: address.bytes }), port: realPort });
    }
    return { byWorker, bound };
  } catch (error) {
    for (const fd of opened) close(fd);
    throw error;
  }
}

function listenAddress(host: string, port: number): InetSocketAddress {
  const parsed = parseIpAddress(host === 'localhost' ? '127.0.0.1' : host.replace(/^\[(.*)\]$/, '$1'));
  if (parsed === undefined)
    throw new StartError(`Cannot listen on "${host}": give an IP address of this machine, such as 127.0.0.1 or ::.`);
  return { family: parsed.family, bytes: parsed.bytes, port };
}

type ListenFailure = (where: string) => string;

/** What to do about each way in which bind and listen fail. */
const ADVICE: Readonly<Record<string, ListenFailure>> = {
  EADDRINUSE: (where) => `${where} is in use by another program: stop that one, or choose another port.`,
  EACCES: (where) =>
    `Listening on ${where} is not permitted: ports below 1024 need privileges, so choose a higher one.`,
  EADDRNOTAVAIL: (where) =>
    `${where} is not an address of this machine: listen on one that is, or on 0.0.0.0 or :: for all of them.`,
  EAFNOSUPPORT: (where) => `This machine has no support for the address family of ${where}: listen on an IPv4 address.`,
};

function open(address: InetSocketAddress, options: TcpOptions & { readonly reusePort: boolean }): number {
  try {
    return openTcpListener(address, options);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    const where = formatTarget({ kind: 'ip', address, port: address.port });
    const advice = ADVICE[error.code];
    throw new StartError(advice === undefined ? `Cannot listen on ${where}: ${error.message}.` : advice(where));
  }
}
