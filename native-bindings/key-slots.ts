/** Small pieces of memory for keys, cut from slabs that are kept and reused. */

import { Region } from './memory.js';

const SLOTS_A_SLAB = 256;

export interface KeySlot {
  readonly region: Region;
  readonly offset: number;
}

export class KeySlots {
  readonly #slotSize: number;
  readonly #free: KeySlot[] = [];
  #slab: Region | undefined = undefined;
  #used = SLOTS_A_SLAB;

  /** @param slotSize in bytes, a multiple of 16 so that every slot is aligned for the ciphers */
  constructor(slotSize: number) {
    this.#slotSize = slotSize;
  }

  take(): KeySlot {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#slab === undefined || this.#used === SLOTS_A_SLAB) {
      this.#slab = new Region(SLOTS_A_SLAB * this.#slotSize);
      this.#used = 0;
    }
    return { region: this.#slab, offset: this.#used++ * this.#slotSize };
  }

  /** Overwrites a slot. */
  wipe(slot: KeySlot): void {
    slot.region.words.fill(0, slot.offset / 4, (slot.offset + this.#slotSize) / 4);
  }

  /** Overwrites a slot and keeps it for the next key. */
  give(slot: KeySlot): void {
    this.wipe(slot);
    this.#free.push(slot);
  }
}
