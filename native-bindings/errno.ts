/**
 * How a failed system call is told: as a negative errno where a caller handles it on the path of a byte, and as a `SysError` everywhere else.
 */

import { constants } from 'node:os';
import { koffi } from './platform.js';

const errno = constants.errno;

/** The codes that umbra acts on, by the names of errno(3). */
export const EPERM = errno.EPERM;
export const ENOENT = errno.ENOENT;
export const EINTR = errno.EINTR;
export const EIO = errno.EIO;
export const EBADF = errno.EBADF;
export const EAGAIN = errno.EAGAIN;
export const ENOMEM = errno.ENOMEM;
export const EEXIST = errno.EEXIST;
export const EINVAL = errno.EINVAL;
export const ENFILE = errno.ENFILE;
export const EMFILE = errno.EMFILE;
export const EPIPE = errno.EPIPE;
export const EMSGSIZE = errno.EMSGSIZE;
export const EADDRINUSE = errno.EADDRINUSE;
export const ECONNABORTED = errno.ECONNABORTED;
export const ECONNRESET = errno.ECONNRESET;
export const ENOTCONN = errno.ENOTCONN;
export const ENOBUFS = errno.ENOBUFS;
export const ECONNREFUSED = errno.ECONNREFUSED;
export const ETIMEDOUT = errno.ETIMEDOUT;
export const EHOSTUNREACH = errno.EHOSTUNREACH;
export const ENETUNREACH = errno.ENETUNREACH;
export const EINPROGRESS = errno.EINPROGRESS;

const nameByNumber = new Map<number, string>();
for (const [name, number] of Object.entries(errno)) {
  // Linux gives EWOULDBLOCK and EOPNOTSUPP the numbers of EAGAIN and ENOTSUP; the first of each pair is the usual name.
  if (!nameByNumber.has(number)) nameByNumber.set(number, name);
}

/** `ECONNREFUSED` for 111; an unknown number gives `E<number>`. */
export function errnoName(number: number): string {
  return nameByNumber.get(number) ?? `E${number}`;
}

/** errno of the last call that this thread made through koffi. */
export const lastErrno: () => number = koffi.errno;

/** A system call that failed where it must not. */
export class SysError extends Error {
  override readonly name = 'SysError';
  /** The call, `bind` for example. */
  readonly syscall: string;
  /** The symbolic errno, `EADDRINUSE` for example. */
  readonly code: string;
  readonly errno: number;

  constructor(syscall: string, errnoNumber: number) {
    const code = errnoName(errnoNumber);
    super(`${syscall}: ${code}`);
    this.syscall = syscall;
    this.code = code;
    this.errno = errnoNumber;
  }
}

/** Passes a result through, and turns −1 into the negative errno. */
export function orErrno(result: number): number {
  return result < 0 ? -lastErrno() : result;
}

/**
 * Passes a result through, and turns −1 into an exception.
 * @throws SysError
 */
export function checked(syscall: string, result: number): number {
  if (result === -1) throw new SysError(syscall, lastErrno());
  return result;
}
