/** The table of limits in docs/ARCHITECTURE.md says what the code says. */

import { expect } from 'chai';
import { MAX_SECONDS, MAX_UDP_ASSOCIATIONS, MAX_WORKERS } from '../../../src/config/bounds.js';
import { MAX_FILE_BYTES } from '../../../src/config/find-file.js';
import { DEFAULTS, MAX_IDENTITY_KEYS, MAX_TRIAL_USERS } from '../../../src/config/types.js';
import { POOL_LIMIT } from '../../../src/crypto/libcrypto-cipher.js';
import { DNS_CACHE_LIMITS } from '../../../src/dns/cache.js';
import { UDP_PAYLOAD_SIZE } from '../../../src/dns/message.js';
import { RESOLUTION_DELAY_MS } from '../../../src/dns/name-lookup.js';
import { FIRST_RETRY_MS } from '../../../src/dns/query.js';
import { RESOLVER_LIMITS } from '../../../src/dns/resolver.js';
import { MAX_EXTENSION_BYTES, MAX_SIZE_DIGITS } from '../../../src/http-proxy/chunked-decoder.js';
import { MAX_HEAD_BYTES } from '../../../src/http-proxy/message-head.js';
import * as http from '../../../src/local/http-conversation.js';
import { HEAD_READ_LENGTH } from '../../../src/local/http-program.js';
import { HANDSHAKE_READ_LENGTH } from '../../../src/local/local-session.js';
import * as link from '../../../src/local/packet-link.js';
import { MAX_TARGET_LENGTH } from '../../../src/net/target.js';
import { ATTEMPT_DELAY_MS, LATE_ADDRESSES_MS, MAX_CANDIDATES } from '../../../src/net/tcp-dialer.js';
import {
  ACCEPTS_A_TURN,
  LISTEN_BACKLOG,
  SHORTAGE_PAUSE_MS,
  SHORTAGE_REPORT_INTERVAL_MS,
} from '../../../src/net/tcp-listener.js';
import { KEEP_ALIVE_PROBES } from '../../../src/net/tcp-options.js';
import {
  DIALS_COUNTED_MS,
  MANY_DIALS,
  MAX_USED_SOCKET_BYTES,
  MAX_USED_SOCKETS,
  USED_SOCKETS_KEPT_MS,
} from '../../../src/net/used-sockets.js';
import { DEFAULT_EVENTS_PER_WAIT } from '../../../src/reactor/reactor.js';
import {
  LARGE_BLOCKS_BYTES,
  MAX_DRAINING,
  MEDIUM_BLOCKS_BYTES,
  SMALL_BLOCKS_BYTES,
} from '../../../src/relay/context.js';
import * as drain from '../../../src/relay/drain.js';
import { PACKETS_A_CALL } from '../../../src/relay/packet-workspace.js';
import * as relay from '../../../src/relay/relay.js';
import {
  HEADROOM,
  MEDIUM_OUTPUT_SIZE,
  OUTPUT_SIZE,
  READ_LENGTH,
  SMALL_OUTPUT_SIZE,
} from '../../../src/relay/workspace.js';
import {
  MAX_DESTINATIONS,
  MAX_WAITING_BYTES,
  MAX_WAITING_PACKETS,
  NAME_REFRESH_MS,
  NAME_RETRY_MS,
} from '../../../src/server/destinations.js';
import { MAX_EMPTY_CHUNKS } from '../../../src/shadowsocks/aead-2017/stream-opener.js';
import { SESSION_MEMORY_MS } from '../../../src/shadowsocks/aead-2022/packet-means.js';
import { MAX_PADDING } from '../../../src/shadowsocks/aead-2022/padding.js';
import { MAX_REMEMBERED_SESSIONS } from '../../../src/shadowsocks/aead-2022/server-packets.js';
import { WINDOW_LENGTH } from '../../../src/shadowsocks/aead-2022/sliding-window.js';
import { MAX_SKEW_S } from '../../../src/shadowsocks/aead-2022/time.js';
import { LONGEST_UNIT } from '../../../src/shadowsocks/chunk-format.js';
import {
  CAPACITY_2017,
  CAPACITY_2017_CLIENT,
  CAPACITY_2022,
  RETENTION_2022_MS,
} from '../../../src/shadowsocks/replay.js';
import { MAX_FIELD_LENGTH } from '../../../src/socks/socks4.js';
import { readDocument, section, tableRows } from './documents.js';

/** By file, as the second column has them. Times are in the unit that the name ends with. */
const CODE: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'src/reactor/reactor.ts': { DEFAULT_EVENTS_PER_WAIT },
  'src/relay/workspace.ts': { READ_LENGTH, HEADROOM, OUTPUT_SIZE, MEDIUM_OUTPUT_SIZE, SMALL_OUTPUT_SIZE },
  'src/relay/relay.ts': {
    RECEIVES_A_TURN: relay.RECEIVES_A_TURN,
    FIRST_PAYLOAD_WAIT_MS: relay.FIRST_PAYLOAD_WAIT_MS,
  },
  'src/relay/drain.ts': { RECEIVES_A_TURN: drain.RECEIVES_A_TURN, LAST_BYTES_MS: drain.LAST_BYTES_MS },
  'src/relay/context.ts': { LARGE_BLOCKS_BYTES, MEDIUM_BLOCKS_BYTES, SMALL_BLOCKS_BYTES, MAX_DRAINING },
  'src/net/used-sockets.ts': {
    DIALS_COUNTED_MS,
    MANY_DIALS,
    MAX_USED_SOCKET_BYTES,
    MAX_USED_SOCKETS,
    USED_SOCKETS_KEPT_MS,
  },
  'src/net/tcp-listener.ts': { ACCEPTS_A_TURN, LISTEN_BACKLOG, SHORTAGE_PAUSE_MS, SHORTAGE_REPORT_INTERVAL_MS },
  'src/net/tcp-dialer.ts': { ATTEMPT_DELAY_MS, LATE_ADDRESSES_MS, MAX_CANDIDATES },
  'src/net/tcp-options.ts': { KEEP_ALIVE_PROBES },
  'src/net/target.ts': { MAX_TARGET_LENGTH },
  'src/relay/packet-workspace.ts': { PACKETS_A_CALL },
  'src/local/packet-link.ts': { MAX_WAITING_PACKETS: link.MAX_WAITING_PACKETS, LINK_RETRY_MS: link.LINK_RETRY_MS },
  'src/server/destinations.ts': {
    MAX_DESTINATIONS,
    MAX_WAITING_PACKETS,
    MAX_WAITING_BYTES,
    NAME_REFRESH_MS,
    NAME_RETRY_MS,
  },
  'src/shadowsocks/aead-2022/sliding-window.ts': { WINDOW_LENGTH },
  'src/shadowsocks/aead-2022/packet-means.ts': { SESSION_MEMORY_MS },
  'src/shadowsocks/aead-2022/server-packets.ts': { MAX_REMEMBERED_SESSIONS },
  'src/shadowsocks/aead-2017/stream-opener.ts': { MAX_EMPTY_CHUNKS },
  'src/shadowsocks/aead-2022/padding.ts': { MAX_PADDING },
  'src/shadowsocks/aead-2022/time.ts': { MAX_SKEW_S },
  'src/shadowsocks/chunk-format.ts': { LONGEST_UNIT },
  'src/shadowsocks/replay.ts': { CAPACITY_2017, CAPACITY_2017_CLIENT, CAPACITY_2022, RETENTION_2022_MS },
  'src/local/local-session.ts': { HANDSHAKE_READ_LENGTH },
  'src/local/http-conversation.ts': { HEAD_TIMEOUT_MS: http.HEAD_TIMEOUT_MS, RECEIVES_A_TURN: http.RECEIVES_A_TURN },
  'src/local/http-program.ts': { HEAD_READ_LENGTH },
  'src/http-proxy/message-head.ts': { MAX_HEAD_BYTES },
  'src/http-proxy/chunked-decoder.ts': { MAX_SIZE_DIGITS, MAX_EXTENSION_BYTES },
  'src/socks/socks4.ts': { MAX_FIELD_LENGTH },
  'src/crypto/libcrypto-cipher.ts': { POOL_LIMIT },
  'src/dns/name-lookup.ts': { RESOLUTION_DELAY_MS },
  'src/dns/query.ts': { FIRST_RETRY_MS },
  'src/dns/resolver.ts': {
    'RESOLVER_LIMITS.maxActive': RESOLVER_LIMITS.maxActive,
    'RESOLVER_LIMITS.maxLookups': RESOLVER_LIMITS.maxLookups,
  },
  'src/dns/cache.ts': {
    'DNS_CACHE_LIMITS.maxEntries': DNS_CACHE_LIMITS.maxEntries,
    'DNS_CACHE_LIMITS.maxTtlS': DNS_CACHE_LIMITS.maxTtlS,
    'DNS_CACHE_LIMITS.maxNegativeTtlS': DNS_CACHE_LIMITS.maxNegativeTtlS,
  },
  'src/dns/message.ts': { UDP_PAYLOAD_SIZE },
  'src/config/types.ts': {
    'DEFAULTS.connectTimeoutMs': DEFAULTS.connectTimeoutMs,
    'DEFAULTS.keepAliveMs': DEFAULTS.keepAliveMs,
    'DEFAULTS.idleTimeoutMs': DEFAULTS.idleTimeoutMs,
    'DEFAULTS.probeTimeoutMs': DEFAULTS.probeTimeoutMs,
    'DEFAULTS.drainTimeoutMs': DEFAULTS.drainTimeoutMs,
    MAX_IDENTITY_KEYS,
    MAX_TRIAL_USERS,
    'DEFAULTS.udpTimeoutMs': DEFAULTS.udpTimeoutMs,
    'DEFAULTS.udpMaxAssociations': DEFAULTS.udpMaxAssociations,
  },
  'src/config/bounds.ts': { MAX_WORKERS, MAX_SECONDS, MAX_UDP_ASSOCIATIONS },
  'src/config/find-file.ts': { MAX_FILE_BYTES },
};

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000 };
const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 * 1024 };

/** `1,232 B`, `10 s`, `64` as a number of what the constant counts. */
function amountOf(text: string, constant: string): number {
  const [digits, unit] = text.split(' ');
  const number = Number(digits.replaceAll(',', ''));
  if (unit === undefined) return number;
  if (unit in BYTES) return number * BYTES[unit];
  return (number * MILLISECONDS[unit]) / (/ms$/i.test(constant) ? 1 : 1000);
}

describe('the table of limits', () => {
  const [, ...rows] = tableRows(section(readDocument('docs/ARCHITECTURE.md'), 'Limits'));
  const named = rows.map(([limit, where, value]) => {
    const [, constant, file] = /^`([\w.]+)` in `([\w./-]+)`$/.exec(where) ?? expect.fail(`${limit}: ${where}`);
    return { constant, file, value };
  });

  for (const { constant, file, value } of named) {
    it(`has ${constant} of ${file} as it is`, () => {
      expect(amountOf(value, constant)).to.equal(CODE[file]?.[constant]);
    });
  }

  it('leaves none of them out', () => {
    const documented = named.map(({ constant, file }) => `${file} ${constant}`);
    const coded = Object.entries(CODE).flatMap(([file, constants]) =>
      Object.keys(constants).map((constant) => `${file} ${constant}`),
    );
    expect(documented).to.have.members(coded);
  });
});
