/**
 * The server's side of a connection's beginning where nothing is authenticated: plaintext until the target address is whole. Whoever knows no
 * key still sends an address once in about 85 times; all that is left is to answer what is none as silently as anything else.
 */

import type { Region } from '../../../native-bindings/memory.js';
import { decodeTarget } from '../../net/target.js';
import { CHUNK_PAYLOAD, type RequestOutcome, type RequestReader, Stream } from '../protocol.js';
import type { UnauthenticatedKeyring } from './keyring.js';
import { UnauthenticatedOpener } from './stream-opener.js';
import { UnauthenticatedSealer } from './stream-sealer.js';

const MORE: RequestOutcome = { kind: 'more' };
const REPLAYED: RequestOutcome = { kind: 'rejected', status: 'ERR_CIPHER', reason: 'replay' };

export class UnauthenticatedRequestReader implements RequestReader {
  /** Nothing has to be whole; what comes behind the address is opened with it, and is to stay small. */
  readonly longestUnit = CHUNK_PAYLOAD;
  readonly #keyring: UnauthenticatedKeyring;
  readonly #opener: UnauthenticatedOpener;
  /** The beginning of an address. */
  #plaintext: Uint8Array | undefined = undefined;

  constructor(keyring: UnauthenticatedKeyring) {
    this.#keyring = keyring;
    this.#opener = new UnauthenticatedOpener(keyring, 'client');
  }

  get consumedTo(): number {
    return this.#opener.consumedTo;
  }

  read(input: Region, from: number, end: number, output: Region): RequestOutcome {
    let length = this.#plaintext?.length ?? 0;
    if (this.#plaintext !== undefined) output.bytes.set(this.#plaintext, 0);
    const opened = this.#opener.open(input, from, end, output, length);
    if (opened < 0) return REPLAYED;
    length += opened;
    const decoded = decodeTarget(output.bytes, 0, length);
    switch (decoded.status) {
      case 'bad':
        return { kind: 'rejected', status: 'ERR_ADDRESS', reason: decoded.reason };
      case 'incomplete':
        if (length > 0) this.#plaintext = output.bytes.slice(0, length);
        return MORE;
      case 'ok':
        if (!this.#opener.accept()) return REPLAYED;
        this.#plaintext = undefined;
        return {
          kind: 'accepted',
          target: decoded.target,
          user: undefined,
          payloadAt: decoded.length,
          payloadEnd: length,
          stream: new Stream(new UnauthenticatedSealer(this.#keyring, undefined), this.#opener),
        };
    }
  }

  release(): void {
    this.#opener.release();
  }
}
