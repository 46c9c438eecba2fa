/**
 * Filling and copying a few dozen bytes. For so few, TypedArray's own fill, set and subarray cost several times as much as a loop that is
 * compiled in place: they check and convert their arguments in general, and subarray makes an object.
 */

/** Sets `into[from, to)`. */
export function fillShort(into: Uint8Array | Int32Array, value: number, from: number, to: number): void {
  for (let i = from; i < to; i++) into[i] = value;
}

/** Copies `from[fromAt, fromAt + length)` to `into[at, …)`. */
export function copyShort(from: Uint8Array, fromAt: number, length: number, into: Uint8Array, at: number): void {
  for (let i = 0; i < length; i++) into[at + i] = from[fromAt + i];
}

/** A copy of `from[start, end)`. */
export function copyOfShort(from: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copyShort(from, start, end - start, copy, 0);
  return copy;
}
