/** From what a person configures (a password, or a raw key) to the master key of a method. */

import { createHash } from 'node:crypto';

/**
 * EVP_BytesToKey with MD5, no salt and one round, as every Shadowsocks implementation does: D(1) = MD5(password),
 * D(n) = MD5(D(n−1) | password), concatenated and cut. It does not stretch the password: a weak one falls to guessing.
 * @param length of the key in bytes
 */
export function keyFromPassword(password: string, length: number): Uint8Array {
  const secret = Buffer.from(password, 'utf8');
  const key = new Uint8Array(length);
  let previous: Buffer = Buffer.alloc(0);
  for (let filled = 0; filled < length; filled += previous.length) {
    previous = createHash('md5').update(previous).update(secret).digest();
    key.set(previous.subarray(0, length - filled), filled);
  }
  return key;
}

/**
 * A raw key in base64, standard or URL-safe alphabet, padding optional.
 * @returns undefined where it is not base64 or not `length` bytes
 */
export function keyFromBase64(text: string, length: number): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined;
  const key = new Uint8Array(Buffer.from(text, 'base64'));
  return key.length === length ? key : undefined;
}
