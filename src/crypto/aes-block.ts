/**
 * AES on one block of 16 bytes, by itself (ECB), for what the 2022 edition hides that way: the separate header of a datagram (SIP022 §3.2.2) and
 * identity headers (SIP023). Like the AEAD backends, the way into libcrypto has to give known answers on each thread before it is used.
 */

import { AES_BLOCK_LENGTH, AesDirect } from '../../native-bindings/aes-direct.js';
import { EvpCipher } from '../../native-bindings/evp-cipher.js';
import { LibcryptoMissingError } from '../../native-bindings/libcrypto.js';
import { Region } from '../../native-bindings/memory.js';
import { CipherUnavailableError } from './ciphers.js';

/** What both ways into libcrypto can do. */
export interface BlockBackend {
  rekey(key: Uint8Array): void;
  encrypt(input: Region, inputAt: number, output: Region, outputAt: number): void;
  decrypt(input: Region, inputAt: number, output: Region, outputAt: number): void;
  /** Overwrites the key. */
  free(): void;
}

/** One key of AES-128 or AES-256, for both directions. Nothing is allocated for a block or another key. */
export class AesBlock {
  readonly #backend: BlockBackend;
  readonly #keyLength: number;
  #released = false;

  /**
   * @param key 16 or 32 bytes; is copied
   * @throws CipherUnavailableError where libcrypto has no AES, or one that gives wrong answers
   */
  constructor(key: Uint8Array) {
    this.#keyLength = key.length;
    this.#backend = makeProvenBackend(key.length);
    this.#backend.rekey(key);
  }

  /** Takes another key of the same length; the old one is overwritten. @param key is copied */
  rekey(key: Uint8Array): void {
    if (this.#released || key.length !== this.#keyLength) {
      throw new RangeError(`another key of ${this.#keyLength} bytes was expected`);
    }
    this.#backend.rekey(key);
  }

  /** Encrypts 16 bytes; in place, or from one place to another that does not overlap it. */
  encrypt(input: Region, inputAt: number, output: Region, outputAt: number): void {
    if (this.#released) throw new Error('a released key was used');
    this.#backend.encrypt(input, inputAt, output, outputAt);
  }

  /** Decrypts 16 bytes, as `encrypt`. */
  decrypt(input: Region, inputAt: number, output: Region, outputAt: number): void {
    if (this.#released) throw new Error('a released key was used');
    this.#backend.decrypt(input, inputAt, output, outputAt);
  }

  /** Forgets the key. Idempotent. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#backend.free();
  }
}

/** The way that is taken where AES-NI is out of reach: a context for each direction. */
export class EvpBlock implements BlockBackend {
  readonly #encrypting: EvpCipher;
  readonly #decrypting: EvpCipher;

  /** @throws LibcryptoMissingError */
  constructor(keyLength: number) {
    const type = `EVP_aes_${keyLength * 8}_ecb`;
    this.#encrypting = new EvpCipher(type, 'encrypt');
    this.#decrypting = new EvpCipher(type, 'decrypt');
  }

  rekey(key: Uint8Array): void {
    this.#encrypting.start(key, NO_IV);
    this.#decrypting.start(key, NO_IV);
  }

  encrypt(input: Region, inputAt: number, output: Region, outputAt: number): void {
    this.#encrypting.update(input, inputAt, AES_BLOCK_LENGTH, output, outputAt);
  }

  decrypt(input: Region, inputAt: number, output: Region, outputAt: number): void {
    this.#decrypting.update(input, inputAt, AES_BLOCK_LENGTH, output, outputAt);
  }

  free(): void {
    this.#encrypting.free();
    this.#decrypting.free();
  }
}

const NO_IV = new Uint8Array(0);

function makeBackend(keyLength: number): BlockBackend {
  try {
    return new AesDirect();
  } catch (error) {
    if (error instanceof LibcryptoMissingError) return new EvpBlock(keyLength);
    throw error;
  }
}

/** By key length: FIPS 197, appendix C. The key is the bytes 0, 1, 2, … , the block 00 11 22 … ff. */
const KNOWN_ANSWERS: ReadonlyMap<number, string> = new Map([
  [16, '69c4e0d86a7b0430d8cdb78070b4c55a'],
  [32, '8ea2b7ca516745bfeafc49904b496089'],
]);

/** Key lengths whose answers were right on this thread. */
const proven = new Set<number>();

function makeProvenBackend(keyLength: number): BlockBackend {
  if (!KNOWN_ANSWERS.has(keyLength)) throw new RangeError(`AES keys here have 16 or 32 bytes, not ${keyLength}`);
  try {
    if (!proven.has(keyLength)) {
      proveBlockBackend(makeBackend(keyLength), keyLength);
      proven.add(keyLength);
    }
    return makeBackend(keyLength);
  } catch (error) {
    if (!(error instanceof LibcryptoMissingError)) throw error;
    throw new CipherUnavailableError(`The methods of 2022 with AES need OpenSSL's libcrypto: ${error.message}.`);
  }
}

/**
 * Encrypts and decrypts a known block, and frees the backend.
 * @throws CipherUnavailableError on any difference
 */
export function proveBlockBackend(backend: BlockBackend, keyLength: number): void {
  const memory = new Region(4096);
  try {
    backend.rekey(Uint8Array.from({ length: keyLength }, (_, i) => i));
    for (let i = 0; i < AES_BLOCK_LENGTH; i++) memory.bytes[i] = 0x11 * i;
    backend.encrypt(memory, 0, memory, AES_BLOCK_LENGTH);
    backend.decrypt(memory, AES_BLOCK_LENGTH, memory, 2 * AES_BLOCK_LENGTH);
    const encrypted = Buffer.from(memory.bytes.slice(AES_BLOCK_LENGTH, 2 * AES_BLOCK_LENGTH)).toString('hex');
    const decrypted = memory.bytes.subarray(2 * AES_BLOCK_LENGTH, 3 * AES_BLOCK_LENGTH);
    if (encrypted !== KNOWN_ANSWERS.get(keyLength) || !decrypted.every((byte, i) => byte === 0x11 * i)) {
      throw new CipherUnavailableError("libcrypto's AES gives wrong answers on this machine; umbra will not use it.");
    }
  } finally {
    backend.free();
    memory.release();
  }
}
