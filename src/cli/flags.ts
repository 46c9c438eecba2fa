/**
 * The flags of every program, as data: the parser, the help and the test of docs/CONFIGURATION.md go by these tables. Names are
 * those of shadowsocks-rust; what it does not have is our own.
 */

export interface Flag {
  /** Long name, without dashes. */
  readonly name: string;
  /** One character. */
  readonly short?: string;
  /** Other long names. */
  readonly aliases?: readonly string[];
  /** `switch`: no value; `count`: no value, may be repeated; `list`: a value, may be repeated; `value`: the last one counts. */
  readonly kind: 'switch' | 'count' | 'list' | 'value';
  /** What stands for the value in the help. */
  readonly argument?: string;
  readonly describe: string;
}

/** A flag that others serve and umbra does not yet: it is refused with a sentence, for ignoring it would mislead. */
export type LaterFlag = Pick<Flag, 'name' | 'short' | 'aliases' | 'describe'> & { readonly takesValue: boolean };

const CONFIG: Flag = { name: 'config', short: 'c', kind: 'value', argument: 'FILE', describe: 'Configuration file' };

const SERVER_ADDR: Flag = {
  name: 'server-addr',
  short: 's',
  kind: 'value',
  argument: 'HOST:PORT',
  describe: 'Server to connect to',
};

const LISTEN_ADDR: Flag = { ...SERVER_ADDR, describe: 'Address to listen on, 0.0.0.0:8388 by default' };

const LOCAL_ADDR: Flag = {
  name: 'local-addr',
  short: 'b',
  kind: 'value',
  argument: 'HOST:PORT',
  describe: 'Address that programs connect to, 127.0.0.1:1080 by default',
};

const PASSWORD: Flag = {
  name: 'password',
  short: 'k',
  kind: 'value',
  argument: 'PASSWORD',
  describe: 'Password; "-" asks for it or reads a line of standard input',
};

const SERVER_URL: Flag = {
  name: 'server-url',
  kind: 'value',
  argument: 'LINK',
  describe: 'Server to connect to, as an ss:// link; "-" asks for it or reads a line of standard input',
};

const KEY: Flag = { name: 'key', kind: 'value', argument: 'BASE64', describe: 'Raw key instead of a password' };

const METHOD: Flag = {
  name: 'encrypt-method',
  short: 'm',
  aliases: ['method'],
  kind: 'value',
  argument: 'METHOD',
  describe: 'Encryption method, chacha20-ietf-poly1305 by default',
};

const VERBOSE: Flag = {
  name: 'verbose',
  short: 'v',
  kind: 'count',
  describe: 'Log a line a connection; twice: everything',
};

const TIMEOUT: Flag = {
  name: 'timeout',
  kind: 'value',
  argument: 'SECONDS',
  describe: 'How long the handshake and each connect may take, 5 by default',
};

const IDLE_TIMEOUT: Flag = {
  name: 'idle-timeout',
  kind: 'value',
  argument: 'SECONDS',
  describe: 'End a relay that moved nothing for so long; 0, the default: never',
};

const DRAIN_TIMEOUT: Flag = {
  name: 'drain-timeout',
  kind: 'value',
  argument: 'SECONDS',
  describe: 'How long relays may go on after SIGINT or SIGTERM, 10 by default',
};

const PROBE_TIMEOUT: Flag = {
  name: 'probe-timeout',
  kind: 'value',
  argument: 'SECONDS',
  describe: 'How long a connection that failed to authenticate is held, 60 by default; 0: for ever',
};

const EGRESS_ALLOW: Flag = {
  name: 'egress-allow',
  kind: 'list',
  argument: 'CIDR',
  describe: 'Let relays reach this loopback, private or link-local block; may be repeated',
};

const WORKERS: Flag = {
  name: 'workers',
  aliases: ['worker-threads'],
  kind: 'value',
  argument: 'COUNT',
  describe: 'Reactor threads; default: one per core on a server, 1 on a client',
};

const DNS: Flag = {
  name: 'dns',
  kind: 'value',
  argument: 'SERVERS',
  describe: 'Name servers: system, google, cloudflare, quad9, or ip[:port],…',
};

const IPV6_FIRST: Flag = { name: 'ipv6-first', short: '6', kind: 'switch', describe: 'Try IPv6 addresses first' };

const NO_DELAY: Flag = {
  name: 'tcp-no-delay',
  aliases: ['no-delay'],
  kind: 'switch',
  describe: 'TCP_NODELAY, which is on by default',
};

const KEEP_ALIVE: Flag = {
  name: 'tcp-keep-alive',
  aliases: ['keep-alive'],
  kind: 'value',
  argument: 'SECONDS',
  describe: 'Idle time before a TCP keep-alive probe, 15 by default; 0: none',
};

const PROTOCOL: Flag = {
  name: 'protocol',
  kind: 'value',
  argument: 'PROTOCOL',
  describe: 'What programs speak: mixed (default: socks and http on one port), socks, http, tunnel',
};

const FORWARD_ADDR: Flag = {
  name: 'forward-addr',
  short: 'f',
  kind: 'value',
  argument: 'HOST:PORT',
  describe: 'Tunnel: everything goes to this address',
};

const UDP_ONLY: Flag = { name: 'udp-only', short: 'u', kind: 'switch', describe: 'Carry UDP alone' };

const TCP_AND_UDP: Flag = { name: 'tcp-and-udp', short: 'U', kind: 'switch', describe: 'Carry TCP and UDP' };

const UDP_TIMEOUT: Flag = {
  name: 'udp-timeout',
  kind: 'value',
  argument: 'SECONDS',
  describe: 'End a UDP association that moved nothing for so long, 300 by default',
};

const UDP_MAX_ASSOCIATIONS: Flag = {
  name: 'udp-max-associations',
  kind: 'value',
  argument: 'COUNT',
  describe: 'UDP associations of one port at most, 4096 by default; the oldest idle one goes',
};

const ALLOW_INSECURE_CIPHERS: Flag = {
  name: 'allow-insecure-ciphers',
  kind: 'switch',
  describe: 'Let the method be an old stream cipher, or none',
};

const LOG_JSON: Flag = { name: 'log-json', kind: 'switch', describe: 'Log lines as JSON' };

const LOG_WITHOUT_TIME: Flag = { name: 'log-without-time', kind: 'switch', describe: 'Log lines without the time' };

export const HELP: Flag = { name: 'help', short: 'h', kind: 'switch', describe: 'Show this help' };

export const VERSION: Flag = { name: 'version', short: 'V', kind: 'switch', describe: 'Show the version' };

const COMMON = [
  PASSWORD,
  KEY,
  METHOD,
  CONFIG,
  VERBOSE,
  WORKERS,
  TIMEOUT,
  IDLE_TIMEOUT,
  DRAIN_TIMEOUT,
  DNS,
  IPV6_FIRST,
  NO_DELAY,
  KEEP_ALIVE,
  UDP_ONLY,
  TCP_AND_UDP,
  UDP_TIMEOUT,
  UDP_MAX_ASSOCIATIONS,
  ALLOW_INSECURE_CIPHERS,
  LOG_JSON,
  LOG_WITHOUT_TIME,
] as const;

/** `umbra local` and `sslocal`. */
export const LOCAL_FLAGS: readonly Flag[] = [LOCAL_ADDR, SERVER_ADDR, SERVER_URL, ...COMMON, PROTOCOL, FORWARD_ADDR];

/** `umbra server` and `ssserver`. */
export const SERVER_FLAGS: readonly Flag[] = [LISTEN_ADDR, ...COMMON, EGRESS_ALLOW, PROBE_TIMEOUT];

export const QUICKSTART_FLAGS: readonly Flag[] = [
  {
    name: 'port',
    short: 'p',
    kind: 'value',
    argument: 'PORT',
    describe: 'SOCKS and HTTP port; default: 1080, or any if taken',
  },
  { ...METHOD, describe: 'Encryption method, 2022-blake3-aes-256-gcm by default' },
  VERBOSE,
];

export const CHECK_FLAGS: readonly Flag[] = [
  CONFIG,
  { name: 'as', kind: 'value', argument: 'MODE', describe: 'Check for one mode alone: local or server' },
  { name: 'schema', kind: 'switch', describe: 'Print the JSON schema of the file, for editors' },
];

export const GENKEY_FLAGS: readonly Flag[] = [METHOD];

/** `umbra url` and `ssurl`. */
export const URL_FLAGS: readonly Flag[] = [
  {
    name: 'encode',
    short: 'e',
    kind: 'value',
    argument: 'FILE',
    describe: 'Print the servers of a configuration file as links',
  },
  {
    name: 'decode',
    short: 'd',
    kind: 'value',
    argument: 'LINK',
    describe: 'Print what a link says as a configuration; "-" reads it from standard input',
  },
  { name: 'qrcode', short: 'c', kind: 'switch', describe: 'Print a QR code too' },
  { ...SERVER_ADDR, describe: 'Server of a link, with -k and -m in place of a file' },
  PASSWORD,
  METHOD,
  { name: 'name', short: 'n', kind: 'value', argument: 'NAME', describe: 'What the link calls the server' },
];

/** What `ssurl` of shadowsocks-rust has besides. */
export const LATER_URL_FLAGS: readonly LaterFlag[] = [
  { name: 'outline', short: 'o', takesValue: true, describe: 'server of an ssconf:// address' },
];

const LATER_COMMON: readonly LaterFlag[] = [
  { name: 'nofile', short: 'n', takesValue: true, describe: 'limit of open files' },
  { name: 'daemonize', short: 'd', takesValue: false, describe: 'run in the background' },
  { name: 'daemonize-pid', takesValue: true, describe: 'file for the process id' },
  { name: 'user', short: 'a', takesValue: true, describe: 'user to run as' },
  { name: 'plugin', takesValue: true, describe: 'SIP003 plugin' },
  { name: 'plugin-opts', takesValue: true, describe: 'options of the plugin' },
  { name: 'plugin-mode', takesValue: true, describe: 'what the plugin carries' },
  { name: 'acl', takesValue: true, describe: 'access control file' },
  { name: 'dns-cache-size', takesValue: true, describe: 'entries of the DNS cache' },
  { name: 'tcp-fast-open', aliases: ['fast-open'], takesValue: false, describe: 'TCP Fast Open' },
  { name: 'tcp-multipath', aliases: ['mptcp'], takesValue: false, describe: 'Multipath TCP' },
  { name: 'inbound-send-buffer-size', takesValue: true, describe: 'send buffer of accepted connections' },
  { name: 'inbound-recv-buffer-size', takesValue: true, describe: 'receive buffer of accepted connections' },
  { name: 'outbound-send-buffer-size', takesValue: true, describe: 'send buffer of outgoing connections' },
  { name: 'outbound-recv-buffer-size', takesValue: true, describe: 'receive buffer of outgoing connections' },
  { name: 'outbound-bind-interface', takesValue: true, describe: 'interface of outgoing connections' },
  { name: 'outbound-fwmark', takesValue: true, describe: 'mark of outgoing packets' },
];

/** What `sslocal` of shadowsocks-rust has besides. */
export const LATER_LOCAL_FLAGS: readonly LaterFlag[] = [
  ...LATER_COMMON,
  { name: 'outbound-bind-addr', takesValue: true, describe: 'address of outgoing connections' },
  { name: 'udp-bind-addr', takesValue: true, describe: 'address that UDP listens on' },
  { name: 'udp-associate-addr', takesValue: true, describe: 'address told to UDP clients' },
  { name: 'tcp-redir', takesValue: true, describe: 'how connections are redirected here' },
  { name: 'udp-redir', takesValue: true, describe: 'how packets are redirected here' },
  { name: 'local-dns-addr', takesValue: true, describe: 'name server for bypassed names' },
  { name: 'remote-dns-addr', takesValue: true, describe: 'name server for proxied names' },
  { name: 'online-config-url', takesValue: true, describe: 'servers from an address (SIP008)' },
  { name: 'online-config-update-interval', takesValue: true, describe: 'how often they are fetched' },
  { name: 'online-config-allowed-plugin', takesValue: true, describe: 'plugins that they may name' },
];

/** What `ssserver` of shadowsocks-rust has besides. */
export const LATER_SERVER_FLAGS: readonly LaterFlag[] = [
  ...LATER_COMMON,
  { name: 'outbound-bind-addr', short: 'b', takesValue: true, describe: 'address of outgoing connections' },
  { name: 'manager-addr', takesValue: true, describe: 'address of the manager' },
  { name: 'outbound-proxy', takesValue: true, describe: 'a proxy behind the server' },
];
