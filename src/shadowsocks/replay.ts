/**
 * What keeps a recorded stream or packet from being used a second time. The 2022 edition has timestamps, so it must remember salts for as
 * long as a timestamp is good, and exactly; AEAD 2017 has none, so it remembers as many as there is room for. Each memory is the process's:
 * the kernel may give the replay to another reactor than the original.
 */

import type { SaltFilter } from './salt-filter.js';
import { allocateSaltMemory, type SaltMemory, SharedSalts } from './salt-memory.js';

/** Those of a process. */
export interface ReplayFilters {
  /** The 2022 edition over TCP: request salts that a server has accepted. (Its datagrams have windows instead.) */
  readonly tcp2022: SaltFilter;
  /** AEAD 2017 over TCP: salts of either direction, the own ones included. */
  readonly tcp2017: SaltFilter;
  /** The same for datagrams, apart from it: one busy session of them must not make a server forget its connections. */
  readonly udp2017: SaltFilter;
  /** IVs of the methods without authentication, likewise. Who has no key can add to these, so they are apart from the others. */
  readonly tcpUnauthenticated: SaltFilter;
  readonly udpUnauthenticated: SaltFilter;
}

/** What the control plane hands to the reactors' threads: plain data, whose buffers they share. */
export type ReplayMemory = Readonly<Record<keyof ReplayFilters, SaltMemory>>;

/**
 * SIP022 wants 60 s. But a salt that is stamped 30 s ahead, in whole seconds on both sides, stays good until just before 61 s have passed.
 */
export const RETENTION_2022_MS = 62_000;
/** For each 62 s, that is 16,900 new connections a second; more are refused. Only who has a key can get there. */
export const CAPACITY_2022 = 1 << 20;
/** Of a server: so the last 500,000 to 1,000,000 salts are known, as in shadowsocks-libev; a connection has two. */
export const CAPACITY_2017 = 500_000;

/**
 * A client is not probed: what is sent to it a second time would have to come from its server's address, into a connection of its own. It
 * remembers the last 30,000 to 60,000 salts (shadowsocks-libev's 5,000 to 10,000), and those fit a processor's cache.
 */
export const CAPACITY_2017_CLIENT = 30_000;

export function allocateReplayMemory(end: 'local' | 'server'): ReplayMemory {
  const capacity = end === 'local' ? CAPACITY_2017_CLIENT : CAPACITY_2017;
  const salts2017 = (): SaltMemory => allocateSaltMemory('end', capacity, Number.POSITIVE_INFINITY);
  return {
    tcp2022: allocateSaltMemory('whole', CAPACITY_2022, RETENTION_2022_MS),
    tcp2017: salts2017(),
    udp2017: salts2017(),
    tcpUnauthenticated: salts2017(),
    udpUnauthenticated: salts2017(),
  };
}

/** One thread's access to them. */
export function openReplayFilters(memory: ReplayMemory): ReplayFilters {
  return {
    tcp2022: new SharedSalts(memory.tcp2022),
    tcp2017: new SharedSalts(memory.tcp2017),
    udp2017: new SharedSalts(memory.udp2017),
    tcpUnauthenticated: new SharedSalts(memory.tcpUnauthenticated),
    udpUnauthenticated: new SharedSalts(memory.udpUnauthenticated),
  };
}
