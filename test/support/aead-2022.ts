/** Both ends of the 2022 edition's codecs, with known keys and, where a test wants them, known salts, padding and clocks. */

import type { Aead2022MethodName } from '../../src/config/types.js';
import { SESSION_SUBKEY_CONTEXT } from '../../src/crypto/blake3.js';
import { METHODS } from '../../src/crypto/methods.js';
import { createRandomSource, type RandomSource } from '../../src/crypto/random.js';
import type { Target } from '../../src/net/target.js';
import { IdentityReader, IdentityWriter } from '../../src/shadowsocks/aead-2022/identity.js';
import { type PaddingSource, RandomPadding } from '../../src/shadowsocks/aead-2022/padding.js';
import { RequestReader2022, type ResponseMeans } from '../../src/shadowsocks/aead-2022/request-reader.js';
import { RequestSealer2022 } from '../../src/shadowsocks/aead-2022/request-sealer.js';
import { ResponseOpener2022 } from '../../src/shadowsocks/aead-2022/response-opener.js';
import { ResponseSealer2022 } from '../../src/shadowsocks/aead-2022/response-sealer.js';
import { Blake3SubkeyDerivation } from '../../src/shadowsocks/aead-2022/subkeys.js';
import type { Peer, WallClock } from '../../src/shadowsocks/aead-2022/time.js';
import { Keyring } from '../../src/shadowsocks/keyring.js';
import type { SaltFilter } from '../../src/shadowsocks/salt-filter.js';
import { allocateSaltMemory, SharedSalts } from '../../src/shadowsocks/salt-memory.js';

const random = createRandomSource();

/** A clock that a test sets, and what it was told of others. */
export class TestClock implements WallClock {
  seconds: number;
  readonly skews: { readonly peer: Peer; readonly aheadS: number }[] = [];

  constructor(seconds = 1_700_000_000) {
    this.seconds = seconds;
  }

  nowS(): number {
    return this.seconds;
  }

  handleSkew(peer: Peer, aheadS: number): void {
    this.skews.push({ peer, aheadS });
  }
}

/** Always these bytes. */
export function fixedPadding(bytes: Uint8Array): PaddingSource {
  return {
    lengthFor: () => bytes.length,
    fill: (into, at) => into.set(bytes, at),
  };
}

export interface Keys2022 {
  readonly method: Aead2022MethodName;
  readonly userKey: Uint8Array;
  readonly identityKeys?: readonly Uint8Array[];
}

interface Known {
  readonly salt?: Uint8Array;
  readonly padding?: PaddingSource;
  readonly clock?: WallClock;
}

/** @param salt what it starts streams with; random where absent */
export function keyring2022({ method, userKey }: Keys2022, salt: Uint8Array | undefined): Keyring {
  const known: RandomSource = (into, at) => {
    if (salt !== undefined) into.set(salt, at);
  };
  const facts = METHODS[method];
  const derivation = new Blake3SubkeyDerivation(SESSION_SUBKEY_CONTEXT, facts.keyLength);
  return new Keyring(facts, userKey, derivation, salt === undefined ? random : known);
}

/** A client's halves. */
export function clientOf(keys: Keys2022, target: Target, known: Known = {}) {
  const { identityKeys = [], userKey } = keys;
  const keyring = keyring2022(keys, known.salt);
  const clock = known.clock ?? new TestClock();
  const identity = identityKeys.length > 0 ? new IdentityWriter({ identityKeys, userKey }) : undefined;
  const padding = known.padding ?? new RandomPadding(random);
  const sealer = new RequestSealer2022({ keyring, identity, padding, clock }, target);
  return { sealer, opener: new ResponseOpener2022(keyring, sealer, clock) };
}

function freshSalts(): SaltFilter {
  return new SharedSalts(allocateSaltMemory('whole', 1000, 62_000));
}

export const USER = 'a user';

/** What a server needs: one key, or (where there are identity keys) a user behind the last of them. */
export function serverMeans(keys: Keys2022, clock: WallClock = new TestClock(), salts = freshSalts()): ResponseMeans {
  const keyring = keyring2022(keys, undefined);
  const identityKey = keys.identityKeys?.at(-1);
  const user = { name: USER, key: keys.userKey, keyring };
  const identity = identityKey === undefined ? undefined : new IdentityReader(identityKey, [user]);
  return { keyring, identity, salts, clock };
}

export function serverOf(keys: Keys2022, clock?: WallClock, salts?: SaltFilter): RequestReader2022 {
  return new RequestReader2022(serverMeans(keys, clock, salts));
}

export function responseSealerOf(keys: Keys2022, requestSalt: Uint8Array, known: Known = {}): ResponseSealer2022 {
  return new ResponseSealer2022(keyring2022(keys, known.salt), requestSalt, known.clock ?? new TestClock());
}
