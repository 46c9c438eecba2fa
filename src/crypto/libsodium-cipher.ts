/**
 * The portable backend: libsodium compiled to WebAssembly. It stands in for ChaCha20 and XChaCha20 where libcrypto's parts of them are
 * missing. The module's raw functions are called on buffers inside its own memory, because the wrappers' convenient ones allocate
 * several arrays a message; the price is one copy in and one out.
 */

import { copyShort, fillShort } from '../../native-bindings/bytes.js';
import type { Region } from '../../native-bindings/memory.js';
import type { AeadCipher, OpeningKey, SealingKey } from './aead.js';
import { TAG_LENGTH } from './aead.js';
import { type CipherName, NONCE_LENGTHS } from './methods.js';

type SealFunction = (
  out: number,
  outLength: number,
  input: number,
  inputLength: number,
  inputLengthHigh: number,
  ad: number,
  adLength: number,
  adLengthHigh: number,
  secretNonce: number,
  nonce: number,
  key: number,
) => number;
type OpenFunction = (
  out: number,
  outLength: number,
  secretNonce: number,
  input: number,
  inputLength: number,
  inputLengthHigh: number,
  ad: number,
  adLength: number,
  adLengthHigh: number,
  nonce: number,
  key: number,
) => number;

/** The part of the emscripten module that is used here; libsodium-wrappers exports it as `libsodium`. */
interface SodiumModule {
  readonly HEAPU8: Uint8Array;
  _malloc(size: number): number;
  readonly _crypto_aead_chacha20poly1305_ietf_encrypt: SealFunction;
  readonly _crypto_aead_chacha20poly1305_ietf_decrypt: OpenFunction;
  readonly _crypto_aead_xchacha20poly1305_ietf_encrypt: SealFunction;
  readonly _crypto_aead_xchacha20poly1305_ietf_decrypt: OpenFunction;
}

/** The largest message: one chunk of AEAD 2017 is 0x3FFF bytes, a datagram at most 65,535. */
const LONGEST_MESSAGE = 65_536;
const KEY_LENGTH = 32;
const LONGEST_NONCE = 24;

export type SodiumCipherName = 'chacha20-poly1305' | 'xchacha20-poly1305';

export function isSodiumCipher(name: CipherName): name is SodiumCipherName {
  return name === 'chacha20-poly1305' || name === 'xchacha20-poly1305';
}

let loaded: SodiumModule | undefined;

/**
 * Loads libsodium, for whoever will need it: most programs never do, and compiling it would be a good part of their start. It has to be done
 * before a reactor runs, since it is asynchronous.
 */
export async function loadLibsodium(): Promise<void> {
  const { default: sodium } = await import('libsodium-wrappers');
  await sodium.ready;
  loaded = (sodium as unknown as { readonly libsodium: SodiumModule }).libsodium;
}

/** Buffers in the module's memory, shared by all keys of the thread. */
interface Buffers {
  readonly module: SodiumModule;
  readonly key: number;
  readonly nonce: number;
  readonly input: number;
  readonly output: number;
}

let buffers: Buffers | undefined;

function moduleBuffers(): Buffers {
  if (buffers === undefined) {
    const module = loaded;
    if (module === undefined) throw new Error('libsodium is not ready: call loadLibsodium() first');
    const at = module._malloc(KEY_LENGTH + LONGEST_NONCE + 8 + 2 * (LONGEST_MESSAGE + TAG_LENGTH));
    const input = at + KEY_LENGTH + LONGEST_NONCE + 8;
    buffers = { module, key: at, nonce: at + KEY_LENGTH, input, output: input + LONGEST_MESSAGE + TAG_LENGTH };
  }
  return buffers;
}

class SodiumKey implements SealingKey, OpeningKey {
  readonly #buffers = moduleBuffers();
  readonly #encrypt: SealFunction;
  readonly #decrypt: OpenFunction;
  readonly #key: Uint8Array;
  #released = false;
  readonly #nonceLength: number;

  constructor(name: SodiumCipherName, key: Uint8Array) {
    const { module } = this.#buffers;
    const extended = name === 'xchacha20-poly1305';
    this.#encrypt = extended
      ? module._crypto_aead_xchacha20poly1305_ietf_encrypt
      : module._crypto_aead_chacha20poly1305_ietf_encrypt;
    this.#decrypt = extended
      ? module._crypto_aead_xchacha20poly1305_ietf_decrypt
      : module._crypto_aead_chacha20poly1305_ietf_decrypt;
    this.#key = key.slice(0, KEY_LENGTH);
    this.#nonceLength = NONCE_LENGTHS[name];
  }

  rekey(key: Uint8Array): void {
    copyShort(key, 0, KEY_LENGTH, this.#key, 0);
  }

  seal(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    this.#writeCounter(counter);
    this.#seal(input, inputAt, length, output, outputAt);
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
    this.#copyNonce(nonce, nonceAt);
    this.#seal(input, inputAt, length, output, outputAt);
  }

  #seal(input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    output.at(outputAt, length + TAG_LENGTH);
    const { module, input: from, output: to, nonce, key } = this.#enter(input, inputAt, length);
    const status = this.#encrypt(to, 0, from, length, 0, 0, 0, 0, 0, nonce, key);
    if (status !== 0) throw new Error('libsodium: sealing failed');
    copy(module.HEAPU8, to, output.bytes, outputAt, length + TAG_LENGTH);
    this.#leave();
  }

  open(counter: number, input: Region, inputAt: number, length: number, output: Region, outputAt: number): boolean {
    this.#writeCounter(counter);
    return this.#open(input, inputAt, length, output, outputAt);
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
    this.#copyNonce(nonce, nonceAt);
    return this.#open(input, inputAt, length, output, outputAt);
  }

  #open(input: Region, inputAt: number, length: number, output: Region, outputAt: number): boolean {
    output.at(outputAt, length);
    const { module, input: from, output: to, nonce, key } = this.#enter(input, inputAt, length + TAG_LENGTH);
    const status = this.#decrypt(to, 0, 0, from, length + TAG_LENGTH, 0, 0, 0, 0, nonce, key);
    if (status === 0) copy(module.HEAPU8, to, output.bytes, outputAt, length);
    this.#leave();
    return status === 0;
  }

  /** The little-endian counter of Shadowsocks. */
  #writeCounter(counter: number): void {
    const { module, nonce } = this.#buffers;
    const heap = module.HEAPU8;
    fillShort(heap, 0, nonce, nonce + LONGEST_NONCE);
    for (let i = 0, rest = counter; rest > 0; i++, rest = Math.floor(rest / 256)) heap[nonce + i] = rest % 256;
  }

  #copyNonce(nonce: Region, nonceAt: number): void {
    nonce.at(nonceAt, this.#nonceLength);
    copyShort(nonce.bytes, nonceAt, this.#nonceLength, this.#buffers.module.HEAPU8, this.#buffers.nonce);
  }

  #enter(input: Region, inputAt: number, length: number): Buffers {
    if (this.#released) throw new Error('a released key was used');
    if (length > LONGEST_MESSAGE + TAG_LENGTH) throw new RangeError(`a message has at most ${LONGEST_MESSAGE} bytes`);
    const place = this.#buffers;
    const heap = place.module.HEAPU8;
    heap.set(this.#key, place.key);
    input.at(inputAt, length);
    copy(input.bytes, inputAt, heap, place.input, length);
    return place;
  }

  #leave(): void {
    this.#buffers.module.HEAPU8.fill(0, this.#buffers.key, this.#buffers.key + KEY_LENGTH);
  }

  release(): void {
    this.#released = true;
    this.#key.fill(0);
  }
}

function copy(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, length: number): void {
  to.set(from.subarray(fromAt, fromAt + length), toAt);
}

/** `loadLibsodium()` has to be done before. */
export function createLibsodiumCipher(name: SodiumCipherName): AeadCipher {
  return {
    name,
    backend: 'libsodium',
    nonceLength: NONCE_LENGTHS[name],
    sealingKey: (key) => new SodiumKey(name, key),
    openingKey: (key) => new SodiumKey(name, key),
  };
}
