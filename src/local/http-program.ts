/** The program's end of an HTTP conversation: what has come from it and has not been taken yet, and what it has not taken yet. */

import type { Region } from '../../native-bindings/memory.js';
import { type TcpSocket, WOULD_BLOCK } from '../net/tcp-socket.js';
import { Backlog } from '../relay/backlog.js';
import { Carry } from '../relay/carry.js';
import type { RelayContext } from '../relay/context.js';
import { FIRST_READ_CHUNKS, ReadChunks } from '../relay/read-chunks.js';
import { CHUNK_PAYLOAD } from '../shadowsocks/protocol.js';

/** Bytes of a receive of a head, and of what comes with it: four chunks, whose rest fits a medium block. */
export const HEAD_READ_LENGTH = FIRST_READ_CHUNKS * CHUNK_PAYLOAD;

/** Of `receive`: an event will come. */
export const NOTHING_YET = -1;
/** Of `receive`: the program has ended its side. */
export const INPUT_OVER = -2;
/** Of `receive`: the program has reset the connection. */
export const INPUT_RESET = -3;

export class HttpProgram {
  readonly socket: TcpSocket;
  readonly reads: ReadChunks;
  readonly #context: RelayContext;
  readonly #backlog: Backlog;
  readonly #asked: Carry;
  /** Nothing can be made of what is kept before more comes. */
  #wantsMore = true;

  constructor(context: RelayContext, socket: TcpSocket) {
    this.#context = context;
    this.socket = socket;
    this.#backlog = new Backlog(context.blocks);
    this.#asked = new Carry(context.blocks);
    this.reads = new ReadChunks(context);
  }

  /** It has not taken all that it was sent: nothing may be sent now. */
  get congested(): boolean {
    return !this.#backlog.empty;
  }

  /** Bytes that have come and have not been taken. */
  get waiting(): number {
    return this.#asked.length;
  }

  /**
   * Puts what can be looked at into `output[0, …)`: what was kept, and what comes where that is not enough.
   * @param isBody of what comes all belongs to a body, or most: then it may be much
   * @returns its end, or why there is none
   */
  receive(isBody: boolean): number {
    const { output } = this.#context.workspace;
    const kept = this.#asked.restore(output, 0);
    if (!this.#wantsMore) return kept;
    if (!this.socket.readable) return NOTHING_YET;
    const wanted = isBody ? this.reads.count * CHUNK_PAYLOAD : HEAD_READ_LENGTH - kept;
    const received = this.socket.receive(output, kept, wanted);
    if (received === WOULD_BLOCK) return NOTHING_YET;
    if (received <= 0) return received === 0 ? INPUT_OVER : INPUT_RESET;
    if (isBody && received === wanted) this.reads.more();
    return kept + received;
  }

  /** What is kept already, at `output[0, …)`. @returns its end */
  restore(): number {
    return this.#asked.restore(this.#context.workspace.output, 0);
  }

  /** Keeps `from[at, end)` for the next `receive`. @param wantsMore it is not enough */
  keep(from: Region, at: number, end: number, wantsMore: boolean): void {
    this.#asked.save(from, at, end);
    this.#wantsMore = wantsMore || at === end;
  }

  /** Sends `input[0, length)`, and keeps what is not taken. @returns false where the program has reset the connection */
  send(length: number): boolean {
    const { input } = this.#context.workspace;
    const sent = this.socket.writable ? this.socket.send(input, 0, length) : WOULD_BLOCK;
    if (sent < 0 && sent !== WOULD_BLOCK) return false;
    const taken = Math.max(0, sent);
    if (taken < length) this.#backlog.keep(input, taken, length - taken);
    return true;
  }

  /** Sends what was not taken. @returns false where the program has reset the connection */
  flush(): boolean {
    return this.#backlog.flush(this.socket) >= 0;
  }

  /** Gives memory back; the socket stays open. Idempotent. */
  release(): void {
    this.#backlog.clear();
    this.#asked.clear();
  }
}
