/** From the flags of `umbra local`, `umbra server` and their namesakes to what the configuration loader takes. */

import { MAX_SECONDS, MAX_UDP_ASSOCIATIONS, MAX_WORKERS } from '../config/bounds.js';
import type { FlagSettings } from '../config/sources.js';
import type { TransportMode } from '../config/types.js';
import type { FlagValues } from './parse-flags.js';
import { UsageError } from './usage-error.js';

/** @throws UsageError for a number out of range */
export function flagSettings(values: FlagValues): FlagSettings {
  const seconds = (name: string, min: number): number | undefined =>
    values.number(name, 'a number of seconds', { min, max: MAX_SECONDS });
  return {
    server: values.text('server-addr'),
    serverUrl: values.text('server-url'),
    local: values.text('local-addr'),
    protocol: values.text('protocol'),
    forward: values.text('forward-addr'),
    password: values.text('password'),
    key: values.text('key'),
    method: values.text('encrypt-method'),
    verbosity: values.count('verbose'),
    withoutTime: values.has('log-without-time'),
    values: {
      timeout: seconds('timeout', 0.001),
      idle_timeout: seconds('idle-timeout', 0),
      drain_timeout: seconds('drain-timeout', 0),
      probe_timeout: seconds('probe-timeout', 0),
      keep_alive: seconds('tcp-keep-alive', 0),
      workers: values.number('workers', 'a whole number', { min: 1, max: MAX_WORKERS, whole: true }),
      egress_allow: values.has('egress-allow') ? [...values.list('egress-allow')] : undefined,
      no_delay: values.has('tcp-no-delay') ? true : undefined,
      dns: values.text('dns'),
      ipv6_first: values.has('ipv6-first') ? true : undefined,
      mode: transportMode(values),
      udp_timeout: seconds('udp-timeout', 0.001),
      udp_max_associations: values.number('udp-max-associations', 'a whole number', {
        min: 1,
        max: MAX_UDP_ASSOCIATIONS,
        whole: true,
      }),
      allow_insecure_ciphers: values.has('allow-insecure-ciphers') ? true : undefined,
    },
  };
}

/** As shadowsocks-rust has the two letters; shadowsocks-libev has them the other way round. */
function transportMode(values: FlagValues): TransportMode | undefined {
  const udpOnly = values.has('udp-only');
  const both = values.has('tcp-and-udp');
  if (udpOnly && both) throw new UsageError('-u is UDP alone, -U is TCP and UDP: give one of the two.');
  if (udpOnly) return 'udp_only';
  return both ? 'tcp_and_udp' : undefined;
}
