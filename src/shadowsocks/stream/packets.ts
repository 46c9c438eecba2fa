/**
 * Datagrams of the methods without authentication: `IV | ciphertext of address | payload`; of `none`, address and payload as they are. There are no
 * sessions, and both directions are alike.
 */

import type { Region } from '../../../native-bindings/memory.js';
import { expectedTargetLength } from '../../net/target.js';
import {
  type ClientPacketProtocol,
  type ClientPacketSession,
  REJECTED,
  type ServerPacketProtocol,
  type ServerPacketSession,
} from '../packet-protocol.js';
import type { UnauthenticatedKeyring } from './keyring.js';

/** Either end; as a session it is all clients together, so nothing ends with it. */
export class UnauthenticatedPackets
  implements ClientPacketSession, ClientPacketProtocol, ServerPacketSession, ServerPacketProtocol
{
  readonly clientsBy = 'address';
  readonly answersFrom = 'anyone';
  readonly skewS = 0;
  readonly user = '';
  openedAt = 0;
  readonly #keyring: UnauthenticatedKeyring;

  /** @param keyring is taken over; IVs of both directions are remembered by it */
  constructor(keyring: UnauthenticatedKeyring) {
    this.#keyring = keyring;
  }

  get openedSession(): ServerPacketSession {
    return this;
  }

  newSession(): ClientPacketSession {
    return this;
  }

  seal(input: Region, at: number, length: number, output: Region, outputAt: number): number {
    const { ivLength } = this.#keyring;
    const cipher = this.#keyring.startSealing(output.bytes, outputAt);
    try {
      cipher.apply(input, at, length, output, outputAt + ivLength);
    } finally {
      this.#keyring.giveBack(cipher, 'encrypt');
    }
    return ivLength + length;
  }

  /** All that can be told of a packet that is not ours is that it rarely begins with an address; its IV is not remembered then. */
  open(input: Region, at: number, length: number, output: Region, outputAt: number): number {
    const keyring = this.#keyring;
    const plaintextLength = length - keyring.ivLength;
    if (plaintextLength <= 0) return REJECTED.malformed;
    if (keyring.isUsed(input.bytes, at)) return REJECTED.replay;
    const cipher = keyring.startOpening(input.bytes, at);
    try {
      cipher.apply(input, at + keyring.ivLength, plaintextLength, output, outputAt);
    } finally {
      keyring.giveBack(cipher, 'decrypt');
    }
    if (!holdsAddress(output.bytes, outputAt, outputAt + plaintextLength)) return REJECTED.malformed;
    if (!keyring.remember(input.bytes, at)) return REJECTED.replay;
    this.openedAt = outputAt;
    return plaintextLength;
  }

  release(): void {}

  wipe(): void {
    this.#keyring.wipe();
  }
}

/** Whether an address, of a type that exists, ends before `end`. Whoever decodes it looks closer. */
function holdsAddress(bytes: Uint8Array, at: number, end: number): boolean {
  const length = expectedTargetLength(bytes, at, end);
  // Of what is no address, as much is expected as tells so: one byte of an unknown type, two of an empty name.
  return length > 2 && length <= end - at;
}
