/**
 * Chooses the library for a cipher, and makes it prove itself: a backend that gives a wrong known answer does not run. A miscompiled or
 * mismatched libcrypto would otherwise show only as peers that cannot understand us, or worse.
 */

import { LibcryptoMissingError } from '../../native-bindings/libcrypto.js';
import { Region } from '../../native-bindings/memory.js';
import { type AeadCipher, TAG_LENGTH } from './aead.js';
import { createLibcryptoCipher } from './libcrypto-cipher.js';
import { createLibsodiumCipher } from './libsodium-cipher.js';
import type { CipherName, Method } from './methods.js';

/**
 * Sealed by @noble/ciphers and node:crypto alike: the key is the bytes 0, 1, 2, … , the message 20 such bytes, the nonce the counter
 * 2^32 + 1, so that both halves of it are looked at.
 */
const KNOWN_ANSWERS: Readonly<Record<CipherName, string>> = {
  'aes-128-gcm': '5ae61bcf1f57cc6e9ef419879da4a098ae4989a67dce363372475ef84dfbcbf081e1afd5',
  'aes-192-gcm': 'afbe9d8aabea6890e2252ff4368512c6f6b51879345d0ef2f73df32bcf4db4982d5b354f',
  'aes-256-gcm': '00187121a6dbdae3551ab8a17b265dfe56bba50e9e5731a1d4c176039ef277012e6257bc',
  'chacha20-poly1305': 'b92601b54975dff6bdceee18c845e9b3d68eb4a73ab42024050b409d6b122c60593e5ce1',
  'xchacha20-poly1305': '83677a7216e8d8dfd788c0379b6dcd4d68f4e5407c8672b58246eb59f61d5c659bdf4cb6',
};
const KNOWN_COUNTER = 2 ** 32 + 1;
const KNOWN_LENGTH = 20;

/** No library here can do what a method needs. */
export class CipherUnavailableError extends Error {
  override readonly name = 'CipherUnavailableError';
}

const proven = new Map<CipherName, AeadCipher>();

/**
 * The cipher of a method, proven once for each thread. libsodium has to be loaded before (`loadLibsodium`) where it may be needed.
 * @throws CipherUnavailableError
 */
export function cipherFor(method: Method): AeadCipher {
  const known = proven.get(method.cipher);
  if (known !== undefined) return known;
  const cipher = create(method);
  proveCipher(cipher, method.keyLength);
  proven.set(method.cipher, cipher);
  return cipher;
}

/** Whether `cipherFor` will need libsodium's module. */
export function needsLibsodium(method: Method): boolean {
  if (method.cipher === 'xchacha20-poly1305') return true;
  if (method.cipher !== 'chacha20-poly1305') return false;
  return tryLibcrypto(method.cipher, method.keyLength) === undefined;
}

function create({ name, cipher, keyLength }: Method): AeadCipher {
  if (cipher === 'xchacha20-poly1305') return createLibsodiumCipher(cipher);
  const fast = tryLibcrypto(cipher, keyLength);
  if (fast !== undefined) return fast;
  if (cipher === 'chacha20-poly1305') return createLibsodiumCipher(cipher);
  throw new CipherUnavailableError(
    `The method ${name} needs OpenSSL's libcrypto, which this Node.js does not export: use chacha20-ietf-poly1305 or another build of Node.js.`,
  );
}

function tryLibcrypto(cipher: Exclude<CipherName, 'xchacha20-poly1305'>, keyLength: number): AeadCipher | undefined {
  try {
    return createLibcryptoCipher(cipher, keyLength);
  } catch (error) {
    if (error instanceof LibcryptoMissingError) return undefined;
    throw error;
  }
}

/**
 * Seals and opens a known message, and has a changed one refused.
 * @throws CipherUnavailableError on any difference
 */
export function proveCipher(cipher: AeadCipher, keyLength: number): void {
  const memory = new Region(4096);
  const ramp = Uint8Array.from({ length: keyLength }, (_, i) => i);
  const sealing = cipher.sealingKey(ramp);
  const opening = cipher.openingKey(ramp);
  try {
    for (let i = 0; i < KNOWN_LENGTH; i++) memory.bytes[i] = i;
    sealing.seal(KNOWN_COUNTER, memory, 0, KNOWN_LENGTH, memory, 1024);
    const sealed = Buffer.from(memory.bytes.slice(1024, 1024 + KNOWN_LENGTH + TAG_LENGTH)).toString('hex');
    const opened = opening.open(KNOWN_COUNTER, memory, 1024, KNOWN_LENGTH, memory, 2048);
    const same = memory.bytes.subarray(2048, 2048 + KNOWN_LENGTH).every((byte, i) => byte === i);
    memory.bytes[1024] ^= 1;
    const refused = !opening.open(KNOWN_COUNTER, memory, 1024, KNOWN_LENGTH, memory, 3072);
    if (sealed !== KNOWN_ANSWERS[cipher.name] || !opened || !same || !refused) {
      throw new CipherUnavailableError(
        `${cipher.backend}'s ${cipher.name} gives wrong answers on this machine; umbra will not use it.`,
      );
    }
  } finally {
    sealing.release();
    opening.release();
    memory.release();
  }
}
