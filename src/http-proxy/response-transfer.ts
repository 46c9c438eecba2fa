/** Passes the response to one request on: interim ones, the head of the final one, and its body. */

import { BodyTransfer } from './body-transfer.js';
import { HeadReader } from './message-head.js';
import type { ForwardRequest } from './request.js';
import { interpretResponse } from './response.js';

export class ResponseTransfer {
  /** How many bytes the last `transfer` took. */
  consumed = 0;
  /** The final response's head has been passed on: there can be no other answer any more. */
  begun = false;
  /** The origin server takes another request on this connection, once the response is done. */
  originKeeps = false;
  /** Why it is malformed. */
  fault = '';
  readonly #request: ForwardRequest;
  readonly #head = new HeadReader(true);
  #body: BodyTransfer | undefined = undefined;

  constructor(request: ForwardRequest) {
    this.#request = request;
  }

  /** All of it has been passed on. */
  get done(): boolean {
    return this.#body?.done ?? false;
  }

  /**
   * Takes what can be passed on of `from[start, end)`; an incomplete head is left, to be offered again with more behind it.
   * @param into must not overlap `from`; with room for twice as many bytes everything fits
   * @returns how many bytes were written at `into[at]`, or −1 where the response is malformed: see `fault`
   */
  transfer(from: Uint8Array, start: number, end: number, into: Uint8Array, at: number): number {
    let next = start;
    let written = 0;
    while (this.#body === undefined) {
      const outcome = this.#head.read(from, next, end);
      if (outcome.kind === 'more') break;
      if (outcome.kind === 'bad') return this.#fail(outcome.fault);
      const response = interpretResponse(outcome.head, this.#request);
      if (response.kind === 'bad') return this.#fail(response.reason);
      next += outcome.length;
      into.set(response.bytes, at + written);
      written += response.bytes.length;
      if (response.kind === 'interim') continue;
      this.originKeeps = response.originKeeps;
      this.#body = new BodyTransfer(response.framing, this.#request.isVersion11);
    }
    if (this.#body !== undefined) {
      const length = this.#body.transfer(from, next, end, into, at + written);
      if (length < 0) return this.#fail('bad-chunk');
      next += this.#body.consumed;
      written += length;
      this.begun = true;
    }
    this.consumed = next - start;
    return written;
  }

  #fail(fault: string): -1 {
    this.fault = fault;
    return -1;
  }

  /**
   * The origin server's connection has ended.
   * @returns how many bytes were written at `into[at]` to say so, or −1 where the response is cut short
   */
  endOfInput(into: Uint8Array, at: number): number {
    return this.#body === undefined ? -1 : this.#body.endOfInput(into, at);
  }
}
