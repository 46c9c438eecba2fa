/** Datagrams sealed and opened in a test: bytes in, bytes out, with known randomness and time where it wants them. */

import { Region } from '../../native-bindings/memory.js';
import { createRandomSource, type RandomSource } from '../../src/crypto/random.js';
import type { PacketSurroundings } from '../../src/shadowsocks/aead-2022/packet-means.js';
import type { WallClock } from '../../src/shadowsocks/aead-2022/time.js';
import {
  PACKET_HEADER_ROOM,
  PACKET_OVERHEAD,
  type Rejection,
  rejectionName,
} from '../../src/shadowsocks/packet-protocol.js';

const LARGEST = 65_535;

/** What can be sealed by. */
interface Seals {
  seal(input: Region, at: number, length: number, output: Region, outputAt: number): number;
}

/** What can be opened by. */
interface Opens {
  readonly openedAt: number;
  expect?(input: Region, starts: Int32Array, count: number): void;
  open(input: Region, at: number, length: number, output: Region, outputAt: number): number;
}

/** Memory for one packet at a time. */
export class PacketStage {
  readonly #input = new Region(PACKET_HEADER_ROOM + LARGEST + 4096);
  readonly #output = new Region(PACKET_HEADER_ROOM + PACKET_OVERHEAD + LARGEST + 4096);

  seal(by: Seals, plaintext: Uint8Array): Buffer {
    // What was there before must not show.
    this.#input.bytes.fill(0xee, 0, PACKET_HEADER_ROOM);
    this.#input.bytes.set(plaintext, PACKET_HEADER_ROOM);
    const length = by.seal(this.#input, PACKET_HEADER_ROOM, plaintext.length, this.#output, 16);
    return Buffer.from(this.#output.bytes.slice(16, 16 + length));
  }

  /** @returns the plaintext, or why there is none */
  open(by: Opens, packet: Uint8Array): Buffer | Rejection {
    this.#input.bytes.set(packet, 32);
    return this.#result(by, by.open(this.#input, 32, packet.length, this.#output, 48));
  }

  #result(by: Opens, length: number): Buffer | Rejection {
    if (length < 0) return rejectionName(length);
    return Buffer.from(this.#output.bytes.slice(by.openedAt, by.openedAt + length));
  }

  /** As `open`, of packets that are received together. */
  openAll(by: Opens, packets: readonly Uint8Array[]): (Buffer | Rejection)[] {
    const input = new Region(packets.reduce((sum, { length }) => sum + length + 7, 64));
    let at = 0;
    const starts = packets.map((packet) => {
      input.bytes.set(packet, at);
      at += packet.length + 7;
      return at - packet.length - 7;
    });
    by.expect?.(input, Int32Array.from(starts), packets.length);
    const opened = packets.map((packet, i) =>
      this.#result(by, by.open(input, starts[i], packet.length, this.#output, 48)),
    );
    input.release();
    return opened;
  }

  release(): void {
    this.#input.release();
    this.#output.release();
  }
}

/** Gives these bytes out, in this order and in these lengths. */
export function scripted(...parts: readonly Uint8Array[]): RandomSource {
  const left = [...parts];
  return (into, at, length) => {
    const part = left.shift();
    if (part?.length !== length) throw new Error(`${length} bytes were asked for, the script has ${part?.length}`);
    into.set(part, at);
  };
}

/** A clock that stands still until a test moves it, real randomness, no padding. */
export class PacketWorld implements PacketSurroundings {
  random: RandomSource = createRandomSource();
  nowS = 1_700_000_000;
  paddingLength = 0;
  #monotonicMs = 5_000;

  /** What the clock was told of others. */
  readonly skews: string[] = [];
  readonly clock: WallClock = {
    nowS: () => this.nowS,
    handleSkew: (peer, aheadS) => this.skews.push(`${peer} ${aheadS}`),
  };
  readonly monotonicMs = (): number => this.#monotonicMs;
  readonly padding = (): number => this.paddingLength;

  /** Lets all that is remembered of sessions be forgotten, at the same time of day. */
  grow(): void {
    this.#monotonicMs += 1_000_000;
  }

  pass(seconds: number): void {
    this.nowS += seconds;
    this.#monotonicMs += seconds * 1000;
  }
}
