/** The server's side of an AEAD 2017 connection's beginning: chunk after chunk is opened until the target address is whole. */

import type { Region } from '../../../native-bindings/memory.js';
import { TAG_LENGTH } from '../../crypto/aead.js';
import { decodeTarget } from '../../net/target.js';
import { FORMAT_2017 } from '../chunk-format.js';
import { type RequestOutcome, type RequestReader, Stream } from '../protocol.js';
import { StreamOpener2017 } from './stream-opener.js';
import { StreamSealer2017 } from './stream-sealer.js';
import type { User2017, Users2017 } from './users.js';

const MORE: RequestOutcome = { kind: 'more' };

export class RequestReader2017 implements RequestReader {
  readonly longestUnit = FORMAT_2017.maxPayload + TAG_LENGTH;
  consumedTo = 0;
  readonly #users: Users2017;
  #user: User2017 | undefined = undefined;
  #opener: StreamOpener2017 | undefined = undefined;
  /** Plaintext of an address that is split over chunks. */
  #plaintext: Uint8Array | undefined = undefined;

  constructor(users: Users2017) {
    this.#users = users;
  }

  read(input: Region, from: number, end: number, output: Region): RequestOutcome {
    this.consumedTo = from;
    if (this.#user === undefined) {
      if (end - from < this.#users.wantedLength) return MORE;
      this.#user = this.#users.find(input, from, output);
      if (this.#user === undefined) return { kind: 'rejected', status: 'ERR_CIPHER', reason: '' };
    }
    this.#opener ??= new StreamOpener2017(this.#user.keyring, this.#user.salts);
    return this.#readAddress(this.#user, this.#opener, input, end, output);
  }

  #readAddress(user: User2017, opener: StreamOpener2017, input: Region, end: number, output: Region): RequestOutcome {
    let length = 0;
    if (this.#plaintext !== undefined) {
      output.bytes.set(this.#plaintext, 0);
      length = this.#plaintext.length;
    }
    for (;;) {
      const opened = opener.openChunks(input, this.consumedTo, end, output, length, 1);
      if (opened < 0) {
        return { kind: 'rejected', status: 'ERR_CIPHER', reason: opener.replayed ? 'replay' : '' };
      }
      this.consumedTo = opener.consumedTo;
      if (opened === 0) break;
      length += opened;
      const decoded = decodeTarget(output.bytes, 0, length);
      if (decoded.status === 'bad') return { kind: 'rejected', status: 'ERR_ADDRESS', reason: decoded.reason };
      if (decoded.status === 'ok') {
        this.#plaintext = undefined;
        opener.allowEmptyChunks();
        const stream = new Stream(new StreamSealer2017(user.keyring, undefined), opener);
        const { target, length: payloadAt } = decoded;
        return { kind: 'accepted', target, user: user.name, payloadAt, payloadEnd: length, stream };
      }
    }
    if (length > 0) this.#plaintext = output.bytes.slice(0, length);
    return MORE;
  }

  release(): void {
    this.#opener?.release();
  }
}
