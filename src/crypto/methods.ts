/** The encryption methods: what their names mean in bytes. */

import type { MethodName } from '../config/types.js';

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

export interface Method {
  readonly name: MethodName;
  readonly cipher: CipherName;
  /** In bytes; the salt is as long. */
  readonly keyLength: number;
}

/** SIP004; lengths in bytes. */
export const METHODS: Readonly<Record<MethodName, Method>> = {
  'aes-128-gcm': { name: 'aes-128-gcm', cipher: 'aes-128-gcm', keyLength: 16 },
  'aes-192-gcm': { name: 'aes-192-gcm', cipher: 'aes-192-gcm', keyLength: 24 },
  'aes-256-gcm': { name: 'aes-256-gcm', cipher: 'aes-256-gcm', keyLength: 32 },
  'chacha20-ietf-poly1305': { name: 'chacha20-ietf-poly1305', cipher: 'chacha20-poly1305', keyLength: 32 },
  'xchacha20-ietf-poly1305': { name: 'xchacha20-ietf-poly1305', cipher: 'xchacha20-poly1305', keyLength: 32 },
};
