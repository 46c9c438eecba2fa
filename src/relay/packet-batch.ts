/**
 * The datagrams of one receive, a few at a time, so that what the next ones need can be computed together. A slot of the receiver holds one
 * datagram, or a run of them.
 */

import type { DatagramReceiver } from '../../native-bindings/datagram-receiver.js';

/** As many as SHA-1 is computed of at once. */
export const PACKETS_A_BATCH = 8;

type Slots = Pick<DatagramReceiver, 'payloadOffset' | 'length' | 'segmentLength'>;

export class PacketBatch {
  /** Datagrams at hand, from the first element of each array on. */
  count = 0;
  /** Where they begin in the receiver's memory, and how long they are. */
  readonly starts = new Int32Array(PACKETS_A_BATCH);
  readonly lengths = new Int32Array(PACKETS_A_BATCH);
  /** Which slot has the sender of each. */
  readonly slots = new Int32Array(PACKETS_A_BATCH);
  readonly #receiver: Slots;
  #slotCount = 0;
  #slot = 0;
  /** What is left of the slot. */
  #at = 0;
  #end = 0;
  #segment = 0;

  constructor(receiver: Slots) {
    this.#receiver = receiver;
  }

  /** @param slotCount what the receiver has received */
  begin(slotCount: number): void {
    this.#slotCount = slotCount;
    this.#slot = 0;
    if (slotCount > 0) this.#enterSlot();
  }

  #enterSlot(): void {
    const receiver = this.#receiver;
    const slot = this.#slot;
    this.#at = receiver.payloadOffset(slot);
    this.#end = this.#at + receiver.length(slot);
    this.#segment = receiver.segmentLength(slot);
  }

  /** Moves on. @returns false where there are no more */
  next(): boolean {
    let count = 0;
    while (this.#slot < this.#slotCount && count < PACKETS_A_BATCH) {
      this.starts[count] = this.#at;
      this.lengths[count] = Math.min(this.#segment, this.#end - this.#at);
      this.slots[count++] = this.#slot;
      this.#at += this.#segment;
      // An empty datagram is one as well.
      if (this.#at < this.#end) continue;
      this.#slot++;
      if (this.#slot < this.#slotCount) this.#enterSlot();
    }
    this.count = count;
    return count > 0;
  }
}
