/**
 * What the C headers of 64-bit Linux say, printed by a C compiler once and kept. The bindings are compared with this on every machine, and
 * this is compared with the headers where a compiler is present.
 */

import type { Architecture } from '../../../native-bindings/platform.js';

/** Headers that the constants and the structures come from. */
export const HEADERS = [
  'stddef.h',
  'stdio.h',
  'netinet/in.h',
  'netinet/tcp.h',
  'netinet/udp.h',
  'sched.h',
  'sys/epoll.h',
  'sys/eventfd.h',
  'sys/mman.h',
  'sys/resource.h',
  'sys/socket.h',
  'sys/uio.h',
  'sys/un.h',
] as const;

/** The macros of the same names; each as a C int. */
export const EXPECTED_CONSTANTS: Readonly<Record<string, number>> = {
  AF_UNSPEC: 0,
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_NONBLOCK: 2048,
  SOCK_CLOEXEC: 524288,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_ERROR: 4,
  SO_SNDBUF: 7,
  SO_RCVBUF: 8,
  SO_KEEPALIVE: 9,
  SO_LINGER: 13,
  SO_REUSEPORT: 15,
  SHUT_WR: 1,
  MSG_OOB: 1,
  MSG_DONTWAIT: 64,
  MSG_NOSIGNAL: 16384,
  IPPROTO_IP: 0,
  IPPROTO_TCP: 6,
  IPPROTO_UDP: 17,
  IPPROTO_IPV6: 41,
  IP_PKTINFO: 8,
  IPV6_V6ONLY: 26,
  IPV6_RECVPKTINFO: 49,
  IPV6_PKTINFO: 50,
  TCP_NODELAY: 1,
  TCP_DEFER_ACCEPT: 9,
  TCP_QUICKACK: 12,
  TCP_KEEPIDLE: 4,
  TCP_KEEPINTVL: 5,
  TCP_KEEPCNT: 6,
  UDP_SEGMENT: 103,
  UDP_GRO: 104,
  EPOLLIN: 1,
  EPOLLPRI: 2,
  EPOLLOUT: 4,
  EPOLLERR: 8,
  EPOLLHUP: 16,
  EPOLLRDHUP: 8192,
  EPOLLET: -2147483648,
  EPOLL_CTL_ADD: 1,
  EPOLL_CTL_DEL: 2,
  EPOLL_CTL_MOD: 3,
  EPOLL_CLOEXEC: 524288,
  EFD_NONBLOCK: 2048,
  EFD_CLOEXEC: 524288,
  PROT_NONE: 0,
  PROT_READ: 1,
  PROT_WRITE: 2,
  MAP_PRIVATE: 2,
  MAP_ANONYMOUS: 32,
  RLIMIT_NOFILE: 7,
  SCHED_BATCH: 3,
};

export interface LayoutRow {
  /** `STRUCTURE.field` of layouts.ts. */
  readonly name: string;
  /** What it is in C. */
  readonly expression: string;
  readonly expected: number;
}

function row(name: string, expression: string, expected: number): LayoutRow {
  return { name, expression, expected };
}

export const EXPECTED_LAYOUTS: readonly LayoutRow[] = [
  row('SCHED_PARAM_SIZE', 'sizeof(struct sched_param)', 4),
  row('SOCKADDR_IN.size', 'sizeof(struct sockaddr_in)', 16),
  row('SOCKADDR_IN.portOffset', 'offsetof(struct sockaddr_in, sin_port)', 2),
  row('SOCKADDR_IN.addressOffset', 'offsetof(struct sockaddr_in, sin_addr)', 4),
  row('SOCKADDR_IN6.size', 'sizeof(struct sockaddr_in6)', 28),
  row('SOCKADDR_IN6.portOffset', 'offsetof(struct sockaddr_in6, sin6_port)', 2),
  row('SOCKADDR_IN6.flowinfoOffset', 'offsetof(struct sockaddr_in6, sin6_flowinfo)', 4),
  row('SOCKADDR_IN6.addressOffset', 'offsetof(struct sockaddr_in6, sin6_addr)', 8),
  row('SOCKADDR_IN6.scopeIdOffset', 'offsetof(struct sockaddr_in6, sin6_scope_id)', 24),
  row('SOCKADDR_UN.size', 'sizeof(struct sockaddr_un)', 110),
  row('SOCKADDR_UN.pathOffset', 'offsetof(struct sockaddr_un, sun_path)', 2),
  row('SOCKADDR_UN.pathMax', 'sizeof(((struct sockaddr_un *)0)->sun_path)', 108),
  row('SOCKADDR_STORAGE_SIZE', 'sizeof(struct sockaddr_storage)', 128),
  row('IOVEC.size', 'sizeof(struct iovec)', 16),
  row('IOVEC.baseOffset', 'offsetof(struct iovec, iov_base)', 0),
  row('IOVEC.lengthOffset', 'offsetof(struct iovec, iov_len)', 8),
  row('MSGHDR.size', 'sizeof(struct msghdr)', 56),
  row('MSGHDR.nameOffset', 'offsetof(struct msghdr, msg_name)', 0),
  row('MSGHDR.nameLengthOffset', 'offsetof(struct msghdr, msg_namelen)', 8),
  row('MSGHDR.iovOffset', 'offsetof(struct msghdr, msg_iov)', 16),
  row('MSGHDR.iovLengthOffset', 'offsetof(struct msghdr, msg_iovlen)', 24),
  row('MSGHDR.controlOffset', 'offsetof(struct msghdr, msg_control)', 32),
  row('MSGHDR.controlLengthOffset', 'offsetof(struct msghdr, msg_controllen)', 40),
  row('MSGHDR.flagsOffset', 'offsetof(struct msghdr, msg_flags)', 48),
  row('MMSGHDR.size', 'sizeof(struct mmsghdr)', 64),
  row('MMSGHDR.lengthOffset', 'offsetof(struct mmsghdr, msg_len)', 56),
  row('CMSGHDR.size', 'sizeof(struct cmsghdr)', 16),
  row('CMSGHDR.lengthOffset', 'offsetof(struct cmsghdr, cmsg_len)', 0),
  row('CMSGHDR.levelOffset', 'offsetof(struct cmsghdr, cmsg_level)', 8),
  row('CMSGHDR.typeOffset', 'offsetof(struct cmsghdr, cmsg_type)', 12),
  row('CMSGHDR.dataOffset', 'CMSG_LEN(0)', 16),
  row('IN_PKTINFO.size', 'sizeof(struct in_pktinfo)', 12),
  row('IN_PKTINFO.addressOffset', 'offsetof(struct in_pktinfo, ipi_spec_dst)', 4),
  row('IN6_PKTINFO.size', 'sizeof(struct in6_pktinfo)', 20),
  row('IN6_PKTINFO.addressOffset', 'offsetof(struct in6_pktinfo, ipi6_addr)', 0),
  row('LINGER.size', 'sizeof(struct linger)', 8),
  row('RLIMIT.size', 'sizeof(struct rlimit)', 16),
  row('RLIMIT.softOffset', 'offsetof(struct rlimit, rlim_cur)', 0),
  row('RLIMIT.hardOffset', 'offsetof(struct rlimit, rlim_max)', 8),
];

/** The one structure that differs between the architectures; the kernel packs it on x86-64. */
export const EXPECTED_BY_ARCHITECTURE: Readonly<Record<Architecture, readonly LayoutRow[]>> = {
  x64: [
    row('EPOLL_EVENT.size', 'sizeof(struct epoll_event)', 12),
    row('EPOLL_EVENT.eventsOffset', 'offsetof(struct epoll_event, events)', 0),
    row('EPOLL_EVENT.dataOffset', 'offsetof(struct epoll_event, data)', 4),
    row('MAP_LOW', 'MAP_32BIT', 0x40),
  ],
  arm64: [
    row('EPOLL_EVENT.size', 'sizeof(struct epoll_event)', 16),
    row('EPOLL_EVENT.eventsOffset', 'offsetof(struct epoll_event, events)', 0),
    row('EPOLL_EVENT.dataOffset', 'offsetof(struct epoll_event, data)', 8),
    row('MAP_LOW', '0', 0),
  ],
};
