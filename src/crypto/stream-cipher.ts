/** What a stream cipher is to the rest of the program: the methods from before AEAD, which encrypt and do not authenticate. */

import type { Region } from '../../native-bindings/memory.js';

/** The ciphers below the methods, by the methods' names. */
export type StreamCipherName =
  | 'aes-128-cfb'
  | 'aes-192-cfb'
  | 'aes-256-cfb'
  | 'aes-128-ctr'
  | 'aes-192-ctr'
  | 'aes-256-ctr'
  | 'camellia-128-cfb'
  | 'camellia-192-cfb'
  | 'camellia-256-cfb'
  | 'chacha20'
  | 'chacha20-ietf'
  | 'salsa20'
  | 'rc4-md5';

export type CipherDirection = 'encrypt' | 'decrypt';

/** One key for one direction, and how far its keystream has come. It serves one stream, or one datagram, after another. */
export interface StreamCipher {
  /** Begins a stream: with the IV at `iv[at, …)`, as long as the method says. It allocates as little as the library below lets it. */
  begin(iv: Uint8Array, at: number): void;
  /**
   * Takes the next `length` bytes of the stream; as many come out. Input and output may be the same place, but must not overlap otherwise.
   */
  apply(input: Region, inputAt: number, length: number, output: Region, outputAt: number): void;
  /** Forgets the key and gives the memory back; the object is not to be used any more. */
  free(): void;
}

/** What a stream cipher needs to know of its method. Lengths in bytes. */
export interface StreamCipherMethod {
  readonly name: StreamCipherName;
  readonly keyLength: number;
  readonly ivLength: number;
}
