/**
 * Filling and copying a few dozen bytes. An element of a typed array costs a loop about a nanosecond, however small it is, and a call of
 * TypedArray's own fill or set about twenty; subarray makes an object, which costs more than either. So a loop is right for up to some twenty
 * elements, and words are better than bytes.
 */

/** Sets `into[from, to)`. */
export function fillShort(into: Uint8Array | Int32Array, value: number, from: number, to: number): void {
  for (let i = from; i < to; i++) into[i] = value;
}

/** Copies `from[fromAt, fromAt + length)` to `into[at, …)`. */
export function copyShort(from: Uint8Array, fromAt: number, length: number, into: Uint8Array, at: number): void {
  for (let i = 0; i < length; i++) into[at + i] = from[fromAt + i];
}

/** Copies `from[fromAt, fromAt + length)` to `into[at, …)`, four bytes at a time. The two must not overlap. */
export function copyWords(from: DataView, fromAt: number, length: number, into: DataView, at: number): void {
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) into.setInt32(at + i, from.getInt32(fromAt + i));
  for (let i = whole; i < length; i++) into.setUint8(at + i, from.getUint8(fromAt + i));
}

/** A copy of `from[start, end)`. */
export function copyOfShort(from: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copyShort(from, start, end - start, copy, 0);
  return copy;
}
