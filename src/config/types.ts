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

export type MethodName = (typeof AEAD_2017_METHODS)[number];

/** A name or IP literal with a port, as a person writes it. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** One Shadowsocks server: what the client dials and what the server listens on. */
export interface ShadowsocksEndpoint extends HostPort {
  readonly method: MethodName;
  /** The user's password; the key is derived from it by EVP_BytesToKey. */
  readonly password: string;
  /** Raw key in base64 (URL-safe or standard alphabet), which takes the place of `password` where it is present. */
  readonly key?: string;
  /** A label for logs (`remarks` or `name` in the file). */
  readonly name?: string;
}

/** Where the client listens for programs on this machine. */
export interface LocalInlet extends HostPort {
  /** SOCKS5 user/password pairs (RFC 1929). An empty list: no authentication. */
  readonly users: readonly { readonly user: string; readonly password: string }[];
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
  /** On stop: how long live relays may finish. */
  readonly drainTimeoutMs: number;
  /** Name servers to ask, `ip` or `ip:port` or `[v6]:port`; empty: those of /etc/resolv.conf. */
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
