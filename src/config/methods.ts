/**
 * Checks of method names and raw keys. Methods that people have in their files and that do not work here are known by name,
 * so that the answer to those is better than "unknown".
 */

import { METHODS } from '../crypto/methods.js';
import { AEAD_2017_METHODS, type MethodName } from './types.js';

/** Methods without integrity, by their older names too. */
const STREAM_METHOD =
  /^(?:none|plain|table|rc4(?:-md5(?:-6)?)?|salsa20|x?chacha20(?:-ietf)?|(?:aes|camellia)-(?:128|192|256)-(?:ctr|ofb|cfb(?:1|8|128)?)|(?:bf|cast5|des|idea|rc2|seed)-cfb)$/;

/** SIP022. */
const AEAD_2022_METHOD = /^2022-blake3-/;

export type MethodCheck = { readonly method: MethodName } | { readonly problem: string };

/** @returns the method, or the rest of a sentence that starts with the name of the key or flag it came from */
export function checkMethod(name: string): MethodCheck {
  const lower = name.toLowerCase();
  const method = AEAD_2017_METHODS.find((known) => known === lower || known === ALIASES[lower]);
  if (method !== undefined) return { method };
  const choices = `use one of ${AEAD_2017_METHODS.join(', ')}`;
  if (AEAD_2022_METHOD.test(lower))
    return { problem: `is "${name}", a 2022 method, which is not served yet: ${choices}` };
  if (STREAM_METHOD.test(lower)) {
    return { problem: `is "${name}", which has no integrity protection and is not served yet: ${choices}` };
  }
  return { problem: `is "${name}", which is not a method: ${choices}` };
}

/** Names of the IETF's registry for the same methods, which some programs write. */
const ALIASES: Readonly<Record<string, MethodName>> = {
  aead_aes_128_gcm: 'aes-128-gcm',
  aead_aes_192_gcm: 'aes-192-gcm',
  aead_aes_256_gcm: 'aes-256-gcm',
  aead_chacha20_poly1305: 'chacha20-ietf-poly1305',
  aead_xchacha20_poly1305: 'xchacha20-ietf-poly1305',
};

/** @returns what is wrong with a raw key (base64, URL-safe or standard), or undefined; never any of the key itself */
export function keyProblem(key: string, method: MethodName): string | undefined {
  const expected = METHODS[method].keyLength;
  const advice = `${method} needs ${expected} bytes in base64, which "umbra genkey -m ${method}" makes`;
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(key)) return `is not base64: ${advice}`;
  const actual = Buffer.from(key, 'base64').length;
  return actual === expected ? undefined : `is ${actual} ${actual === 1 ? 'byte' : 'bytes'} long: ${advice}`;
}
