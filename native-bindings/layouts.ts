/**
 * Byte layouts of the kernel's structures, and what else differs between the architectures. Of the structures that is `struct epoll_event` alone:
 * the kernel packs it on x86-64 (so that 32-bit programs share it) and nowhere else.
 */

import { type Architecture, architecture } from './platform.js';

export interface EpollEventLayout {
  readonly size: number;
  readonly eventsOffset: number;
  /** `epoll_data`, 64 bits: the descriptor in the lower half, its generation in the upper. */
  readonly dataOffset: number;
}

export const EPOLL_EVENT_BY_ARCHITECTURE: Readonly<Record<Architecture, EpollEventLayout>> = {
  x64: { size: 12, eventsOffset: 0, dataOffset: 4 },
  arm64: { size: 16, eventsOffset: 0, dataOffset: 8 },
};

export const EPOLL_EVENT = EPOLL_EVENT_BY_ARCHITECTURE[architecture];

/** Of mmap(2): MAP_32BIT, which puts pages below 2 GiB; 0 where there is none. */
export const MAP_LOW_BY_ARCHITECTURE: Readonly<Record<Architecture, number>> = { x64: 0x40, arm64: 0 };

export const MAP_LOW = MAP_LOW_BY_ARCHITECTURE[architecture];

/** `struct sched_param`: the priority, an int. */
export const SCHED_PARAM_SIZE = 4;

/** `struct sockaddr_in`: family u16 (host order), port u16 (big-endian), address 4 bytes, 8 bytes of padding. */
export const SOCKADDR_IN = { size: 16, portOffset: 2, addressOffset: 4 } as const;

/** `struct sockaddr_in6`: family u16, port u16, flow information u32, address 16 bytes, scope id u32 (host order). */
export const SOCKADDR_IN6 = {
  size: 28,
  portOffset: 2,
  flowinfoOffset: 4,
  addressOffset: 8,
  scopeIdOffset: 24,
} as const;

/** `struct sockaddr_un`: family u16, path of up to 108 bytes. */
export const SOCKADDR_UN = { size: 110, pathOffset: 2, pathMax: 108 } as const;

/** Enough for any of the three, in whole 64-bit words (`struct sockaddr_storage`). */
export const SOCKADDR_STORAGE_SIZE = 128;

/** `struct iovec`: base address u64, length u64. */
export const IOVEC = { size: 16, baseOffset: 0, lengthOffset: 8 } as const;

/** `struct msghdr` of 64-bit Linux (glibc and musl agree on the bytes where the values stay below 2^32). */
export const MSGHDR = {
  size: 56,
  nameOffset: 0,
  nameLengthOffset: 8,
  iovOffset: 16,
  iovLengthOffset: 24,
  controlOffset: 32,
  controlLengthOffset: 40,
  flagsOffset: 48,
} as const;

/** `struct mmsghdr`: a msghdr, then the number of bytes moved u32, then padding. */
export const MMSGHDR = { size: 64, lengthOffset: 56 } as const;

/** `struct cmsghdr`: its length with its data u64, level i32, type i32; the data begins where it ends. */
export const CMSGHDR = { size: 16, lengthOffset: 0, levelOffset: 8, typeOffset: 12, dataOffset: 16 } as const;

/** `struct in_pktinfo`: interface i32, local address 4 bytes, destination 4 bytes. */
export const IN_PKTINFO = { size: 12, addressOffset: 4 } as const;

/** `struct in6_pktinfo`: local address 16 bytes, interface u32. */
export const IN6_PKTINFO = { size: 20, addressOffset: 0 } as const;

/** `struct linger`: on/off i32, seconds i32. */
export const LINGER = { size: 8 } as const;

/** `struct rlimit`: soft limit u64, hard limit u64. */
export const RLIMIT = { size: 16, softOffset: 0, hardOffset: 8 } as const;
