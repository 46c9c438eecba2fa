/**
 * The fast backend: libcrypto's ciphers on contexts that are pooled. A session takes one, gives it its key, and gives it back with the
 * key overwritten.
 */

import { ChaChaDirect, XChaChaDirect } from '../../native-bindings/chacha-direct.js';
import { evpIsFasterForLongMessages, GcmDirect } from '../../native-bindings/gcm-direct.js';
import { EvpAead, LibcryptoMissingError } from '../../native-bindings/libcrypto.js';
import type { Region } from '../../native-bindings/memory.js';
import type { AeadCipher, OpeningKey, SealingKey } from './aead.js';
import { type CipherName, NONCE_LENGTHS } from './methods.js';

/** Idle contexts kept for each direction; about 1 KiB each. Past that they are freed. */
export const POOL_LIMIT = 1024;

/** What all ways into libcrypto can do. */
interface Context extends Omit<SealingKey & OpeningKey, 'release'> {
  /** Overwrites the key. */
  wipe(): void;
  free(): void;
}

/** What one session holds of a context: given back, it reaches the context no more, which may be another session's by then. */
class PooledKey implements SealingKey, OpeningKey {
  #context: Context | undefined;
  readonly #pool: Context[];

  constructor(context: Context, pool: Context[]) {
    this.#context = context;
    this.#pool = pool;
  }

  rekey(key: Uint8Array): void {
    (this.#context ?? released()).rekey(key);
  }

  seal(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    (this.#context ?? released()).seal(counter, input, inputAt, length, output, outputAt);
  }

  open(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): boolean {
    return (this.#context ?? released()).open(counter, input, inputAt, length, output, outputAt);
  }

  sealWithNonce(
    nonce: Region,
    nonceAt: number,
    input: Region,
    inputAt: number,
    length: number,
    output: Region,
    outputAt: number,
  ): void {
    (this.#context ?? released()).sealWithNonce(nonce, nonceAt, input, inputAt, length, output, outputAt);
  }

  openWithNonce(
    nonce: Region,
    nonceAt: number,
    input: Region,
    inputAt: number,
    length: number,
    output: Region,
    outputAt: number,
  ): boolean {
    return (this.#context ?? released()).openWithNonce(nonce, nonceAt, input, inputAt, length, output, outputAt);
  }

  release(): void {
    const context = this.#context;
    if (context === undefined) return;
    this.#context = undefined;
    if (this.#pool.length < POOL_LIMIT) {
      context.wipe();
      this.#pool.push(context);
    } else {
      context.free();
    }
  }
}

function released(): never {
  throw new Error('a released key was used');
}

/** @throws LibcryptoMissingError */
export function createLibcryptoCipher(name: CipherName, keyLength: number): AeadCipher {
  const sealing: Context[] = [];
  const opening: Context[] = [];
  const makeContext = contextMaker(name, keyLength);
  const take = (direction: 'seal' | 'open', pool: Context[], key: Uint8Array): PooledKey => {
    const context = pool.pop() ?? makeContext(direction);
    context.rekey(key);
    return new PooledKey(context, pool);
  };
  // Made now, so that a missing cipher is known before it is needed.
  take('seal', sealing, new Uint8Array(keyLength)).release();
  return {
    name,
    backend: 'libcrypto',
    nonceLength: NONCE_LENGTHS[name],
    sealingKey: (key) => take('seal', sealing, key),
    openingKey: (key) => take('open', opening, key),
  };
}

/** EVP is gone past where that is possible and no slower. */
function contextMaker(name: CipherName, keyLength: number): (direction: 'seal' | 'open') => Context {
  if (name === 'xchacha20-poly1305') return () => new XChaChaDirect();
  const direct =
    name === 'chacha20-poly1305' ? (): Context => new ChaChaDirect() : (): Context => new GcmDirect(keyLength);
  const evp = (direction: 'seal' | 'open'): Context => new EvpAead(name, keyLength, direction);
  if (name !== 'chacha20-poly1305' && evpIsFasterForLongMessages(process.versions.openssl)) return evp;
  try {
    direct().free();
    return direct;
  } catch (error) {
    if (error instanceof LibcryptoMissingError) return evp;
    throw error;
  }
}
