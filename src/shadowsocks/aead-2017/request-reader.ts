/** The server's side of an AEAD 2017 connection's beginning: chunk after chunk is opened until the target address is whole. */

import type { Region } from '../../../native-bindings/memory.js';
import { TAG_LENGTH } from '../../crypto/aead.js';
import { decodeTarget } from '../../net/target.js';
import { FORMAT_2017 } from '../chunk-format.js';
import type { Keyring } from '../keyring.js';
import type { RequestOutcome, RequestReader } from '../protocol.js';
import { StreamOpener2017 } from './stream-opener.js';
import { StreamSealer2017 } from './stream-sealer.js';

const MORE: RequestOutcome = { kind: 'more' };

export class RequestReader2017 implements RequestReader {
  readonly longestUnit = FORMAT_2017.maxPayload + TAG_LENGTH;
  readonly #keyring: Keyring;
  readonly #opener: StreamOpener2017;
  /** Plaintext of an address that is split over chunks. */
  #plaintext: Uint8Array | undefined = undefined;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
    this.#opener = new StreamOpener2017(keyring);
  }

  get consumedTo(): number {
    return this.#opener.consumedTo;
  }

  read(input: Region, start: number, end: number, output: Region): RequestOutcome {
    let length = 0;
    if (this.#plaintext !== undefined) {
      output.bytes.set(this.#plaintext, 0);
      length = this.#plaintext.length;
    }
    for (let from = start; ; from = this.#opener.consumedTo) {
      const opened = this.#opener.openChunks(input, from, end, output, length, 1);
      if (opened < 0) return { kind: 'rejected', status: 'ERR_CIPHER', reason: '' };
      if (opened === 0) break;
      length += opened;
      const decoded = decodeTarget(output.bytes, 0, length);
      if (decoded.status === 'bad') return { kind: 'rejected', status: 'ERR_ADDRESS', reason: decoded.reason };
      if (decoded.status === 'ok') {
        this.#plaintext = undefined;
        this.#opener.allowEmptyChunks();
        const stream = { sealer: new StreamSealer2017(this.#keyring, undefined), opener: this.#opener };
        return {
          kind: 'accepted',
          target: decoded.target,
          user: undefined,
          payloadAt: decoded.length,
          payloadEnd: length,
          stream,
        };
      }
    }
    if (length > 0) this.#plaintext = output.bytes.slice(0, length);
    return MORE;
  }

  release(): void {
    this.#opener.release();
  }
}
