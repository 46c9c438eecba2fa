/**
 * The old stream ciphers by code that umbra does not use for them: @noble/ciphers, node:crypto (Camellia, which is OpenSSL's on both sides), and RC4
 * from its description.
 */

import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { cfb, ctr } from '@noble/ciphers/aes.js';
import { chacha20, chacha20orig } from '@noble/ciphers/chacha.js';
import { salsa20 } from '@noble/ciphers/salsa.js';
import type { PlainMethodName, StreamMethodName } from '../../src/config/types.js';
import { keyFromPassword } from '../../src/crypto/master-key.js';
import { METHODS } from '../../src/crypto/methods.js';

function rc4(key: Uint8Array, message: Uint8Array): Uint8Array {
  const s = Array.from({ length: 256 }, (_, i) => i);
  const swap = (a: number, b: number) => {
    [s[a], s[b]] = [s[b], s[a]];
  };
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + s[i] + key[i % key.length]) % 256;
    swap(i, j);
  }
  let [i, j] = [0, 0];
  return message.map((byte) => {
    i = (i + 1) % 256;
    j = (j + s[i]) % 256;
    swap(i, j);
    return byte ^ s[(s[i] + s[j]) % 256];
  });
}

/** A whole message at once. */
export function oracleEncrypt(name: StreamMethodName, key: Uint8Array, iv: Uint8Array, message: Uint8Array): Buffer {
  if (name === 'chacha20') return Buffer.from(chacha20orig(key, iv, message));
  if (name === 'chacha20-ietf') return Buffer.from(chacha20(key, iv, message));
  if (name === 'salsa20') return Buffer.from(salsa20(key, iv, message));
  if (name === 'rc4-md5') return Buffer.from(rc4(createHash('md5').update(key).update(iv).digest(), message));
  if (name.startsWith('camellia')) return createCipheriv(name, key, iv).update(message);
  return Buffer.from((name.endsWith('ctr') ? ctr : cfb)(key, iv).encrypt(message));
}

/** What a client that sends this plaintext would put on the wire, with a random IV in front. */
export function oracleStream(
  name: StreamMethodName | PlainMethodName,
  password: string,
  plaintext: Uint8Array,
): Buffer {
  const method = METHODS[name];
  if (method.family === 'plain') return Buffer.from(plaintext);
  const iv = randomBytes(method.ivLength);
  return Buffer.concat([iv, oracleEncrypt(method.name, keyFromPassword(password, method.keyLength), iv, plaintext)]);
}
