/** Makes an input from a good one: some bytes changed, cut, repeated, moved, or taken from another good one. */

import type { SeededRandom } from './random.js';

/** Lengths and types are where decoders err: ends of ranges, and what looks negative. */
const INTERESTING = [0, 1, 2, 3, 4, 5, 16, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xfe, 0xff];
/** Longer than anything that a decoder takes at a time, but for streams. */
export const MAX_INPUT_LENGTH = 4096;

type Mutation = (bytes: Uint8Array, random: SeededRandom, corpus: readonly Uint8Array[]) => Uint8Array;

const flipBit: Mutation = (bytes, random) => {
  if (bytes.length > 0) bytes[random.below(bytes.length)] ^= 1 << random.below(8);
  return bytes;
};

const setByte: Mutation = (bytes, random) => {
  if (bytes.length > 0) bytes[random.below(bytes.length)] = random.oneIn(2) ? random.pick(INTERESTING) : random.byte();
  return bytes;
};

const setWord: Mutation = (bytes, random) => {
  if (bytes.length > 1) {
    const at = random.below(bytes.length - 1);
    bytes[at] = random.pick(INTERESTING);
    bytes[at + 1] = random.pick(INTERESTING);
  }
  return bytes;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, random.below(bytes.length + 1));

const behead: Mutation = (bytes, random) => bytes.slice(random.below(bytes.length + 1));

const remove: Mutation = (bytes, random) => {
  const from = random.below(bytes.length + 1);
  const to = from + random.below(Math.min(16, bytes.length - from) + 1);
  return join(bytes.subarray(0, from), bytes.subarray(to));
};

const insert: Mutation = (bytes, random) => {
  const at = random.below(bytes.length + 1);
  const more = Uint8Array.from({ length: 1 + random.below(8) }, () => random.byte());
  return join(bytes.subarray(0, at), more, bytes.subarray(at));
};

const repeat: Mutation = (bytes, random) => {
  const from = random.below(bytes.length + 1);
  const piece = bytes.subarray(from, from + random.below(32));
  return join(bytes.subarray(0, from), piece, piece, bytes.subarray(from));
};

const splice: Mutation = (bytes, random, corpus) => {
  const other = random.pick(corpus);
  return join(bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length + 1)));
};

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  setByte,
  setWord,
  truncate,
  behead,
  remove,
  insert,
  repeat,
  splice,
];

function join(...pieces: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

/** One to four mutations of one of the corpus; now and then none, so that the way of good input is walked too. */
export function mutated(corpus: readonly Uint8Array[], random: SeededRandom): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(random.pick(corpus));
  if (random.oneIn(32)) return bytes;
  for (let i = random.below(4); i >= 0; i--) bytes = random.pick(MUTATIONS)(bytes, random, corpus);
  return bytes.length > MAX_INPUT_LENGTH ? bytes.slice(0, MAX_INPUT_LENGTH) : bytes;
}
