/**
 * What a running proxy is told: plain data, complete, validated. The loader (`config/`), the command line (`cli/`) and the library
 * (`src/umbra.ts`) all make these; the data plane only reads them. They cross a thread boundary by structured clone, so they hold
 * no functions and no class instances.
 */

/** AEAD 2017 methods (SIP004, SIP007). */
export const AEAD_2017_METHODS = [
  'aes-128-gcm',
  'aes-192-gcm',
  'aes-256-gcm',
  'chacha20-ietf-poly1305',
  'xchacha20-ietf-poly1305',
] as const;

/** Methods of the 2022 edition (SIP022). */
export const AEAD_2022_METHODS = [
  '2022-blake3-aes-128-gcm',
  '2022-blake3-aes-256-gcm',
  '2022-blake3-chacha20-poly1305',
] as const;

/** Stream ciphers, which nothing protects against change: only where `allow_insecure_ciphers` says so. */
export const STREAM_METHODS = [
  'aes-128-ctr',
  'aes-192-ctr',
  'aes-256-ctr',
  'aes-128-cfb',
  'aes-192-cfb',
  'aes-256-cfb',
  'camellia-128-cfb',
  'camellia-192-cfb',
  'camellia-256-cfb',
  'chacha20',
  'chacha20-ietf',
  'salsa20',
  'rc4-md5',
] as const;

/** No encryption at all; two names for one thing. Only where `allow_insecure_ciphers` says so. */
export const PLAIN_METHODS = ['none', 'plain'] as const;

export type Aead2017MethodName = (typeof AEAD_2017_METHODS)[number];
export type Aead2022MethodName = (typeof AEAD_2022_METHODS)[number];
export type StreamMethodName = (typeof STREAM_METHODS)[number];
export type PlainMethodName = (typeof PLAIN_METHODS)[number];
export type MethodName = Aead2017MethodName | Aead2022MethodName | StreamMethodName | PlainMethodName;

/** What an endpoint or an inlet carries. */
export const TRANSPORT_MODES = ['tcp_only', 'tcp_and_udp', 'udp_only'] as const;
export type TransportMode = (typeof TRANSPORT_MODES)[number];

/**
 * Identity keys before a user's (SIP023). With all of them, the longest address and the most padding, a request's head still fits one segment
 * of an Ethernet's TCP (1,364 of 1,448 bytes), and so the server's one receive.
 */
export const MAX_IDENTITY_KEYS = 8;

/** Users of one port of an AEAD 2017 method, each of whom is tried in turn for an unknown client. */
export const MAX_TRIAL_USERS = 1000;

/** A name or IP literal with a port, as a person writes it. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** One Shadowsocks server: what the client dials and what the server listens on. */
export interface ShadowsocksEndpoint extends HostPort {
  readonly method: MethodName;
  /**
   * The password; the key is derived from it by EVP_BytesToKey. Of a 2022 method: the key itself in base64, on a client behind those of
   * the hops before (`iPSK:…:uPSK`), on a server with users the identity key.
   */
  readonly password: string;
  /** Raw key in base64 (URL-safe or standard alphabet), which takes the place of `password` where it is present. */
  readonly key?: string;
  /** A label for logs (`remarks` or `name` in the file). */
  readonly name?: string;
  /** A server's users on this one port; none where it is absent. A method of AEAD 2017 then knows their passwords alone. */
  readonly users?: readonly EndpointUser[];
  /**
   * A server that has these is a hop of SIP023: it connects to nothing else. `password` is then the key that its own identity header is
   * sealed with, and it has no users.
   */
  readonly destinations?: readonly NextHop[];
  /** TCP alone where it is absent. */
  readonly mode?: TransportMode;
}

/** A server behind a hop. */
export interface NextHop extends HostPort {
  /** For counters and logs. */
  readonly name: string;
  /** In base64, the key by which clients name it: the one that comes behind the hop's own in theirs. */
  readonly password: string;
}

/** Somebody who shares a port with others. */
export interface EndpointUser {
  /** For counters and logs. */
  readonly name: string;
  /** Of a 2022 method: the key in base64. */
  readonly password: string;
}

/** What programs speak to an inlet. `socks`: SOCKS5, 4 and 4a. `mixed`: those and HTTP, told apart by the first byte. */
export const INLET_KINDS = ['mixed', 'socks', 'http', 'tunnel'] as const;
export type InletKind = (typeof INLET_KINDS)[number];

/** Where the client listens for programs on this machine. */
export interface LocalInlet extends HostPort {
  /** `mixed` where it is absent. */
  readonly kind?: InletKind;
  /** Users of SOCKS5 (RFC 1929) and of HTTP (Basic). An empty list: no authentication. */
  readonly users: readonly { readonly user: string; readonly password: string }[];
  /** TCP alone where it is absent. */
  readonly mode?: TransportMode;
  /** Where all of a tunnel's connections and packets go. */
  readonly forward?: HostPort;
}

/** Settings that both modes share. Every duration is in milliseconds. */
export interface CommonSettings {
  /** Reactor threads. */
  readonly workers: number;
  readonly noDelay: boolean;
  /** TCP keep-alive: idle time before the first probe; 0 leaves keep-alive off. */
  readonly keepAliveMs: number;
  /** Bounds the handshake and each connect. */
  readonly connectTimeoutMs: number;
  /** Ends a relay that moved nothing for so long; 0: never (the default, as the peers do). */
  readonly idleTimeoutMs: number;
  /** Ends a UDP association that moved no packet for so long. */
  readonly udpTimeoutMs: number;
  /** UDP associations of one port at most; past it the oldest idle one goes. */
  readonly udpMaxAssociations: number;
  /** On stop: how long live relays may finish. */
  readonly drainTimeoutMs: number;
  /** Name servers to ask, `ip` or `ip:port` or `[v6]:port`, v6 perhaps with a zone; empty: those of /etc/resolv.conf. */
  readonly nameServers: readonly string[];
  readonly ipv6First: boolean;
}

export interface LocalSettings extends CommonSettings {
  readonly inlets: readonly LocalInlet[];
  /** The first one that can be reached is used. */
  readonly servers: readonly ShadowsocksEndpoint[];
}

export interface ServerSettings extends CommonSettings {
  readonly listen: readonly ShadowsocksEndpoint[];
  /** CIDR blocks that a relay may reach although they are loopback, private, link-local, multicast or unspecified. */
  readonly egressAllow: readonly string[];
  /** A connection that failed to authenticate is held, read and discarded this long from its accept; 0: for ever. */
  readonly probeTimeoutMs: number;
}

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';

/** Defaults, each with where its number comes from. */
export const DEFAULTS = {
  noDelay: true,
  /** shadowsocks-rust sets 15 s on both ends of its sockets. */
  keepAliveMs: 15_000,
  /** shadowsocks-rust bounds connect and handshake by 5 s when `timeout` is absent. */
  connectTimeoutMs: 5_000,
  idleTimeoutMs: 0,
  /** shadowsocks-rust's; SIP022 asks for at least 60 s. */
  udpTimeoutMs: 300_000,
  /** Each costs a socket, and one process has often no more than some thousands. */
  udpMaxAssociations: 4096,
  mode: 'tcp_only',
  drainTimeoutMs: 10_000,
  /** Outline's 59 s, libev's 60 s: among the commonest time-outs of ordinary services (NDSS 2020). */
  probeTimeoutMs: 60_000,
  ipv6First: false,
  localHost: '127.0.0.1',
  localPort: 1080,
  serverHost: '0.0.0.0',
  serverPort: 8388,
  method: 'chacha20-ietf-poly1305',
} as const;
