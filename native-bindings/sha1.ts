/**
 * SHA-1 of messages of two blocks by libcrypto, on memory of our own. HMAC over short inputs is nothing else: a block of padded key and a
 * block of message. A session key costs six of these (see `src/crypto/hkdf.ts`); through node:crypto the same derivation costs ten times
 * as much, most of it for objects.
 *
 * Keys that are needed together are hashed together: libcrypto has a function for several messages at once (it is there for TLS), by which eight
 * cost as much as three and a half singly. Without it they are hashed one by one.
 *
 * `SHA_CTX` is public in <openssl/sha.h>: five words of state, two of the length, a block, the number of bytes that wait in it. As long as
 * whole blocks come, none wait, and the length is of interest to the end of a message alone, which is ours.
 */

import { fillShort } from './bytes.js';
import { bindCrypto, LibcryptoMissingError } from './libcrypto.js';
import { Region, writeWord64 } from './memory.js';
import { ADDRESS, architecture, type NumericFunction } from './platform.js';
import { processorHas } from './processor.js';

export const SHA1_BLOCK_LENGTH = 64;
export const SHA1_DIGEST_LENGTH = 20;
export const SHA1_DIGEST_WORDS = SHA1_DIGEST_LENGTH / 4;
/** Messages that are hashed at once at most. */
export const SHA1_LANES = 8;
const MESSAGE_LENGTH = 2 * SHA1_BLOCK_LENGTH;
const SHA_CTX_SIZE = 96;

/** What `sha1_multi_block` takes: five words of state of each lane, the first ones of all lanes first. */
const LANE_STATES_SIZE = SHA1_DIGEST_WORDS * SHA1_LANES * 4;
/** Then, for each lane, the address of its message and the number of its blocks, an int. */
const LANE_SIZE = 16;
const BLOCKS_OFFSET = 8;
/** It works on groups of so many. */
const LANES_A_GROUP = 4;

/** FIPS 180-4 §5.3.1, as signed words: others would be floating-point numbers to the compiler. */
const INITIAL_STATE = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0].map((word) => word | 0);

/** Of all lanes. */
const INITIAL_STATES = Int32Array.from(
  { length: SHA1_DIGEST_WORDS * SHA1_LANES },
  (_, i) => INITIAL_STATE[Math.floor(i / SHA1_LANES)],
);

/** One hash that is under way, of whole blocks. Not shared between threads. */
class Sha1State {
  /** It always gives 1, which is not worth fetching. */
  readonly #update = bindCrypto('SHA1_Update', 'void', [ADDRESS, ADDRESS, 'size_t']);
  readonly #address: number;
  /** Its most significant byte is the first. */
  readonly words: Int32Array;

  /** @throws LibcryptoMissingError */
  constructor(region: Region) {
    const at = region.reserve(SHA_CTX_SIZE, 64);
    this.#address = region.at(at, SHA_CTX_SIZE);
    this.words = region.words.subarray(at / 4, at / 4 + SHA1_DIGEST_WORDS);
  }

  reset(): void {
    for (let i = 0; i < SHA1_DIGEST_WORDS; i++) this.words[i] = INITIAL_STATE[i];
  }

  /** @param length whole blocks, in bytes */
  update(address: number, length: number): void {
    this.#update(this.#address, address, length);
  }

  wipe(): void {
    fillShort(this.words, 0, 0, SHA1_DIGEST_WORDS);
  }
}

/** A block that is hashed from any state on. */
export class Sha1Block {
  readonly #region = new Region(SHA_CTX_SIZE + SHA1_BLOCK_LENGTH + 2 * 64);
  readonly #state = new Sha1State(this.#region);
  readonly #address: number;
  readonly block: DataView;

  /** @throws LibcryptoMissingError */
  constructor() {
    const at = this.#region.reserve(SHA1_BLOCK_LENGTH, 64);
    this.#address = this.#region.at(at, SHA1_BLOCK_LENGTH);
    const { buffer, byteOffset } = this.#region.bytes;
    this.block = new DataView(buffer, byteOffset + at, SHA1_BLOCK_LENGTH);
  }

  /** Hashes the block from the initial state. @param into receives the state */
  begin(into: Int32Array): void {
    this.#state.reset();
    this.#compress(into);
  }

  /** Hashes the block from a state that `begin` left. @param into receives the state */
  goOn(from: Int32Array, into: Int32Array): void {
    const { words } = this.#state;
    for (let i = 0; i < SHA1_DIGEST_WORDS; i++) words[i] = from[i];
    this.#compress(into);
  }

  #compress(into: Int32Array): void {
    const { words } = this.#state;
    this.#state.update(this.#address, SHA1_BLOCK_LENGTH);
    for (let i = 0; i < SHA1_DIGEST_WORDS; i++) into[i] = words[i];
    this.#state.wipe();
  }
}

/**
 * Messages that stay where they are, each in as many lanes as can be hashed at once, so that what is constant in them is written once. Not
 * shared between threads.
 */
export class Sha1Lanes {
  #several: NumericFunction | undefined;
  readonly #single: Sha1State;
  readonly #states: number;
  /** Of the lists of a message's lanes, by message, and of the lanes, those of the first message first. */
  readonly #listAddresses: number[] = [];
  readonly #laneAddresses: number[] = [];
  /** All messages: of message `m`, lane `l` begins at `messageAt(m, l)`. */
  readonly messages: DataView;
  /** The digests of what was hashed last: word `i` of a lane, the most significant byte first, is at `i * SHA1_LANES + lane`. */
  readonly state: Int32Array;

  /** @throws LibcryptoMissingError */
  constructor(messages: number) {
    this.#several = severalAtOnce();
    const lanes = messages * SHA1_LANES;
    const region = new Region(SHA_CTX_SIZE + LANE_STATES_SIZE + lanes * (LANE_SIZE + MESSAGE_LENGTH) + 4 * 64);
    this.#single = new Sha1State(region);
    const statesAt = region.reserve(LANE_STATES_SIZE, 64);
    const listsAt = region.reserve(lanes * LANE_SIZE, 64);
    const messagesAt = region.reserve(lanes * MESSAGE_LENGTH, 64);
    this.#states = region.at(statesAt, LANE_STATES_SIZE);
    this.state = region.words.subarray(statesAt / 4, (statesAt + LANE_STATES_SIZE) / 4);
    const { buffer, byteOffset } = region.bytes;
    this.messages = new DataView(buffer, byteOffset + messagesAt, lanes * MESSAGE_LENGTH);
    for (let message = 0; message < messages; message++) {
      const listAt = listsAt + message * SHA1_LANES * LANE_SIZE;
      this.#listAddresses.push(region.at(listAt, SHA1_LANES * LANE_SIZE));
      for (let lane = 0; lane < SHA1_LANES; lane++) {
        const address = region.at(messagesAt + this.messageAt(message, lane), MESSAGE_LENGTH);
        this.#laneAddresses.push(address);
        writeWord64(region.words, listAt + lane * LANE_SIZE, address);
        region.words[(listAt + lane * LANE_SIZE + BLOCKS_OFFSET) / 4] = MESSAGE_LENGTH / SHA1_BLOCK_LENGTH;
      }
    }
    if (!this.#severalAgree()) this.#several = undefined;
  }

  /** Whether several at once give what they give one by one: a function that is not public may change with any version. */
  #severalAgree(): boolean {
    for (let lane = 0; lane < SHA1_LANES; lane++) this.messages.setUint8(this.messageAt(0, lane), lane + 1);
    this.hash(0, SHA1_LANES);
    const together = this.state.slice();
    for (let lane = 0; lane < SHA1_LANES; lane++) {
      this.#hashOne(0, lane);
      this.messages.setUint8(this.messageAt(0, lane), 0);
    }
    return this.state.every((word, i) => word === together[i]);
  }

  /** Where a message begins in `messages`. */
  messageAt(message: number, lane: number): number {
    return (message * SHA1_LANES + lane) * MESSAGE_LENGTH;
  }

  /** Hashes a message's first `count` lanes from the initial state. They have their own padding. */
  hash(message: number, count: number): void {
    if (count === 1 || this.#several === undefined) {
      for (let lane = 0; lane < count; lane++) this.#hashOne(message, lane);
      return;
    }
    this.state.set(INITIAL_STATES);
    // Lanes beyond the count are hashed for nothing, and nobody looks at them.
    this.#several(this.#states, this.#listAddresses[message], Math.ceil(count / LANES_A_GROUP));
  }

  #hashOne(message: number, lane: number): void {
    const single = this.#single;
    single.reset();
    single.update(this.#laneAddresses[message * SHA1_LANES + lane], MESSAGE_LENGTH);
    for (let i = 0; i < SHA1_DIGEST_WORDS; i++) this.state[i * SHA1_LANES + lane] = single.words[i];
  }

  /** Overwrites what is left of secrets in the digests. */
  wipeState(): void {
    this.state.fill(0);
    this.#single.wipe();
  }
}

let several: NumericFunction | undefined;
let severalIsKnown = false;

/** @returns undefined where libcrypto has no such function, or keeps it to itself */
function severalAtOnce(): NumericFunction | undefined {
  if (severalIsKnown) return several;
  severalIsKnown = true;
  // Where it is for x86-64, its code begins at SSSE3 and does not ask.
  if (architecture === 'x64' && !processorHas('ssse3')) return undefined;
  try {
    several = bindCrypto('sha1_multi_block', 'void', [ADDRESS, ADDRESS, 'int']);
  } catch (error) {
    if (!(error instanceof LibcryptoMissingError)) throw error;
  }
  return several;
}

/**
 * Pads a message of two blocks, of which the last begins at `block[at]`, behind `length` bytes of that (FIPS 180-4 §5.1.1): a 1 bit, zeros, and
 * the length in bits of both blocks' contents.
 * @param length at most 55
 */
export function padSecondBlock(block: DataView, at: number, length: number): void {
  const lengthAt = at + SHA1_BLOCK_LENGTH - 4;
  block.setUint8(at + length, 0x80);
  for (let i = at + length + 1; i < lengthAt; i++) block.setUint8(i, 0);
  block.setUint32(lengthAt, (SHA1_BLOCK_LENGTH + length) * 8);
}
