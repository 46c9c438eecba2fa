/**
 * A hop of SIP023 over TCP: of a request it reads the first identity header, which says by a hash who is next, and passes everything else on as
 * it came.
 *
 *   salt | header for us | header for the next one … | sealed   ──►   salt | header for the next one … | sealed
 *
 * Nothing here proves that the request is fresh, or that what follows is authentic. So no salt is remembered: who has seen a salt and its header
 * could otherwise use them up with garbage behind, before their owner's connection gets here. The last hop opens the fixed header and
 * refuses a request that comes a second time.
 */

import type { Region } from '../../../native-bindings/memory.js';
import type { NextHop, ShadowsocksEndpoint } from '../../config/types.js';
import type { AeadMethod } from '../../crypto/methods.js';
import { type Target, targetFromHost } from '../../net/target.js';
import { LONGEST_UNIT } from '../chunk-format.js';
import { type RequestOutcome, type RequestReader, type ServerProtocol, Stream } from '../protocol.js';
import { SEALED_REQUEST_HEADER_LENGTH } from './header.js';
import { hasIdentityHeaders, IdentityReader } from './identity.js';
import { IDENTITY_LENGTH, keyChainOf, parseKeyChain } from './keys.js';
import { copyBetween, RAW_SEALER, RawOpener } from './raw-stream.js';

/** A server behind this one, as clients name it. */
export interface KnownHop {
  readonly name: string;
  readonly key: Uint8Array;
  readonly target: Target;
}

/** @throws RangeError where a key is not one of the method's, which the configuration has checked */
export function knownHops(destinations: readonly NextHop[], method: AeadMethod): KnownHop[] {
  if (!hasIdentityHeaders(method)) throw new RangeError(`${method.name} has no identity headers`);
  return destinations.map(({ name, password, host, port }) => {
    const key = parseKeyChain(password, method.keyLength)?.userKey;
    if (key === undefined) throw new RangeError(`the key of the destination ${name} must be ${method.keyLength} bytes`);
    return { name, key, target: targetFromHost(host, port) };
  });
}

class HopRequestReader implements RequestReader {
  readonly longestUnit = LONGEST_UNIT;
  consumedTo = 0;
  readonly #identity: IdentityReader<KnownHop>;
  readonly #saltLength: number;

  constructor(identity: IdentityReader<KnownHop>, saltLength: number) {
    this.#identity = identity;
    this.#saltLength = saltLength;
  }

  /** All has to come by one receive, as with a server that has users; what is behind it comes out as payload. */
  read(input: Region, from: number, end: number, output: Region): RequestOutcome {
    this.consumedTo = end;
    const saltLength = this.#saltLength;
    const restAt = from + saltLength + IDENTITY_LENGTH;
    if (end < restAt + SEALED_REQUEST_HEADER_LENGTH) return rejected('short');
    const next = this.#identity.read(input, from, from + saltLength, output, 0);
    if (next === undefined) return rejected('unknown destination');
    copyBetween(input, from, saltLength, output, 0);
    copyBetween(input, restAt, end - restAt, output, saltLength);
    return {
      kind: 'accepted',
      target: next.target,
      user: next.name,
      payloadAt: 0,
      payloadEnd: end - from - IDENTITY_LENGTH,
      stream: new Stream(RAW_SEALER, new RawOpener()),
    };
  }

  release(): void {}
}

function rejected(reason: string): RequestOutcome {
  return { kind: 'rejected', status: 'ERR_CIPHER', reason };
}

export function hopProtocol2022(
  endpoint: ShadowsocksEndpoint,
  method: AeadMethod,
  destinations: readonly NextHop[],
): ServerProtocol {
  const hops = knownHops(destinations, method);
  const { userKey: ownKey } = keyChainOf(endpoint, method.keyLength);
  const identity = new IdentityReader(ownKey, hops);
  return {
    newRequest: () => new HopRequestReader(identity, method.keyLength),
    wipe() {
      identity.release();
      ownKey.fill(0);
      for (const { key } of hops) key.fill(0);
    },
  };
}
