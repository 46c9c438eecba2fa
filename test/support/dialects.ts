/** What a client with the key says, method by method: the table that tests of probes go through. */

import {
  AEAD_2017_METHODS,
  AEAD_2022_METHODS,
  type Aead2017MethodName,
  type Aead2022MethodName,
  type MethodName,
} from '../../src/config/types.js';
import { OracleSealer } from './aead-oracle.js';
import { PASSWORD, secretOf } from './proxy-pair.js';
import { OracleSealer2022 } from './sip022-oracle.js';

/** One connection's stream to the server. */
export interface Monologue {
  /** Everything up to the first payload, as it leaves in one packet. Any part of it alone, and any change to it, is a probe. */
  readonly first: Buffer;
  /** The next payload of the same stream. */
  next(payload: Uint8Array): Buffer;
}

export interface Dialect {
  readonly method: MethodName;
  /** Salts are as long as keys. */
  readonly saltLength: number;
  /** Whether a client can tell its own answer from another one's. */
  readonly bindsAnswers: boolean;
  begin(address: Uint8Array, payload: Uint8Array): Monologue;
}

function dialect2017(method: Aead2017MethodName): Dialect {
  return {
    method,
    saltLength: new OracleSealer(method, PASSWORD).salt.length,
    bindsAnswers: false,
    begin(address, payload) {
      const sealer = new OracleSealer(method, PASSWORD);
      const first = Buffer.concat([sealer.salt, sealer.chunk(Buffer.concat([address, payload]))]);
      return { first, next: (later) => sealer.chunk(later) };
    },
  };
}

function dialect2022(method: Aead2022MethodName): Dialect {
  const key = Buffer.from(secretOf(method), 'base64');
  return {
    method,
    saltLength: key.length,
    bindsAnswers: true,
    begin(address, payload) {
      const sealer = new OracleSealer2022(method, key);
      return { first: sealer.request({ address, payload }), next: (later) => sealer.chunk(later) };
    },
  };
}

export const DIALECTS: readonly Dialect[] = [
  ...AEAD_2017_METHODS.map(dialect2017),
  ...AEAD_2022_METHODS.map(dialect2022),
];
