/**
 * Keys that other implementations read and umbra knows but does not serve yet, a table a level. A file that has one gets a
 * warning instead of "unknown key", so that an existing configuration still starts and nobody wonders why it has no effect.
 * Forms of served keys that nothing can stand in for are errors, which say so too.
 */

/** Key → what it is about, as docs/CONFIGURATION.md and an editor say it. */
export type LaterKeys = Readonly<Record<string, string>>;

const PLUGIN_KEYS = {
  plugin: 'A SIP003 plugin.',
  plugin_opts: 'Options of the plugin.',
  plugin_args: 'Arguments of the plugin.',
  plugin_mode: 'What the plugin carries: TCP, UDP or both.',
} as const;

const OUTBOUND_KEYS = {
  outbound_fwmark: 'Mark of outgoing packets.',
  outbound_bind_addr: 'Address that outgoing connections come from.',
  outbound_bind_interface: 'Interface that outgoing connections leave by.',
  outbound_udp_allow_fragmentation: 'Lets outgoing UDP packets be fragmented.',
  outbound_proxy: 'A proxy behind the server.',
} as const;

export const LATER_TOP_KEYS = {
  udp_mtu: 'Largest UDP packet.',
  ...PLUGIN_KEYS,
  dns_cache_size: 'Entries of the DNS cache.',
  fast_open: 'TCP Fast Open.',
  mptcp: 'Multipath TCP.',
  nofile: 'Limit of open files.',
  ipv6_only: 'Listens on IPv6 alone.',
  ...OUTBOUND_KEYS,
  acl: 'Access control file.',
  manager_address: 'Address of the manager.',
  manager_port: 'Port of the manager.',
  security: 'What happens to replayed connections.',
  balancer: 'Choice of the best server.',
  online_config: 'Servers from an HTTPS address (SIP008).',
  local_ipv4_address: 'IPv4 address that outgoing connections come from.',
  local_ipv6_address: 'IPv6 address that outgoing connections come from.',
  user: 'User to run as.',
  reuse_port: 'Lets other programs listen on the same port.',
  tcp_incoming_sndbuf: 'Send buffer of accepted connections.',
  tcp_incoming_rcvbuf: 'Receive buffer of accepted connections.',
  tcp_outgoing_sndbuf: 'Send buffer of outgoing connections.',
  tcp_outgoing_rcvbuf: 'Receive buffer of outgoing connections.',
  dscp: 'DSCP marks by port.',
  tunnel_address: 'Destination of a tunnel.',
  mtu: 'MTU of the interface.',
  use_syslog: 'Logs to syslog.',
  workdir: 'Working directory.',
  tcp_tproxy: 'TPROXY instead of REDIRECT.',
  forbidden_ip: 'Addresses that nobody may reach (`egress_allow` is its counterpart).',
  prefer_ipv6: 'IPv6 first (`ipv6_first` is served).',
  dns_server: 'Name servers (`dns` is served).',
  'pid-file': 'File for the process id.',
  'log-file': 'File for the log.',
  one_time_auth: 'One-time authentication, which is obsolete.',
} as const satisfies LaterKeys;

export const LATER_SERVER_KEYS = {
  ...PLUGIN_KEYS,
  tcp_weight: 'Weight in the choice of a server for TCP.',
  udp_weight: 'Weight in the choice of a server for UDP.',
  acl: 'Access control file.',
  ...OUTBOUND_KEYS,
} as const satisfies LaterKeys;

export const LATER_LOCAL_KEYS = {
  local_udp_address: 'Address that UDP listens on.',
  local_udp_port: 'Port that UDP listens on.',
  acl: 'Access control file.',
  tcp_redir: 'How connections are redirected here.',
  udp_redir: 'How packets are redirected here.',
  local_dns_address: 'Name server for bypassed names.',
  local_dns_port: 'Port of that name server.',
  remote_dns_address: 'Name server for proxied names.',
  remote_dns_port: 'Port of that name server.',
  client_cache_size: 'Connections to name servers that are kept.',
} as const satisfies LaterKeys;

/** Families of keys of listeners (`tun_interface_name`, `fake_dns_ipv4_network`, …). */
export const LATER_LOCAL_PREFIXES = ['tun_', 'fake_dns_'] as const;

export const LATER_LOG_KEYS = { writers: 'Where log lines go.' } as const satisfies LaterKeys;

export const LATER_RUNTIME_KEYS = {
  mode: 'One thread or several (`worker_count` is served).',
} as const satisfies LaterKeys;

/** Served keys of the top level that others take an array for: key → what to do instead. */
export const LATER_ARRAYS: Readonly<Record<string, string>> = {
  server_port: 'give each port an entry of its own in "servers"',
};

/** Keys inside an object that is not served: known words, so that a slip among them is still found. By the path of the object. */
export const LATER_NESTED_KEYS: Readonly<Record<string, readonly string[]>> = {
  security: ['replay_attack'],
  'security.replay_attack': ['policy'],
  balancer: ['max_server_rtt', 'check_interval', 'check_best_interval'],
  online_config: ['config_url', 'update_interval', 'allowed_plugins'],
};
