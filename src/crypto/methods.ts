/** The encryption methods: what their names mean in bytes. */

import type {
  Aead2017MethodName,
  Aead2022MethodName,
  MethodName,
  PlainMethodName,
  StreamMethodName,
} from '../config/types.js';

/** The AEAD ciphers below the methods, by the names that the backends use. */
export type CipherName = 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' | 'chacha20-poly1305' | 'xchacha20-poly1305';

/** In bytes. */
export const NONCE_LENGTHS: Readonly<Record<CipherName, number>> = {
  'aes-128-gcm': 12,
  'aes-192-gcm': 12,
  'aes-256-gcm': 12,
  'chacha20-poly1305': 12,
  'xchacha20-poly1305': 24,
};

export interface AeadMethod {
  readonly name: Aead2017MethodName | Aead2022MethodName;
  /** The wire format: SIP004, or SIP022. */
  readonly family: 'aead-2017' | 'aead-2022';
  readonly cipher: CipherName;
  /** In bytes; the salt is as long. */
  readonly keyLength: number;
}

/** Without integrity. */
export interface StreamMethod {
  readonly name: StreamMethodName;
  readonly family: 'stream';
  /** In bytes. */
  readonly keyLength: number;
  readonly ivLength: number;
}

/** Without encryption. */
export interface PlainMethod {
  readonly name: PlainMethodName;
  readonly family: 'plain';
  readonly keyLength: 0;
}

export type Method = AeadMethod | StreamMethod | PlainMethod;

const aead2017 = (name: Aead2017MethodName, cipher: CipherName, keyLength: number): AeadMethod => ({
  name,
  family: 'aead-2017',
  cipher,
  keyLength,
});

const aead2022 = (name: Aead2022MethodName, cipher: CipherName, keyLength: number): AeadMethod => ({
  name,
  family: 'aead-2022',
  cipher,
  keyLength,
});

const stream = (name: StreamMethodName, keyLength: number, ivLength: number): StreamMethod => ({
  name,
  family: 'stream',
  keyLength,
  ivLength,
});

/** SIP004 and SIP007. */
const AEAD_2017 = {
  'aes-128-gcm': aead2017('aes-128-gcm', 'aes-128-gcm', 16),
  'aes-192-gcm': aead2017('aes-192-gcm', 'aes-192-gcm', 24),
  'aes-256-gcm': aead2017('aes-256-gcm', 'aes-256-gcm', 32),
  'chacha20-ietf-poly1305': aead2017('chacha20-ietf-poly1305', 'chacha20-poly1305', 32),
  'xchacha20-ietf-poly1305': aead2017('xchacha20-ietf-poly1305', 'xchacha20-poly1305', 32),
} as const;

/** SIP022. */
const AEAD_2022 = {
  '2022-blake3-aes-128-gcm': aead2022('2022-blake3-aes-128-gcm', 'aes-128-gcm', 16),
  '2022-blake3-aes-256-gcm': aead2022('2022-blake3-aes-256-gcm', 'aes-256-gcm', 32),
  '2022-blake3-chacha20-poly1305': aead2022('2022-blake3-chacha20-poly1305', 'chacha20-poly1305', 32),
} as const;

/** As the original has them; those of libsodium have a nonce in place of an IV. */
const STREAM = {
  'aes-128-ctr': stream('aes-128-ctr', 16, 16),
  'aes-192-ctr': stream('aes-192-ctr', 24, 16),
  'aes-256-ctr': stream('aes-256-ctr', 32, 16),
  'aes-128-cfb': stream('aes-128-cfb', 16, 16),
  'aes-192-cfb': stream('aes-192-cfb', 24, 16),
  'aes-256-cfb': stream('aes-256-cfb', 32, 16),
  'camellia-128-cfb': stream('camellia-128-cfb', 16, 16),
  'camellia-192-cfb': stream('camellia-192-cfb', 24, 16),
  'camellia-256-cfb': stream('camellia-256-cfb', 32, 16),
  chacha20: stream('chacha20', 32, 8),
  'chacha20-ietf': stream('chacha20-ietf', 32, 12),
  salsa20: stream('salsa20', 32, 8),
  'rc4-md5': stream('rc4-md5', 16, 16),
} as const;

const PLAIN: Readonly<Record<PlainMethodName, PlainMethod>> = {
  none: { name: 'none', family: 'plain', keyLength: 0 },
  plain: { name: 'plain', family: 'plain', keyLength: 0 },
};

/** Whatever a configuration may name. */
export const METHODS = { ...AEAD_2017, ...AEAD_2022, ...STREAM, ...PLAIN } as const satisfies Record<
  MethodName,
  Method
>;
