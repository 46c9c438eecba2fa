/**
 * Where a datagram came from, and which of this machine's addresses it was sent to: what an answer needs. The arrays stay the same as long as
 * both are, so that packets to one place are known by them.
 */

import { copyOfShort } from '../../native-bindings/bytes.js';
import { AF_INET } from '../../native-bindings/constants.js';
import type { DatagramReceiver } from '../../native-bindings/datagram-receiver.js';

export class UdpPeerAddress {
  /** Encoded `sockaddr`. */
  name: Uint8Array;
  /** Absent where the socket has one address only. */
  local: Uint8Array | undefined = undefined;

  constructor(receiver: DatagramReceiver, slot: number) {
    const at = receiver.nameOffset(slot);
    this.name = copyOfShort(receiver.region.bytes, at, at + receiver.nameLength(slot));
    this.#takeLocal(receiver, receiver.localOffset(slot));
  }

  /** Takes over where a slot's datagrams came from, if that is another place. */
  note(receiver: DatagramReceiver, slot: number): void {
    const { bytes } = receiver.region;
    const at = receiver.nameOffset(slot);
    const length = receiver.nameLength(slot);
    const localAt = receiver.localOffset(slot);
    const { local } = this;
    if (length === this.name.length && equal(bytes, at, this.name)) {
      if (local === undefined ? localAt < 0 : localAt >= 0 && equal(bytes, localAt, local)) return;
    }
    // A new array, also where the sender is the same: what waits to be sent goes from where it was to go from.
    this.name = copyOfShort(bytes, at, at + length);
    this.#takeLocal(receiver, localAt);
  }

  #takeLocal({ region }: DatagramReceiver, at: number): void {
    const length = this.name[0] === AF_INET ? 4 : 16;
    this.local = at < 0 ? undefined : copyOfShort(region.bytes, at, at + length);
  }
}

function equal(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}
