/**
 * The fast backend: libcrypto's ciphers on contexts that are pooled. A session takes one, gives it its key, and gives it back with the
 * key overwritten.
 */

import { EvpAead, type EvpAeadName } from '../../native-bindings/libcrypto.js';
import type { Region } from '../../native-bindings/memory.js';
import type { AeadCipher, OpeningKey, SealingKey } from './aead.js';

/** Idle contexts kept for each direction; about 1 KiB each. Past that they are freed. */
const POOL_LIMIT = 1024;

class PooledKey implements SealingKey, OpeningKey {
  readonly #context: EvpAead;
  readonly #pool: PooledKey[];
  readonly #zeroKey: Uint8Array;

  constructor(context: EvpAead, pool: PooledKey[], zeroKey: Uint8Array) {
    this.#context = context;
    this.#pool = pool;
    this.#zeroKey = zeroKey;
  }

  rekey(key: Uint8Array): void {
    this.#context.rekey(key);
  }

  seal(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    this.#context.seal(counter, input, inputAt, length, output, outputAt);
  }

  open(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): boolean {
    return this.#context.open(counter, input, inputAt, length, output, outputAt);
  }

  release(): void {
    if (this.#pool.length >= POOL_LIMIT) {
      this.#context.free();
      return;
    }
    this.#context.rekey(this.#zeroKey);
    this.#pool.push(this);
  }
}

/** @throws LibcryptoMissingError */
export function createLibcryptoCipher(name: EvpAeadName, keyLength: number): AeadCipher {
  const idle = { seal: [] as PooledKey[], open: [] as PooledKey[] };
  const zeroKey = new Uint8Array(keyLength);
  const take = (direction: 'seal' | 'open', key: Uint8Array): PooledKey => {
    const pool = idle[direction];
    const pooled = pool.pop() ?? new PooledKey(new EvpAead(name, keyLength, direction), pool, zeroKey);
    pooled.rekey(key);
    return pooled;
  };
  return {
    name,
    backend: 'libcrypto',
    sealingKey: (key) => take('seal', key),
    openingKey: (key) => take('open', key),
  };
}
