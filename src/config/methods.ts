/**
 * Checks of method names and keys. Methods that people have in their files and that do not work here are known by name, so that
 * the answer to those is better than "unknown".
 */

import { METHODS, type Method } from '../crypto/methods.js';
import {
  AEAD_2017_METHODS,
  AEAD_2022_METHODS,
  DEFAULTS,
  MAX_IDENTITY_KEYS,
  type MethodName,
  PLAIN_METHODS,
  STREAM_METHODS,
} from './types.js';

/** Methods without integrity that nobody should miss, by their older names too. */
const ABANDONED_METHOD =
  /^(?:table|rc4(?:-md5-6)?|xchacha20|(?:aes|camellia)-(?:128|192|256)-(?:ctr|ofb|cfb(?:1|8|128)?)|(?:bf|cast5|des|idea|rc2|seed)-cfb)$/;

/** SIP022 names two more, with fewer rounds. */
const AEAD_2022_METHOD = /^2022-blake3-/;

const SAFE_METHODS: readonly MethodName[] = [...AEAD_2022_METHODS, ...AEAD_2017_METHODS];
const INSECURE_METHODS: readonly MethodName[] = [...STREAM_METHODS, ...PLAIN_METHODS];

export type MethodCheck = { readonly method: MethodName } | { readonly problem: string };

/**
 * @param allowInsecure `allow_insecure_ciphers`
 * @returns the method, or the rest of a sentence that starts with the name of the key or flag it came from
 */
export function checkMethod(name: string, allowInsecure: boolean): MethodCheck {
  const lower = name.toLowerCase();
  const method = SAFE_METHODS.find((known) => known === lower || known === ALIASES[lower]);
  if (method !== undefined) return { method };
  const choices = `use one of ${SAFE_METHODS.join(', ')}`;
  const insecure = INSECURE_METHODS.find((known) => known === lower);
  if (insecure !== undefined) {
    if (allowInsecure) return { method: insecure };
    const advice = 'or, until every peer has another, set allow_insecure_ciphers (--allow-insecure-ciphers)';
    return { problem: `is "${name}", ${weaknessOf(METHODS[insecure])}: ${choices}, ${advice}` };
  }
  if (AEAD_2022_METHOD.test(lower)) return { problem: `is "${name}", a 2022 method that is not served: ${choices}` };
  if (ABANDONED_METHOD.test(lower)) {
    return { problem: `is "${name}", which has no integrity protection and is not served: ${choices}` };
  }
  return { problem: `is "${name}", which is not a method: ${choices}` };
}

/** The end of a sentence that starts with the method, where it has a weakness. */
function weaknessOf(method: Method): string {
  if (method.family === 'plain') return 'which encrypts nothing';
  return 'which has no integrity protection';
}

/** @returns what has to be said once at the start where `allow_insecure_ciphers` lets such a method in; undefined for the others */
export function insecurityWarning(name: MethodName): string | undefined {
  switch (METHODS[name].family) {
    case 'stream':
      return (
        `The method "${name}" authenticates nothing: who has recorded a connection can change it, send it again, and so make the ` +
        'server decrypt it for him (the redirect attack on stream ciphers, Peng 2020). Give every peer a method of 2022, or ' +
        `${DEFAULTS.method}.`
      );
    case 'plain':
      return `The method "${name}" encrypts nothing: everybody on the way reads and changes what it carries, and whoever reaches the server can use it.`;
    default:
      return undefined;
  }
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

/** As `keyProblem`, for the keys of the hops to a server of 2022, outermost first, with colons in between (SIP023). */
export function keyChainProblem(chain: string, method: MethodName): string | undefined {
  const keys = chain.split(':');
  if (keys.length === 1) return keyProblem(chain, method);
  if (!hasIdentities(METHODS[method])) return `has identity keys, which ${method} knows not: give one key`;
  if (keys.length > MAX_IDENTITY_KEYS + 1)
    return `has ${keys.length} keys: at most ${MAX_IDENTITY_KEYS + 1} are served`;
  return keys
    .map((key, at) => ({ at, problem: keyProblem(key, method) }))
    .filter(({ problem }) => problem !== undefined)
    .map(({ at, problem }) => `has a key (number ${at + 1}) that ${problem}`)[0];
}

/** Identity headers are blocks of AES (SIP023). */
export function hasIdentities(method: Method): boolean {
  return method.family === 'aead-2022' && method.cipher !== 'chacha20-poly1305';
}
