/**
 * Socket calls of libc. Those that set a socket up throw a `SysError`; those on the path of a byte return a negative errno, because there
 * a refusal is an ordinary answer and an exception would cost more than the call.
 *
 * Every function here belongs to the thread that calls it: the scratch memory is the thread's own.
 */

import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AF_UNSPEC,
  SO_ERROR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from './constants.js';
import { checked, orErrno, SysError } from './errno.js';
import { SOCKADDR_STORAGE_SIZE } from './layouts.js';
import { Region } from './memory.js';
import { ADDRESS, bind as bindSymbol } from './platform.js';
import { decodeSocketAddress, encodeInet, encodeUnix, type SocketAddress } from './sockaddr.js';

const c = {
  socket: bindSymbol('socket', 'int', ['int', 'int', 'int']),
  bind: bindSymbol('bind', 'int', ['int', ADDRESS, 'uint32_t']),
  listen: bindSymbol('listen', 'int', ['int', 'int']),
  accept4: bindSymbol('accept4', 'int', ['int', ADDRESS, ADDRESS, 'int']),
  connect: bindSymbol('connect', 'int', ['int', ADDRESS, 'uint32_t']),
  getsockopt: bindSymbol('getsockopt', 'int', ['int', 'int', 'int', ADDRESS, ADDRESS]),
  setsockopt: bindSymbol('setsockopt', 'int', ['int', 'int', 'int', ADDRESS, 'uint32_t']),
  getsockname: bindSymbol('getsockname', 'int', ['int', ADDRESS, ADDRESS]),
  getpeername: bindSymbol('getpeername', 'int', ['int', ADDRESS, ADDRESS]),
  recv: bindSymbol('recv', 'intptr_t', ['int', ADDRESS, 'size_t', 'int']),
  send: bindSymbol('send', 'intptr_t', ['int', ADDRESS, 'size_t', 'int']),
  shutdown: bindSymbol('shutdown', 'int', ['int', 'int']),
  close: bindSymbol('close', 'int', ['int']),
} as const;

const scratch = new Region(4096);
const ADDRESS_AT = scratch.reserve(SOCKADDR_STORAGE_SIZE);
const LENGTH_AT = scratch.reserve(4);
const OPTION_AT = scratch.reserve(16);
/** `struct sockaddr` of AF_UNSPEC, which is zero. */
const UNSPECIFIED_SIZE = 16;
const UNSPECIFIED_AT = scratch.reserve(UNSPECIFIED_SIZE);
const LENGTH_WORD = LENGTH_AT / 4;
const OPTION_WORD = OPTION_AT / 4;
scratch.words[UNSPECIFIED_AT / 4] = AF_UNSPEC;

/**
 * A non-blocking, close-on-exec socket.
 * @param type SOCK_STREAM or SOCK_DGRAM
 * @throws SysError
 */
export function socket(family: 4 | 6 | 'unix', type: number): number {
  return checked('socket', c.socket(domainOf(family), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

function domainOf(family: 4 | 6 | 'unix'): number {
  if (family === 'unix') return AF_UNIX;
  return family === 4 ? AF_INET : AF_INET6;
}

/** As `socket`, but a negative errno instead of an exception: running out of descriptors is an ordinary event in a relay. */
export function trySocket(family: 4 | 6, type: number): number {
  return orErrno(c.socket(domainOf(family), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

function encodeToScratch(address: SocketAddress): number {
  return address.family === 'unix'
    ? encodeUnix(scratch.bytes, ADDRESS_AT, address.path)
    : encodeInet(scratch.bytes, ADDRESS_AT, address.bytes, address.port);
}

/** @throws SysError `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, … */
export function bind(fd: number, address: SocketAddress): void {
  const length = encodeToScratch(address);
  checked('bind', c.bind(fd, scratch.base + ADDRESS_AT, length));
}

/** @throws SysError */
export function listen(fd: number, backlog: number): void {
  checked('listen', c.listen(fd, backlog));
}

/**
 * @returns a non-blocking, close-on-exec descriptor, or a negative errno. The peer's address is left in scratch memory: `acceptedPeer()` reads it.
 */
export function accept(fd: number): number {
  scratch.words[LENGTH_WORD] = SOCKADDR_STORAGE_SIZE;
  const base = scratch.base;
  return orErrno(c.accept4(fd, base + ADDRESS_AT, base + LENGTH_AT, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

/** The peer of the connection that `accept` returned last on this thread; valid until the next call of this file. */
export function acceptedPeer(): SocketAddress | undefined {
  return decodeSocketAddress(scratch.bytes, ADDRESS_AT, scratch.words[LENGTH_WORD]);
}

/**
 * Starts a connection.
 * @param bytes 4 or 16 bytes of address
 * @param scopeId the interface of a link-local address, which the kernel does not take without
 * @returns 0, or a negative errno; −EINPROGRESS is the usual one
 */
export function connectInet(fd: number, bytes: Uint8Array, port: number, scopeId = 0): number {
  const length = encodeInet(scratch.bytes, ADDRESS_AT, bytes, port, scopeId);
  return orErrno(c.connect(fd, scratch.base + ADDRESS_AT, length));
}

/** As `connectInet`, for any family. */
export function connect(fd: number, address: SocketAddress): number {
  const length = encodeToScratch(address);
  return orErrno(c.connect(fd, scratch.base + ADDRESS_AT, length));
}

/** Forgets the connection that a socket had, so that it may have another one. @returns false where the kernel cannot */
export function disconnect(fd: number): boolean {
  return c.connect(fd, scratch.base + UNSPECIFIED_AT, UNSPECIFIED_SIZE) === 0;
}

/**
 * Sets an option whose value is one C int.
 * @throws SysError
 */
export function setOption(fd: number, level: number, option: number, value: number): void {
  const result = trySetOption(fd, level, option, value);
  if (result < 0) throw new SysError('setsockopt', -result);
}

/** As `setOption`, for options that a relay can do without. @returns 0 or a negative errno */
export function trySetOption(fd: number, level: number, option: number, value: number): number {
  scratch.words[OPTION_WORD] = value;
  return orErrno(c.setsockopt(fd, level, option, scratch.base + OPTION_AT, 4));
}

/** Sets an option whose value is two C ints (SO_LINGER). */
export function setOptionPair(fd: number, level: number, option: number, first: number, second: number): void {
  scratch.words[OPTION_WORD] = first;
  scratch.words[OPTION_WORD + 1] = second;
  checked('setsockopt', c.setsockopt(fd, level, option, scratch.base + OPTION_AT, 8));
}

/**
 * Reads an option whose value is one C int.
 * @throws SysError
 */
export function getOption(fd: number, level: number, option: number): number {
  scratch.words[LENGTH_WORD] = 4;
  checked('getsockopt', c.getsockopt(fd, level, option, scratch.base + OPTION_AT, scratch.base + LENGTH_AT));
  return scratch.words[OPTION_WORD];
}

/** Takes the pending error of a socket (SO_ERROR): the kernel tells it once, then 0. */
export function takeError(fd: number): number {
  return getOption(fd, SOL_SOCKET, SO_ERROR);
}

/** Whether a connection stands; asked without decoding the peer's address. */
export function isConnected(fd: number): boolean {
  scratch.words[LENGTH_WORD] = SOCKADDR_STORAGE_SIZE;
  return c.getpeername(fd, scratch.base + ADDRESS_AT, scratch.base + LENGTH_AT) === 0;
}

/** @throws SysError */
export function localAddress(fd: number): SocketAddress | undefined {
  scratch.words[LENGTH_WORD] = SOCKADDR_STORAGE_SIZE;
  checked('getsockname', c.getsockname(fd, scratch.base + ADDRESS_AT, scratch.base + LENGTH_AT));
  return decodeSocketAddress(scratch.bytes, ADDRESS_AT, scratch.words[LENGTH_WORD]);
}

/** `undefined` where the socket is not connected. */
export function peerAddress(fd: number): SocketAddress | undefined {
  if (!isConnected(fd)) return undefined;
  return decodeSocketAddress(scratch.bytes, ADDRESS_AT, scratch.words[LENGTH_WORD]);
}

/**
 * @param region where the bytes go, at `offset`
 * @returns bytes read, 0 at the end of the stream, or a negative errno
 */
export function recv(fd: number, region: Region, offset: number, length: number, flags: number): number {
  return orErrno(c.recv(fd, region.at(offset, length), length, flags));
}

/**
 * @param region where the bytes are, at `offset`
 * @returns bytes that the kernel took, or a negative errno
 */
export function send(fd: number, region: Region, offset: number, length: number, flags: number): number {
  return orErrno(c.send(fd, region.at(offset, length), length, flags));
}

/** @returns 0 or a negative errno (−ENOTCONN where the peer has reset the connection) */
export function shutdown(fd: number, how: number): number {
  return orErrno(c.shutdown(fd, how));
}

/** Linux closes the descriptor whatever close(2) says, so there is nothing to handle but a bug of ours (EBADF). */
export function close(fd: number): void {
  checked('close', c.close(fd));
}
