/**
 * The 2022 edition over TCP once more, written from SIP022 and SIP023 alone on node:crypto and @noble/hashes, plainly and slowly: what a client
 * with the key may send in tests, right or wrong.
 */

import { createCipheriv, randomBytes } from 'node:crypto';
import { blake3 } from '@noble/hashes/blake3.js';
import type { Aead2022MethodName } from '../../src/config/types.js';

const TAG = 16;

const CIPHERS = {
  '2022-blake3-aes-128-gcm': 'aes-128-gcm',
  '2022-blake3-aes-256-gcm': 'aes-256-gcm',
  '2022-blake3-chacha20-poly1305': 'chacha20-poly1305',
} as const;

function derive(context: string, key: Uint8Array, salt: Uint8Array): Uint8Array {
  return blake3(Buffer.concat([key, salt]), { context: Buffer.from(context), dkLen: key.length });
}

/** What a request says; each field is as it should be where it is absent. */
export interface OracleRequest {
  readonly address: Uint8Array;
  readonly payload?: Uint8Array;
  readonly padding?: Uint8Array;
  /** In place of the padding's length. */
  readonly saidPadding?: number;
  readonly type?: number;
  /** Seconds from now. */
  readonly aheadS?: number;
  /** The server's key, in front of the user's. */
  readonly identityKey?: Uint8Array;
}

/** One direction of a stream, sending. */
export class OracleSealer2022 {
  readonly salt: Buffer;
  readonly #method: Aead2022MethodName;
  readonly #key: Uint8Array;
  readonly #subkey: Uint8Array;
  #counter = 0;

  constructor(method: Aead2022MethodName, key: Uint8Array) {
    this.#method = method;
    this.#key = key;
    this.salt = randomBytes(key.length);
    this.#subkey = derive('shadowsocks 2022 session subkey', key, this.salt);
  }

  /** One message with the next nonce. */
  seal(message: Uint8Array): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32LE(this.#counter++);
    const name = CIPHERS[this.#method];
    const cipher =
      name === 'chacha20-poly1305'
        ? createCipheriv(name, this.#subkey, nonce, { authTagLength: TAG })
        : createCipheriv(name, this.#subkey, nonce, { authTagLength: TAG });
    return Buffer.concat([cipher.update(message), cipher.final(), cipher.getAuthTag()]);
  }

  chunk(payload: Uint8Array): Buffer {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(payload.length);
    return Buffer.concat([this.seal(length), this.seal(payload)]);
  }

  /** Everything that a client sends first: salt, identity header, both headers. */
  request(request: OracleRequest): Buffer {
    const { address, payload = Buffer.alloc(0), padding = Buffer.alloc(0), type = 0, aheadS = 0 } = request;
    const paddingLength = Buffer.alloc(2);
    paddingLength.writeUInt16BE(request.saidPadding ?? padding.length);
    const variable = Buffer.concat([address, paddingLength, padding, payload]);
    const fixed = Buffer.alloc(11);
    fixed[0] = type;
    fixed.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000) + aheadS), 1);
    fixed.writeUInt16BE(variable.length, 9);
    const identity = request.identityKey === undefined ? [] : [this.#identityHeader(request.identityKey)];
    return Buffer.concat([this.salt, ...identity, this.seal(fixed), this.seal(variable)]);
  }

  #identityHeader(identityKey: Uint8Array): Buffer {
    const key = derive('shadowsocks 2022 identity subkey', identityKey, this.salt);
    const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null);
    cipher.setAutoPadding(false);
    return Buffer.concat([cipher.update(blake3(this.#key, { dkLen: 16 })), cipher.final()]);
  }
}
