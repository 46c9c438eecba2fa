/** Whole HTTP conversations, made up at random: several hosts, every framing on both sides, all of it cut anywhere, requests ahead of answers. */

import { expect } from 'chai';
import fc from 'fast-check';
import * as sockets from '../../native-bindings/socket.js';
import { BodyTransfer } from '../../src/http-proxy/body-transfer.js';
import { requestFraming, responseFraming } from '../../src/http-proxy/framing.js';
import { HeadReader } from '../../src/http-proxy/message-head.js';
import { latin1 } from '../support/http-messages.js';
import { OracleServer } from '../support/oracle-server.js';
import { ReactorBench } from '../support/reactor-bench.js';
import { cutAt } from '../support/socks-handshake.js';

const PASSWORD = 'conversation';

interface Exchange {
  readonly host: string;
  readonly method: string;
  readonly asked: { readonly framing: 'none' | 'length' | 'chunked'; readonly body: string };
  readonly answered: { readonly framing: 'length' | 'chunked' | 'until-close' | 'no-content'; readonly body: string };
  /** What the origin server does with its connection behind it; where it ends unsaid, a request may be on its way already. */
  readonly connection: 'stays' | 'says that it ends' | 'ends';
}

const text = fc.string({ unit: fc.constantFrom('a', '\r', '\n', '0', ' ', '\xff'), maxLength: 60 });
const large = fc.integer({ min: 1, max: 70_000 }).map((length) => 'x'.repeat(length));
const body = fc.oneof({ weight: 5, arbitrary: text }, { weight: 1, arbitrary: large });
const exchange: fc.Arbitrary<Exchange> = fc.record({
  host: fc.constantFrom('a.test', 'b.test:8080'),
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
  asked: fc.record({ framing: fc.constantFrom('none', 'length', 'chunked'), body }),
  answered: fc.record({ framing: fc.constantFrom('length', 'chunked', 'until-close', 'no-content'), body }),
  connection: fc.constantFrom('stays', 'says that it ends', 'ends'),
});
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 });

/** In pieces, by positions as fractions of the length. */
function cutBy(message: string, fractions: readonly number[]): string[] {
  const at = fractions.map((fraction) => Math.floor(fraction * message.length)).sort((a, b) => a - b);
  return cutAt(latin1(message), ...at).map((piece) => Buffer.from(piece).toString('latin1'));
}

function framed(head: string, framing: string, content: string): string {
  if (framing === 'length') return `${head}Content-Length: ${content.length}\r\n\r\n${content}`;
  if (framing !== 'chunked') return `${head}\r\n${framing === 'until-close' ? content : ''}`;
  const chunk = content === '' ? '' : `${content.length.toString(16)};ext\r\n${content}\r\n`;
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\nTrailer: x\r\n\r\n`;
}

function request({ host, method, asked }: Exchange, id: number): string {
  const head = `${method} http://${host}/${id} HTTP/1.1\r\nHost: x\r\nProxy-Connection: keep-alive\r\n`;
  return framed(head, asked.framing, asked.body);
}

function answer({ answered, connection }: Exchange, id: number): string {
  const status = answered.framing === 'no-content' ? '204 No Content' : '200 OK';
  const head = `HTTP/1.1 ${status}\r\nX-Id: ${id}\r\n${connection === 'says that it ends' ? 'Connection: close\r\n' : ''}`;
  return `HTTP/1.1 103 Early Hints\r\n\r\n${framed(head, answered.framing, answered.body)}`;
}

interface Message {
  readonly startLine: string;
  readonly fields: ReadonlyMap<string, string>;
  readonly body: string;
  readonly end: number;
}

/** The message at `at`, once it is whole. */
function parse(message: string, at: number, isResponse: boolean): Message | undefined {
  const bytes = latin1(message.slice(at));
  const outcome = new HeadReader(false).read(bytes, 0, bytes.length);
  if (outcome.kind === 'bad') throw new Error(outcome.fault);
  if (outcome.kind === 'more') return undefined;
  const { startLine, fields } = outcome.head;
  const hasNone = / (?:103|204) /.test(startLine);
  const stated = isResponse ? responseFraming(fields) : requestFraming(fields, true);
  if (typeof stated === 'string') throw new Error(stated);
  const transfer = new BodyTransfer(isResponse && hasNone ? { kind: 'none' } : stated, false);
  const into = Buffer.alloc(bytes.length);
  const length = transfer.transfer(bytes, outcome.length, bytes.length, into, 0);
  if (length < 0) throw new Error('malformed');
  if (!transfer.done) return undefined;
  return {
    startLine,
    fields: new Map(fields.map(({ key, value }) => [key, value])),
    body: into.toString('latin1', 0, length),
    end: at + outcome.length + transfer.consumed,
  };
}

/** An origin server behind one tunnel: answers each request by the plan, in pieces. */
class Origin {
  readonly #far: OracleServer;
  #read = 0;
  #pieces: string[] = [];
  /** Behind the answer that is under way. */
  #ends = false;
  #over = false;

  constructor(far: OracleServer) {
    this.#far = far;
  }

  /** Goes on by one step. @param seen gets what was asked */
  step(plan: readonly Exchange[], fractions: readonly number[], seen: string[]): void {
    if (this.#over) return;
    const [piece, ...rest] = this.#pieces;
    if (piece !== undefined) {
      this.#far.send(piece);
      this.#pieces = rest;
      this.#over = rest.length === 0 && this.#ends;
      if (this.#over) this.#far.peer.finish();
      return;
    }
    const asked = parse(this.#far.text, this.#read, false);
    if (asked === undefined) return;
    this.#read = asked.end;
    const id = Number(asked.startLine.split('/')[1].split(' ')[0]);
    seen.push(`${this.#far.target} ${asked.startLine} ${asked.fields.get('host')} ${asked.body}`);
    this.#ends = plan[id].connection !== 'stays' || plan[id].answered.framing === 'until-close';
    this.#pieces = cutBy(answer(plan[id], id), fractions);
  }
}

describe('HTTP conversations, by property', () => {
  it('have every answer in its place, and every request at its host', () => {
    fc.assert(
      fc.property(fc.array(exchange, { minLength: 1, maxLength: 6 }), cuts, cuts, (plan, askedCuts, answeredCuts) => {
        const bench = new ReactorBench();
        try {
          const listener = bench.descriptors.listen();
          const server = {
            host: '127.0.0.1',
            port: listener.port,
            method: 'chacha20-ietf-poly1305',
            password: PASSWORD,
          } as const;
          const program = bench.connect(bench.startLocal([server]));
          const pieces = cutBy(plan.map(request).join(''), askedCuts);
          const origins: Origin[] = [];
          const seen: string[] = [];
          const got: Message[] = [];
          let read = 0;
          bench.until('all answers', () => {
            const piece = pieces.shift();
            if (piece !== undefined) program.send(latin1(piece));
            const fd = sockets.accept(listener.fd);
            if (fd >= 0) origins.push(new Origin(new OracleServer(bench.peer(fd), PASSWORD)));
            for (const origin of origins) origin.step(plan, answeredCuts, seen);
            const received = program.received.toString('latin1');
            for (let next = parse(received, read, true); next !== undefined; next = parse(received, read, true)) {
              if (!next.startLine.includes(' 103 ')) got.push(next);
              read = next.end;
            }
            return got.length === plan.length || program.end !== 'open';
          });
          expect(got.map(({ fields, body: content }) => [fields.get('x-id'), content])).to.deep.equal(
            plan.map(({ answered }, id) => [String(id), answered.framing === 'no-content' ? '' : answered.body]),
          );
          expect(seen).to.deep.equal(
            plan.map(({ host, method, asked }, id) => {
              const target = host.includes(':') ? host : `${host}:80`;
              return `${target} ${method} /${id} HTTP/1.1 ${host} ${asked.framing === 'none' ? '' : asked.body}`;
            }),
          );
          expect(program.end).to.equal('open');
        } finally {
          bench.close();
        }
        expect(bench.reactor.statistics.failures).to.equal(0);
        expect(bench.context.blocks.inUse).to.equal(0);
      }),
      { numRuns: 20 },
    );
  }).timeout(60_000);
});
