/**
 * Chooses the code for a stream cipher, and makes it prove itself as the AEAD ciphers are made to: code that gives a wrong known answer does not
 * run.
 */

import { LibcryptoMissingError } from '../../native-bindings/libcrypto.js';
import { Region } from '../../native-bindings/memory.js';
import type { StreamMethodName } from '../config/types.js';
import { CipherUnavailableError } from './ciphers.js';
import { EvpStreamCipher } from './evp-stream-cipher.js';
import type { StreamMethod } from './methods.js';
import { NodeStreamCipher } from './node-stream-cipher.js';
import { Rc4Md5Cipher } from './rc4-md5-cipher.js';
import { Salsa20Cipher } from './salsa20-cipher.js';
import type { CipherDirection, StreamCipher } from './stream-cipher.js';

/** Makes ciphers of one method. */
export type StreamCipherMaker = (key: Uint8Array, direction: CipherDirection) => StreamCipher;

/**
 * What the bytes 64 to 79 of the message 0, 1, 2, … become under the key 0, 1, 2, … with the IV e1, e2, e3, …: by node:crypto, and where they
 * have them @noble/ciphers, libsodium (Salsa20) and OpenSSL's legacy provider (RC4) alike.
 */
const KNOWN_ANSWERS: Readonly<Record<StreamMethodName, string>> = {
  'aes-128-cfb': '2e89c96f7e5293bfed7372a94173f759',
  'aes-192-cfb': 'bec934d358ed91df2a393b299cd72938',
  'aes-256-cfb': '1260ad5856c844be0561577ec5dfdd1d',
  'aes-128-ctr': '91f1abec8422a4c23fb62130c5b9a35a',
  'aes-192-ctr': 'f6ee05df57f4d257f75c872529cc4b70',
  'aes-256-ctr': 'bd3d1aea1668b3d9add885d3a143ffb8',
  'camellia-128-cfb': '9a754649ef566250a93ad97b3769a6e3',
  'camellia-192-cfb': 'edf913c5609b7881bd7a205eee1a9095',
  'camellia-256-cfb': '806de38ad41032258fac0c5b33866d0d',
  chacha20: '0e710b34638156d503b223c587cca352',
  'chacha20-ietf': '2be165a43aeaa21710a8fdfec900c28a',
  salsa20: '6b1b09c289554b5774a0079202bb2c1d',
  'rc4-md5': 'ba333a3084c2b11efa9d79520417d041',
};
const KNOWN_IV_FIRST = 0xe1;
/** The message in pieces: the second begins and ends inside a block of the cipher. */
const PIECES = [7, 60, 13] as const;
const MESSAGE_LENGTH = 80;
const ANSWER_AT = 64;

const proven = new Map<StreamMethodName, StreamCipherMaker>();

/**
 * What makes the ciphers of a method, proven once for each thread. `loadSalsa20()` has to be done before for that one.
 * @throws CipherUnavailableError
 */
export function streamCiphersFor(method: StreamMethod): StreamCipherMaker {
  const known = proven.get(method.name);
  if (known !== undefined) return known;
  const make = makerOf(method);
  proveStreamCipher(make, method);
  proven.set(method.name, make);
  return make;
}

function makerOf(method: StreamMethod): StreamCipherMaker {
  const { name, keyLength } = method;
  if (name === 'salsa20') return (key) => new Salsa20Cipher(key);
  if (name === 'rc4-md5') return (key) => new Rc4Md5Cipher(key);
  try {
    new EvpStreamCipher(name, method, new Uint8Array(keyLength), 'encrypt').free();
    return (key, direction) => new EvpStreamCipher(name, method, key, direction);
  } catch (error) {
    if (!(error instanceof LibcryptoMissingError)) throw error;
    return (key, direction) => new NodeStreamCipher(name, method, key, direction);
  }
}

const MESSAGE_FROM = 0;
const ENCRYPTED_FROM = 1024;
const DECRYPTED_FROM = 2048;

/**
 * Encrypts and decrypts a known message, in pieces and twice.
 * @throws CipherUnavailableError on any difference, or where there is no such cipher
 */
export function proveStreamCipher(make: StreamCipherMaker, { name, keyLength, ivLength }: StreamMethod): void {
  const memory = new Region(4096);
  const { bytes } = memory;
  const key = Uint8Array.from({ length: keyLength }, (_, i) => i);
  const iv = Uint8Array.from({ length: ivLength }, (_, i) => KNOWN_IV_FIRST + i);
  const ciphers: StreamCipher[] = [];
  try {
    for (const direction of ['encrypt', 'decrypt'] as const) ciphers.push(make(key, direction));
    for (let i = 0; i < MESSAGE_LENGTH; i++) bytes[MESSAGE_FROM + i] = i;
    for (let round = 0; round < 2; round++) {
      applyPieces(ciphers[0], iv, memory, MESSAGE_FROM, ENCRYPTED_FROM);
      applyPieces(ciphers[1], iv, memory, ENCRYPTED_FROM, DECRYPTED_FROM);
      const answer = bytes.slice(ENCRYPTED_FROM + ANSWER_AT, ENCRYPTED_FROM + MESSAGE_LENGTH);
      const decrypted = bytes.subarray(DECRYPTED_FROM, DECRYPTED_FROM + MESSAGE_LENGTH);
      if (Buffer.from(answer).toString('hex') !== KNOWN_ANSWERS[name] || !decrypted.every((byte, i) => byte === i)) {
        throw new CipherUnavailableError(`${name} gives wrong answers on this machine; umbra will not use it.`);
      }
    }
  } catch (error) {
    if (error instanceof CipherUnavailableError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CipherUnavailableError(`This Node.js and its OpenSSL cannot do ${name}: ${reason}.`);
  } finally {
    for (const cipher of ciphers) cipher.free();
    memory.release();
  }
}

function applyPieces(cipher: StreamCipher, iv: Uint8Array, memory: Region, from: number, to: number): void {
  cipher.begin(iv, 0);
  let at = 0;
  for (const length of PIECES) {
    cipher.apply(memory, from + at, length, memory, to + at);
    at += length;
  }
}
