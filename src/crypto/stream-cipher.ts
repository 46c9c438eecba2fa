/** What a stream cipher is to the rest of the program: the methods from before AEAD, which encrypt and do not authenticate. */

import type { Region } from '../../native-bindings/memory.js';

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
