/**
 * AEAD 2017 once more, written from SIP004 alone on node:crypto and @noble/ciphers, plainly and slowly: what the program's own codecs are
 * held against, and what the other end of a connection speaks in tests.
 */

import { type CipherGCMTypes, createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import type { Aead2017MethodName } from '../../src/config/types.js';

const TAG = 16;

interface MethodFacts {
  readonly keyLength: number;
  readonly nonceLength: number;
  readonly algorithm: string;
}

const METHOD_FACTS: Readonly<Record<Aead2017MethodName, MethodFacts>> = {
  'aes-128-gcm': { keyLength: 16, nonceLength: 12, algorithm: 'aes-128-gcm' },
  'aes-192-gcm': { keyLength: 24, nonceLength: 12, algorithm: 'aes-192-gcm' },
  'aes-256-gcm': { keyLength: 32, nonceLength: 12, algorithm: 'aes-256-gcm' },
  'chacha20-ietf-poly1305': { keyLength: 32, nonceLength: 12, algorithm: 'chacha20-poly1305' },
  'xchacha20-ietf-poly1305': { keyLength: 32, nonceLength: 24, algorithm: 'xchacha20-poly1305' },
};

/** The master key of a password: MD5 chained (EVP_BytesToKey). */
function oracleKey(method: Aead2017MethodName, password: string): Buffer {
  let key: Buffer = Buffer.alloc(0);
  for (let last: Buffer = Buffer.alloc(0); key.length < 32; key = Buffer.concat([key, last])) {
    last = createHash('md5').update(last).update(password).digest();
  }
  return key.subarray(0, METHOD_FACTS[method].keyLength);
}

function oracleSubkey(masterKey: Uint8Array, salt: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha1', masterKey, salt, 'ss-subkey', masterKey.length));
}

/** @returns ciphertext and tag */
export function oracleSeal(
  method: Aead2017MethodName,
  key: Uint8Array,
  nonce: Uint8Array,
  message: Uint8Array,
): Buffer {
  const { algorithm } = METHOD_FACTS[method];
  if (algorithm === 'xchacha20-poly1305') return Buffer.from(xchacha20poly1305(key, nonce).encrypt(message));
  const cipher = createCipheriv(algorithm as CipherGCMTypes, key, nonce, { authTagLength: TAG });
  return Buffer.concat([cipher.update(message), cipher.final(), cipher.getAuthTag()]);
}

/** @returns undefined where it is not authentic */
function oracleOpen(
  method: Aead2017MethodName,
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
): Buffer | undefined {
  const { algorithm } = METHOD_FACTS[method];
  try {
    if (algorithm === 'xchacha20-poly1305') return Buffer.from(xchacha20poly1305(key, nonce).decrypt(sealed));
    const cipher = createDecipheriv(algorithm as CipherGCMTypes, key, nonce, { authTagLength: TAG });
    cipher.setAuthTag(sealed.subarray(sealed.length - TAG));
    return Buffer.concat([cipher.update(sealed.subarray(0, sealed.length - TAG)), cipher.final()]);
  } catch {
    return undefined;
  }
}

/** The nonce of a counter: little-endian over its whole length. */
export function oracleNonce(method: Aead2017MethodName, counter: number): Buffer {
  const nonce = Buffer.alloc(METHOD_FACTS[method].nonceLength);
  nonce.writeBigUInt64LE(BigInt(counter));
  return nonce;
}

/** One direction of a stream, sending. */
export class OracleSealer {
  readonly salt: Buffer;
  readonly #method: Aead2017MethodName;
  readonly #subkey: Buffer;
  #counter = 0;

  constructor(
    method: Aead2017MethodName,
    password: string,
    salt: Buffer = randomBytes(METHOD_FACTS[method].keyLength),
  ) {
    this.#method = method;
    this.salt = salt;
    this.#subkey = oracleSubkey(oracleKey(method, password), salt);
  }

  /** One message with the next nonce. */
  seal(message: Uint8Array): Buffer {
    return oracleSeal(this.#method, this.#subkey, oracleNonce(this.#method, this.#counter++), message);
  }

  /** One chunk; `claimed` is the length that it announces. */
  chunk(payload: Uint8Array, claimed = payload.length): Buffer {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(claimed);
    return Buffer.concat([this.seal(length), this.seal(payload)]);
  }

  /** Payload of any length in chunks of at most `size`. */
  chunks(payload: Uint8Array, size = 0x3fff): Buffer {
    const parts: Buffer[] = [];
    for (let at = 0; at < payload.length; at += size) parts.push(this.chunk(payload.subarray(at, at + size)));
    return Buffer.concat(parts);
  }
}

/** One direction of a stream, receiving: bytes in, what they open to out. Throws for what is not authentic. */
export class OracleOpener {
  readonly #method: Aead2017MethodName;
  readonly #masterKey: Buffer;
  #subkey: Buffer | undefined;
  #counter = 0;
  #rest: Buffer = Buffer.alloc(0);
  #length = -1;

  constructor(method: Aead2017MethodName, password: string) {
    this.#method = method;
    this.#masterKey = oracleKey(method, password);
  }

  /** Nothing is left over: a stream that ends here is whole. */
  get atBoundary(): boolean {
    return this.#rest.length === 0 && this.#length === -1;
  }

  push(bytes: Uint8Array): Buffer {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const opened: Buffer[] = [];
    const { keyLength } = METHOD_FACTS[this.#method];
    if (this.#subkey === undefined) {
      if (this.#rest.length < keyLength) return Buffer.alloc(0);
      this.#subkey = oracleSubkey(this.#masterKey, this.#take(keyLength));
    }
    for (;;) {
      const wanted = (this.#length === -1 ? 2 : this.#length) + TAG;
      if (this.#rest.length < wanted) return Buffer.concat(opened);
      const nonce = oracleNonce(this.#method, this.#counter++);
      const message = oracleOpen(this.#method, this.#subkey, nonce, this.#take(wanted));
      if (message === undefined) throw new Error('the stream is not authentic');
      if (this.#length === -1) {
        this.#length = message.readUInt16BE();
      } else {
        opened.push(message);
        this.#length = -1;
      }
    }
  }

  #take(length: number): Buffer {
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }
}

/** A request's address: an IPv4 literal in its four bytes, anything else as a name. */
export function oracleAddress(host: string, port: number): Buffer {
  const portBytes = Buffer.of(port >> 8, port & 0xff);
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) {
    return Buffer.concat([Buffer.of(1, ...host.split('.').map(Number)), portBytes]);
  }
  return Buffer.concat([Buffer.of(3, host.length), Buffer.from(host), portBytes]);
}
