/** The sending half of a stream without authentication: the IV, then ciphertext to the end. */

import type { Region } from '../../../native-bindings/memory.js';
import type { StreamCipher } from '../../crypto/stream-cipher.js';
import { encodeTarget, type Target, targetLength } from '../../net/target.js';
import type { StreamSealer } from '../protocol.js';
import type { UnauthenticatedKeyring } from './keyring.js';

export class UnauthenticatedSealer implements StreamSealer {
  readonly #keyring: UnauthenticatedKeyring;
  #cipher: StreamCipher | undefined = undefined;
  /** A client's, until it has gone. */
  #header: Target | undefined;

  /** @param header goes in front of the first payload: a client's */
  constructor(keyring: UnauthenticatedKeyring, header: Target | undefined) {
    this.#keyring = keyring;
    this.#header = header;
  }

  seal(input: Region, inputAt: number, length: number, output: Region, outputAt: number): number {
    if (this.#cipher !== undefined) {
      this.#cipher.apply(input, inputAt, length, output, outputAt);
      return length;
    }
    const { ivLength } = this.#keyring;
    const cipher = this.#keyring.startSealing(output.bytes, outputAt);
    this.#cipher = cipher;
    const from = inputAt - this.#writeHeader(input, inputAt);
    const whole = inputAt + length - from;
    cipher.apply(input, from, whole, output, outputAt + ivLength);
    return ivLength + whole;
  }

  /** Writes the header in front of `input[inputAt]`. @returns its length */
  #writeHeader(input: Region, inputAt: number): number {
    const header = this.#header;
    if (header === undefined) return 0;
    this.#header = undefined;
    const length = targetLength(header);
    encodeTarget(header, input.bytes, inputAt - length);
    return length;
  }

  release(): void {
    if (this.#cipher !== undefined) this.#keyring.giveBack(this.#cipher, 'encrypt');
    this.#cipher = undefined;
  }
}
