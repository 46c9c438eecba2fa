/**
 * One question (a name and a type) until it is answered: asks a server, and after a while the next one, round after
 * round, without hanging up on those asked before: the first answer counts, from whomever. Every try has a socket, a
 * source port and a transaction id of its own.
 */

import { randomInt } from 'node:crypto';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';
import type { Exchange, ExchangeContext, ExchangeOwner } from './exchange.js';
import { TcpExchange, UdpExchange } from './exchange.js';
import type { AddressType, DnsAnswer } from './message.js';
import type { NameServer, NameServers } from './name-servers.js';

export interface QueryContext extends ExchangeContext {
  readonly servers: NameServers;
  /** How often to go round the servers. */
  readonly attempts: number;
  /** How long to wait after the last try, and at most after any. */
  readonly timeoutMs: number;
  /** Ask over TCP from the start. */
  readonly tcpOnly: boolean;
}

export type QueryResult =
  | Extract<DnsAnswer, { kind: 'addresses' | 'negative' }>
  /** `ETIMEDOUT`: nobody answered; `EAI_AGAIN`: nobody could or would answer. */
  | { readonly kind: 'failed'; readonly code: 'ETIMEDOUT' | 'EAI_AGAIN' };

export interface QueryOwner {
  /** Called once, perhaps from `start`, unless the query is cancelled. */
  handleResult(query: Query, result: QueryResult): void;
}

/**
 * A server that has not answered within this is helped by a second question to the next one, twice as long in each
 * round. libc waits its whole time-out of 5 s, by which time a browser has given up; resolvers answer within some 100
 * ms, or within a second from afar.
 */
export const FIRST_RETRY_MS = 1000;

export class Query implements ExchangeOwner, TimeoutHandler {
  readonly name: string;
  readonly type: AddressType;
  readonly #context: QueryContext;
  readonly #owner: QueryOwner;
  readonly #timer: Timer = new Timer(this);
  readonly #exchanges: Exchange[] = [];
  readonly #firstServer: number;
  readonly #tries: number;
  #tried = 0;
  #over = false;

  /** @param name in the form of `normalizeName` */
  constructor(context: QueryContext, owner: QueryOwner, name: string, type: AddressType) {
    this.#context = context;
    this.#owner = owner;
    this.name = name;
    this.type = type;
    this.#firstServer = context.servers.begin();
    this.#tries = context.attempts * context.servers.list.length;
  }

  start(): void {
    this.#askNext();
  }

  /** The owner will not be called any more. Idempotent. */
  cancel(): void {
    this.#end();
  }

  handleTimeout(): void {
    if (this.#tried < this.#tries) this.#askNext();
    else this.#finish({ kind: 'failed', code: 'ETIMEDOUT' });
  }

  handleFailure(_error: unknown): void {
    this.#finish({ kind: 'failed', code: 'EAI_AGAIN' });
  }

  handleAnswer(exchange: Exchange, answer: DnsAnswer): void {
    this.#remove(exchange);
    switch (answer.kind) {
      case 'addresses':
      case 'negative':
        if (this.#tried > 1) this.#context.servers.prefer(exchange.server);
        this.#finish(answer);
        break;
      case 'truncated':
        if (!this.#open(exchange.server, exchange.edns, true)) this.#serverFailed();
        break;
      case 'failed':
        this.#refused(exchange, answer.code === 'FORMERR' || answer.code === 'NOTIMP');
        break;
      case 'malformed':
      case 'mismatch':
        this.#serverFailed();
        break;
      default:
        unreachable(answer);
    }
  }

  handleNoAnswer(exchange: Exchange): void {
    this.#remove(exchange);
    this.#serverFailed();
  }

  /** Servers from before EDNS refuse the whole message for it (RFC 6891 §7): these are asked again without. */
  #refused(exchange: Exchange, misunderstood: boolean): void {
    const again = misunderstood && exchange.edns;
    if (!again || !this.#open(exchange.server, false, this.#context.tcpOnly)) this.#serverFailed();
  }

  #serverFailed(): void {
    if (this.#tried < this.#tries) this.#askNext();
    else if (this.#exchanges.length === 0) this.#finish({ kind: 'failed', code: 'EAI_AGAIN' });
  }

  #askNext(): void {
    const { servers, timeoutMs, tcpOnly, reactor } = this.#context;
    const { list } = servers;
    while (this.#tried < this.#tries) {
      const round = Math.floor(this.#tried / list.length);
      const server = list[(this.#firstServer + this.#tried) % list.length];
      this.#tried++;
      if (!this.#open(server, true, tcpOnly)) continue;
      const last = this.#tried === this.#tries;
      reactor.arm(this.#timer, last ? timeoutMs : Math.min(timeoutMs, FIRST_RETRY_MS * 2 ** round));
      return;
    }
    if (this.#exchanges.length === 0) this.#finish({ kind: 'failed', code: 'EAI_AGAIN' });
    else reactor.arm(this.#timer, timeoutMs);
  }

  #open(server: NameServer, edns: boolean, tcp: boolean): boolean {
    const question = { id: randomInt(0x10000), name: this.name, type: this.type };
    const exchange = new (tcp ? TcpExchange : UdpExchange)(this.#context, this, server, question, edns);
    if (!exchange.open()) return false;
    this.#exchanges.push(exchange);
    return true;
  }

  #remove(exchange: Exchange): void {
    this.#exchanges.splice(this.#exchanges.indexOf(exchange), 1);
  }

  #finish(result: QueryResult): void {
    if (this.#over) return;
    this.#end();
    this.#owner.handleResult(this, result);
  }

  #end(): void {
    this.#over = true;
    this.#context.reactor.cancel(this.#timer);
    for (const exchange of this.#exchanges) exchange.close();
    this.#exchanges.length = 0;
  }
}

function unreachable(value: never): never {
  throw new Error(`unhandled case: ${String(value)}`);
}
