/**
 * The server's side of a connection's beginning. Salt, identity header and fixed header have to come by one receive (SIP022 §3.1.3): waiting for
 * the rest of them would tell a prober how many bytes are wanted. Then comes the variable header, which may take its time, because its
 * sender has shown that it has the key.
 */

import { copyOfShort } from '../../../native-bindings/bytes.js';
import type { Region } from '../../../native-bindings/memory.js';
import { TAG_LENGTH } from '../../crypto/aead.js';
import { decodeTarget } from '../../net/target.js';
import { FORMAT_2022, LENGTH_LENGTH, LONGEST_UNIT } from '../chunk-format.js';
import { ChunkOpener } from '../chunk-opener.js';
import type { Keyring } from '../keyring.js';
import { type RequestOutcome, type RequestReader, Stream } from '../protocol.js';
import type { SaltFilter } from '../salt-filter.js';
import { REQUEST_HEADER_LENGTH, readLength, SEALED_REQUEST_HEADER_LENGTH, TIME_AT, TYPE_REQUEST } from './header.js';
import type { IdentityReader } from './identity.js';
import { IDENTITY_LENGTH } from './keys.js';
import { ResponseSealer2022 } from './response-sealer.js';
import { isTimely, secondsAhead, type WallClock } from './time.js';

/** Somebody whom a server knows by a key. */
export interface User2022 {
  readonly name: string;
  readonly key: Uint8Array;
  readonly keyring: Keyring;
}

/** What all connections to a port share. */
export interface ResponseMeans {
  /** Of the only key; where there are users, its salts' length counts. */
  readonly keyring: Keyring;
  /** Undefined where there are no users. */
  readonly identity: IdentityReader<User2022> | undefined;
  readonly salts: SaltFilter;
  readonly clock: WallClock;
}

const MORE: RequestOutcome = { kind: 'more' };

function rejected(reason: string): RequestOutcome {
  return { kind: 'rejected', status: 'ERR_CIPHER', reason };
}

export class RequestReader2022 implements RequestReader {
  readonly longestUnit = LONGEST_UNIT;
  consumedTo = 0;
  readonly #means: ResponseMeans;
  /** The user's, or the port's only one. */
  #keyring: Keyring;
  #user: string | undefined = undefined;
  #chunks: ChunkOpener | undefined = undefined;
  #salt: Uint8Array | undefined = undefined;
  #variableLength = 0;

  constructor(means: ResponseMeans) {
    this.#means = means;
    this.#keyring = means.keyring;
  }

  read(input: Region, from: number, end: number, output: Region): RequestOutcome {
    if (this.#salt !== undefined) return this.#readVariableHeader(input, from, end, output);
    const refusal = this.#readFixedHeader(input, from, end, output);
    return refusal ?? this.#readVariableHeader(input, this.consumedTo, end, output);
  }

  /** @returns undefined where it is good */
  #readFixedHeader(input: Region, from: number, end: number, output: Region): RequestOutcome | undefined {
    const { identity, salts, keyring } = this.#means;
    const { saltLength } = keyring;
    const identityAt = from + saltLength;
    const headerAt = identity === undefined ? identityAt : identityAt + IDENTITY_LENGTH;
    this.consumedTo = headerAt + SEALED_REQUEST_HEADER_LENGTH;
    if (end < this.consumedTo) return rejected('short');
    if (identity !== undefined) {
      const user = identity.read(input, from, identityAt, output, 0);
      if (user === undefined) return rejected('unknown user');
      this.#keyring = user.keyring;
      this.#user = user.name;
    }
    const chunks = new ChunkOpener(this.#keyring.startOpening(input, from), FORMAT_2022);
    this.#chunks = chunks;
    if (!chunks.openMessage(input, headerAt, REQUEST_HEADER_LENGTH, output, 0)) return rejected('');
    if (output.bytes[0] !== TYPE_REQUEST) return rejected('type');
    const aheadS = secondsAhead(this.#means.clock, output.bytes, TIME_AT);
    if (!isTimely(aheadS)) {
      this.#means.clock.handleSkew('client', aheadS);
      return rejected(`clock ahead by ${aheadS} s`);
    }
    // Not before the header has proved authentic: the memory is for key holders only.
    if (!salts.add(input.bytes, from, saltLength)) return rejected('replay');
    this.#salt = copyOfShort(input.bytes, from, identityAt);
    this.#variableLength = readLength(output.bytes, REQUEST_HEADER_LENGTH - LENGTH_LENGTH);
    return undefined;
  }

  #readVariableHeader(input: Region, from: number, end: number, output: Region): RequestOutcome {
    const length = this.#variableLength;
    const chunks = this.#chunks;
    const salt = this.#salt;
    if (chunks === undefined || salt === undefined) throw new Error('the fixed header comes first');
    this.consumedTo = from;
    if (end - from < length + TAG_LENGTH) return MORE;
    if (!chunks.openMessage(input, from, length, output, 0)) return rejected('');
    this.consumedTo = from + length + TAG_LENGTH;
    const decoded = decodeTarget(output.bytes, 0, length);
    if (decoded.status !== 'ok') {
      const reason = decoded.status === 'bad' ? decoded.reason : 'incomplete';
      return { kind: 'rejected', status: 'ERR_ADDRESS', reason };
    }
    const paddingAt = decoded.length + LENGTH_LENGTH;
    if (paddingAt > length) return rejected('no padding length');
    const payloadAt = paddingAt + readLength(output.bytes, decoded.length);
    if (payloadAt > length) return rejected('too much padding');
    if (payloadAt === paddingAt && payloadAt === length) return rejected('neither padding nor payload');
    const sealer = new ResponseSealer2022(this.#keyring, salt, this.#means.clock);
    const stream = new Stream(sealer, chunks);
    return { kind: 'accepted', target: decoded.target, user: this.#user, payloadAt, payloadEnd: length, stream };
  }

  release(): void {
    this.#chunks?.release();
  }
}
