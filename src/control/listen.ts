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
import { boundPort, type ListenOptions, openTcpListener } from '../net/tcp-listener.js';
import { openUdpPort, PORT_BUFFER_BYTES } from '../net/udp-socket.js';
import type { PortDescriptors } from '../relay/mode.js';
import { StartError } from './start-error.js';

/** An address to listen on. */
export interface ListenAddress extends HostPort {
  readonly tcp: boolean;
  readonly udp: boolean;
}

export interface OpenListeners {
  /** By reactor: the descriptors of each address. */
  readonly byWorker: readonly (readonly PortDescriptors[])[];
  /** Where they listen, with the real ports. */
  readonly bound: readonly HostPort[];
}

/** Whether ports are shared is decided here. */
type PortOptions = Omit<ListenOptions, 'reusePort'>;

/** Ports that the kernel chose for TCP and that are taken for UDP, before giving up. */
const MAX_PORT_DRAWS = 16;

/**
 * @param addresses host as an IP literal or `localhost`; port 0: any, the same for TCP and UDP
 * @throws StartError with a sentence that says what to do; nothing stays open then
 */
export function openListeners(
  addresses: readonly ListenAddress[],
  workers: number,
  options: PortOptions,
): OpenListeners {
  const opened: number[] = [];
  const byWorker: PortDescriptors[][] = Array.from({ length: workers }, () => []);
  const bound: HostPort[] = [];
  try {
    addresses.forEach((address, at) => {
      const { tcp, udp, port, inet } = openPort(address, workers, options);
      opened.push(...tcp, ...(udp < 0 ? [] : [udp]));
      // Each UDP port has one owner; several ports are spread.
      byWorker.forEach((ports, worker) => {
        ports.push({ tcp: tcp[worker] ?? -1, udp: worker === at % workers ? udp : -1 });
      });
      bound.push({ host: formatIpAddress({ family: inet.family, bytes: inet.bytes }), port });
    });
    return { byWorker, bound };
  } catch (error) {
    for (const fd of opened) close(fd);
    throw error;
  }
}

interface OpenPort {
  readonly inet: InetSocketAddress;
  /** One a reactor, or none. */
  readonly tcp: readonly number[];
  readonly udp: number;
  readonly port: number;
}

function openPort(wanted: ListenAddress, workers: number, options: PortOptions): OpenPort {
  const inet = listenAddress(wanted.host, wanted.port);
  for (let draw = 1; ; draw++) {
    const tcp = wanted.tcp ? openTcp(inet, workers, options) : [];
    const port = tcp.length === 0 ? inet.port : boundPort(tcp[0]);
    try {
      if (!wanted.udp) return { inet, tcp, udp: -1, port };
      const udp = attempt(inet, port, () => openUdpPort({ ...inet, port }, PORT_BUFFER_BYTES));
      return { inet, tcp, udp, port: boundPort(udp) };
    } catch (error) {
      for (const fd of tcp) close(fd);
      const drawAgain = inet.port === 0 && port !== 0 && draw < MAX_PORT_DRAWS && error instanceof StartError;
      if (!drawAgain) throw error;
    }
  }
}

function openTcp(address: InetSocketAddress, workers: number, options: PortOptions): number[] {
  // With SO_REUSEPORT the kernel would let a second instance of the same user in, and share the port out between
  // both; a socket without the option finds out whether anyone is there.
  if (workers > 1 && address.port !== 0) close(open(address, { ...options, reusePort: false }));
  const opened: number[] = [];
  try {
    for (let port = address.port; opened.length < workers; port = boundPort(opened[0])) {
      opened.push(open({ ...address, port }, { ...options, reusePort: workers > 1 }));
    }
    return opened;
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

function open(address: InetSocketAddress, options: ListenOptions): number {
  return attempt(address, address.port, () => openTcpListener(address, options));
}

/** @throws StartError with advice on what the kernel says */
function attempt(address: InetSocketAddress, port: number, opening: () => number): number {
  try {
    return opening();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    const where = formatTarget({ kind: 'ip', address, port });
    const advice = ADVICE[error.code];
    throw new StartError(advice === undefined ? `Cannot listen on ${where}: ${error.message}.` : advice(where));
  }
}
