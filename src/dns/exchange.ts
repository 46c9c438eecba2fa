/**
 * One question to one name server: over UDP on a socket of its own, connected, so that the kernel draws a random source
 * port for it and drops what does not come from that server (a link-local one: by its interface); or over TCP, where the
 * answer was too long for a datagram.
 *
 * An exchange has no clock: the query that made it gives it up.
 */

import { EPOLLIN, EPOLLOUT, MSG_NOSIGNAL, SOCK_DGRAM, SOCK_STREAM } from '../../native-bindings/constants.js';
import { EAGAIN, EINPROGRESS } from '../../native-bindings/errno.js';
import { interfaceIndex } from '../../native-bindings/interfaces.js';
import type { Region } from '../../native-bindings/memory.js';
import { close, connectInet, recv, send, takeError, trySocket } from '../../native-bindings/socket.js';
import type { EventHandler, Reactor } from '../reactor/reactor.js';
import type { DnsAnswer, DnsQuestion } from './message.js';
import { decodeAnswer, encodeQuery } from './message.js';
import type { NameServer } from './name-servers.js';

/** What the exchanges of one resolver share. */
export interface ExchangeContext {
  readonly reactor: Reactor;
  /** Scratch for one send or receive, at least `SCRATCH_LENGTH` bytes. */
  readonly scratch: Region;
}

export interface ExchangeOwner {
  /** The exchange is closed. The answer is to this question; never `mismatch`. */
  handleAnswer(exchange: Exchange, answer: DnsAnswer): void;
  /** The exchange is closed: refused, reset, or ended without an answer. */
  handleNoAnswer(exchange: Exchange): void;
}

/**
 * Datagrams beyond the 1232 bytes that we announce are not sent by any sane server; they would be cut, and be
 * malformed.
 */
export const SCRATCH_LENGTH = 4096;
/** Junk datagrams read in one turn; the rest waits for the next, so that a flood takes no more than its share. */
const DATAGRAMS_PER_TURN = 8;
/** RFC 1035 §4.2.2: over TCP a message has its length before it, in two bytes. */
const LENGTH_PREFIX = 2;

export abstract class Exchange implements EventHandler {
  readonly server: NameServer;
  readonly question: DnsQuestion;
  readonly edns: boolean;
  protected readonly context: ExchangeContext;
  readonly #owner: ExchangeOwner;
  /** -1: closed, or never opened. */
  protected fd = -1;

  constructor(
    context: ExchangeContext,
    owner: ExchangeOwner,
    server: NameServer,
    question: DnsQuestion,
    edns: boolean,
  ) {
    this.context = context;
    this.#owner = owner;
    this.server = server;
    this.question = question;
    this.edns = edns;
  }

  /** @returns false where there is no socket to be had or no way to the server; the owner is not called then */
  abstract open(): boolean;

  abstract handleEvents(events: number): void;

  handleFailure(_error: unknown): void {
    this.fail();
  }

  /** Gives up; the owner is not called. Idempotent. */
  close(): void {
    if (this.fd < 0) return;
    this.context.reactor.closeDescriptor(this.fd);
    this.fd = -1;
  }

  protected answer(answer: DnsAnswer): void {
    if (this.fd < 0) return;
    this.close();
    this.#owner.handleAnswer(this, answer);
  }

  protected fail(): void {
    if (this.fd < 0) return;
    this.close();
    this.#owner.handleNoAnswer(this);
  }

  /** Registers a socket that is connected, or connecting, to the server. */
  protected connect(type: number, interest: number): boolean {
    const { address, port } = this.server;
    const fd = trySocket(address.family, type);
    if (fd < 0) return false;
    const result = connectInet(fd, address.bytes, port, scopeIdOf(this.server));
    if (result < 0 && result !== -EINPROGRESS) {
      close(fd);
      return false;
    }
    this.context.reactor.register(fd, interest, this);
    this.fd = fd;
    return true;
  }

  /** @returns whether the kernel took all of it: a question is far smaller than any socket buffer */
  protected sendQuestion(prefixLength: number): boolean {
    const query = encodeQuery(this.question, this.edns);
    const { bytes } = this.context.scratch;
    if (prefixLength > 0) {
      bytes[0] = query.length >> 8;
      bytes[1] = query.length & 0xff;
    }
    bytes.set(query, prefixLength);
    const length = prefixLength + query.length;
    return send(this.fd, this.context.scratch, 0, length, MSG_NOSIGNAL) === length;
  }
}

export class UdpExchange extends Exchange {
  override open(): boolean {
    if (!this.connect(SOCK_DGRAM, EPOLLIN)) return false;
    if (this.sendQuestion(0)) return true;
    this.close();
    return false;
  }

  override handleEvents(_events: number): void {
    const { scratch } = this.context;
    for (let i = 0; i < DATAGRAMS_PER_TURN; i++) {
      const received = recv(this.fd, scratch, 0, SCRATCH_LENGTH, 0);
      if (received === -EAGAIN) return;
      if (received < 0) {
        // ICMP said that nobody listens there.
        this.fail();
        return;
      }
      const answer = decodeAnswer(scratch.bytes.subarray(0, received), this.question);
      if (answer.kind === 'mismatch') continue;
      this.answer(answer);
      return;
    }
  }
}

export class TcpExchange extends Exchange {
  #connected = false;
  /** Length prefix and message, as far as they came; grows once, when the length is known. */
  #received = new Uint8Array(LENGTH_PREFIX);
  #receivedLength = 0;

  override open(): boolean {
    return this.connect(SOCK_STREAM, EPOLLOUT);
  }

  override handleEvents(_events: number): void {
    if (this.#connected) {
      this.#read();
      return;
    }
    if (takeError(this.fd) !== 0 || !this.sendQuestion(LENGTH_PREFIX)) {
      this.fail();
      return;
    }
    this.#connected = true;
    this.context.reactor.modify(this.fd, EPOLLIN);
  }

  #read(): void {
    const { scratch } = this.context;
    const wanted = Math.min(SCRATCH_LENGTH, this.#received.length - this.#receivedLength);
    const received = recv(this.fd, scratch, 0, wanted, 0);
    if (received === -EAGAIN) return;
    if (received <= 0) {
      this.fail();
      return;
    }
    this.#received.set(scratch.bytes.subarray(0, received), this.#receivedLength);
    this.#receivedLength += received;
    if (this.#receivedLength === LENGTH_PREFIX) this.#makeRoom();
    else if (this.#receivedLength === this.#received.length) this.#finish();
  }

  #makeRoom(): void {
    const prefix = this.#received;
    const length = (prefix[0] << 8) | prefix[1];
    this.#received = new Uint8Array(LENGTH_PREFIX + length);
    this.#received.set(prefix);
    if (length === 0) this.fail();
  }

  #finish(): void {
    const answer = decodeAnswer(this.#received.subarray(LENGTH_PREFIX), this.question);
    // On a stream of one question nothing else can come, so what doesn't fit the question is a failure.
    if (answer.kind === 'mismatch' || answer.kind === 'truncated') this.fail();
    else this.answer(answer);
  }
}

/**
 * Looked up each time that a server is asked: an interface that comes back has another number.
 *
 * @returns `sin6_scope_id`; 0 where there is no zone, or no such interface
 */
function scopeIdOf({ zone }: NameServer): number {
  if (zone === '') return 0;
  if (!/^[0-9]+$/.test(zone)) return interfaceIndex(zone);
  const index = Number(zone);
  return index <= 0xffff_ffff ? index : 0;
}
