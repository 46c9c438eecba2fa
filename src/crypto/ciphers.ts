/**
 * Chooses the library for a cipher, and makes it prove itself: a backend that gives a wrong known answer does not run. A miscompiled or
 * mismatched libcrypto would otherwise show only as peers that cannot understand us, or worse.
 */

import { LibcryptoMissingError } from '../../native-bindings/libcrypto.js';
import { Region } from '../../native-bindings/memory.js';
import { type AeadCipher, TAG_LENGTH } from './aead.js';
import { createLibcryptoCipher } from './libcrypto-cipher.js';
import { createLibsodiumCipher, isSodiumCipher } from './libsodium-cipher.js';
import type { AeadMethod, CipherName } from './methods.js';

/** What a cipher makes of the message 0, 1, 2, … under the key 0, 1, 2, … Of 20 bytes, where nothing else is said. */
interface KnownAnswers {
  /** With the counter 2^32 + 1 as the nonce, so that both halves of it are looked at. */
  readonly byCounter: string;
  /** With the bytes e1, e2, e3, … as the nonce. */
  readonly byNonce: string;
  /** The tag of 1,000 bytes, likewise by the nonce: a long message takes other ways than a short one. */
  readonly longTag: string;
}

/** Sealed by @noble/ciphers and node:crypto alike (XChaCha20-Poly1305, which node:crypto lacks, by libsodium). */
const KNOWN_ANSWERS: Readonly<Record<CipherName, KnownAnswers>> = {
  'aes-128-gcm': {
    byCounter: '5ae61bcf1f57cc6e9ef419879da4a098ae4989a67dce363372475ef84dfbcbf081e1afd5',
    byNonce: 'd23eeca1ca3a75c8ff0fc8f8a25a341c9b782f3c745b033e51c42709d4957a63cbebb876',
    longTag: '5fbf613e27acc9792e4ab67b6c4c05e2',
  },
  'aes-192-gcm': {
    byCounter: 'afbe9d8aabea6890e2252ff4368512c6f6b51879345d0ef2f73df32bcf4db4982d5b354f',
    byNonce: '81394de09ad7727aeefd2f1bbe8b2f59eeb6bd832dadb120d93c2f47010f653c47f15a4b',
    longTag: 'd0409479b77425028d50b9586ebc5ddd',
  },
  'aes-256-gcm': {
    byCounter: '00187121a6dbdae3551ab8a17b265dfe56bba50e9e5731a1d4c176039ef277012e6257bc',
    byNonce: '1d661966dad7ae3acb3503f8b664cfeabb7082776a66c192d0edd98bd4ca9cc81911f141',
    longTag: '36da6a2cc93c074ef10e597a90fe23d7',
  },
  'chacha20-poly1305': {
    byCounter: 'b92601b54975dff6bdceee18c845e9b3d68eb4a73ab42024050b409d6b122c60593e5ce1',
    byNonce: '6ba125e47aaae25750e8bdbe894082ca7f4981c54528dbcdb5329d0ae4ee1b1e16fc0081',
    longTag: 'dfb7392067ead7372957674e039e6a30',
  },
  'xchacha20-poly1305': {
    byCounter: '83677a7216e8d8dfd788c0379b6dcd4d68f4e5407c8672b58246eb59f61d5c659bdf4cb6',
    byNonce: 'afbe23e99f25ba87daecde69bf012942ee554fae003fb83f6fd824fb4920a68f8941418b',
    longTag: 'db412e789a7bf13d9a68227e4f647454',
  },
};
const KNOWN_COUNTER = 2 ** 32 + 1;
const KNOWN_NONCE_FIRST = 0xe1;
const KNOWN_LENGTH = 20;
const LONG_LENGTH = 1000;

/** No library here can do what a method needs. */
export class CipherUnavailableError extends Error {
  override readonly name = 'CipherUnavailableError';
}

/** As `createLibcryptoCipher`, which is the only one but in tests. */
type LibcryptoSource = typeof createLibcryptoCipher;

/** By where libcrypto's ciphers come from. */
const proven = new WeakMap<LibcryptoSource, Map<CipherName, AeadCipher>>();

/**
 * The cipher of a method, proven once for each thread. libsodium has to be loaded before (`loadLibsodium`) where it may be needed.
 * @param libcrypto a parameter so that its absence can be tested
 * @throws CipherUnavailableError
 */
export function cipherFor(method: AeadMethod, libcrypto: LibcryptoSource = createLibcryptoCipher): AeadCipher {
  const known = proven.get(libcrypto) ?? new Map<CipherName, AeadCipher>();
  proven.set(libcrypto, known);
  let cipher = known.get(method.cipher);
  if (cipher === undefined) {
    cipher = create(method, libcrypto);
    proveCipher(cipher, method.keyLength);
    known.set(method.cipher, cipher);
  }
  return cipher;
}

/** Whether `cipherFor` will need libsodium's module. @param libcrypto as there */
export function needsLibsodium(method: AeadMethod, libcrypto: LibcryptoSource = createLibcryptoCipher): boolean {
  return isSodiumCipher(method.cipher) && tryLibcrypto(libcrypto, method) === undefined;
}

function create(method: AeadMethod, libcrypto: LibcryptoSource): AeadCipher {
  const { name, cipher } = method;
  const fast = tryLibcrypto(libcrypto, method);
  if (fast !== undefined) return fast;
  if (isSodiumCipher(cipher)) return createLibsodiumCipher(cipher);
  throw new CipherUnavailableError(
    `The method ${name} needs OpenSSL's libcrypto, which this Node.js does not export: use chacha20-ietf-poly1305 or another build of Node.js.`,
  );
}

function tryLibcrypto(libcrypto: LibcryptoSource, { cipher, keyLength }: AeadMethod): AeadCipher | undefined {
  try {
    return libcrypto(cipher, keyLength);
  } catch (error) {
    if (error instanceof LibcryptoMissingError) return undefined;
    throw error;
  }
}

/** Where the known messages are worked on. */
const MESSAGE_AT = 0;
const SEALED_AT = 1024;
const OPENED_AT = 2048;
const NONCE_AT = 3072;

/**
 * Seals and opens known messages, by counter and by nonce, and has changed ones refused.
 * @throws CipherUnavailableError on any difference
 */
export function proveCipher(cipher: AeadCipher, keyLength: number): void {
  const memory = new Region(4096);
  const { bytes } = memory;
  const ramp = Uint8Array.from({ length: keyLength }, (_, i) => i);
  const sealing = cipher.sealingKey(new Uint8Array(keyLength));
  const opening = cipher.openingKey(new Uint8Array(keyLength));
  const { byCounter, byNonce, longTag } = KNOWN_ANSWERS[cipher.name];
  try {
    sealing.rekey(ramp);
    opening.rekey(ramp);
    for (let i = 0; i < LONG_LENGTH; i++) bytes[MESSAGE_AT + i] = i;
    for (let i = 0; i < cipher.nonceLength; i++) bytes[NONCE_AT + i] = KNOWN_NONCE_FIRST + i;

    sealing.seal(KNOWN_COUNTER, memory, MESSAGE_AT, KNOWN_LENGTH, memory, SEALED_AT);
    const openByCounter = (): boolean =>
      opening.open(KNOWN_COUNTER, memory, SEALED_AT, KNOWN_LENGTH, memory, OPENED_AT);
    const rightByCounter = isRight(memory, KNOWN_LENGTH, byCounter, openByCounter);

    const isRightByNonce = (length: number, answer: string): boolean => {
      sealing.sealWithNonce(memory, NONCE_AT, memory, MESSAGE_AT, length, memory, SEALED_AT);
      const open = (): boolean => opening.openWithNonce(memory, NONCE_AT, memory, SEALED_AT, length, memory, OPENED_AT);
      return isRight(memory, length, answer, open);
    };
    if (!rightByCounter || !isRightByNonce(KNOWN_LENGTH, byNonce) || !isRightByNonce(LONG_LENGTH, longTag)) {
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

/** Whether what was sealed ends like the answer, and opens as the message, but not with a bit changed. */
function isRight({ bytes }: Region, length: number, answer: string, open: () => boolean): boolean {
  const sealed = Buffer.from(bytes.slice(SEALED_AT, SEALED_AT + length + TAG_LENGTH)).toString('hex');
  bytes.fill(0, OPENED_AT, OPENED_AT + length);
  const opened = open();
  const same = bytes.subarray(OPENED_AT, OPENED_AT + length).every((byte, i) => byte === (i & 0xff));
  bytes[SEALED_AT] ^= 1;
  return sealed.endsWith(answer) && opened && same && !open();
}
