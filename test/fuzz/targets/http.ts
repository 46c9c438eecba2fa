/** HTTP as the proxy meets it: requests of programs, responses of servers, chunks of both. */

import { BodyTransfer, MAX_CHUNK_GROWTH } from '../../../src/http-proxy/body-transfer.js';
import type { Framing } from '../../../src/http-proxy/framing.js';
import { type HeadOutcome, HeadReader, type MessageHead } from '../../../src/http-proxy/message-head.js';
import { type ForwardRequest, interpretRequest } from '../../../src/http-proxy/request.js';
import { interpretResponse } from '../../../src/http-proxy/response.js';
import { ResponseTransfer } from '../../../src/http-proxy/response-transfer.js';
import { SocksCredentials } from '../../../src/socks/credentials.js';
import type { SeededRandom } from '../random.js';
import { type FuzzTarget, must } from '../target.js';

const NOBODY = new SocksCredentials([]);
const ME = new SocksCredentials([{ user: 'me', password: 'secret' }]);

function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** Where pieces of the input end: all at once, or where `random` says. */
function* ends(input: Uint8Array, random: SeededRandom | undefined): Generator<number> {
  for (let end = 0; end < input.length; ) {
    end = Math.min(input.length, end + 1 + (random === undefined ? input.length : random.below(16)));
    yield end;
  }
}

function readHead(input: Uint8Array, tolerant: boolean, random?: SeededRandom): HeadOutcome {
  const reader = new HeadReader(tolerant);
  for (const end of ends(input, random)) {
    const outcome = reader.read(input, 0, end);
    if (outcome.kind !== 'more') return outcome;
  }
  return { kind: 'more' };
}

/** The same, however it is split. */
function headOf(input: Uint8Array, tolerant: boolean, random: SeededRandom): HeadOutcome {
  const whole = readHead(input, tolerant);
  const split = readHead(input, tolerant, random);
  must(JSON.stringify(whole) === JSON.stringify(split), 'the same head however the input is split');
  return whole;
}

const OF_ONE_HOP = ['proxy-connection', 'keep-alive', 'te', 'upgrade', 'proxy-authorization'];

/** What was written must be read by the strictest reader, whole, as one message. */
function reread(written: Uint8Array, forbidden: readonly string[] = OF_ONE_HOP): MessageHead {
  const outcome = new HeadReader(false).read(written, 0, written.length);
  must(outcome.kind === 'head', 'what is written is a head');
  must(outcome.length === written.length, 'what is written is one head and nothing more');
  const of = (key: string) => outcome.head.fields.filter((field) => field.key === key).length;
  must(of('content-length') + of('transfer-encoding') <= 1, 'one framing');
  for (const key of forbidden) must(of(key) === 0, `no ${key} is passed on`);
  return outcome.head;
}

const request: FuzzTarget = {
  name: 'HTTP request',
  corpus: [
    'GET http://example.com/a?b HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive, x\r\nX: 1\r\n\r\n',
    'POST http://[::1]:8080 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nProxy-Connection: close\r\n\r\n',
    'PUT http://u:p@192.0.2.7/ HTTP/1.0\r\nContent-Length: 5\r\nContent-Length: 5\r\nTE: trailers\r\n\r\nhello',
    'CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n',
    'TRACE http://a/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\nCookie: a\r\n\r\n',
    '\r\nOPTIONS http://a HTTP/1.1\r\nhost:a\r\nmax-forwards: 3\r\n\r\n',
    'POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
  ].map(latin1),
  run(input, random) {
    const outcome = headOf(input, false, random);
    if (outcome.kind !== 'head') return false;
    const result = interpretRequest(outcome.head, random.below(2) === 0 ? NOBODY : ME);
    if (result.kind === 'answer') reread(result.answer.bytes.subarray(0, endOfHead(result.answer.bytes)));
    if (result.kind !== 'forward') return result.kind === 'connect';
    const { startLine, fields } = reread(result.request.head, [...OF_ONE_HOP, 'proxy-authenticate']);
    must(/^[^ ]+ (\/[^ #]*|\*) HTTP\/1\.1$/.test(startLine), 'origin-form');
    must(fields.filter(({ key }) => key === 'host').length === 1, 'one Host');
    return true;
  },
};

function endOfHead(bytes: Uint8Array): number {
  return Buffer.from(bytes).indexOf('\r\n\r\n') + 4;
}

const ASKED: ForwardRequest = {
  isHead: false,
  target: { kind: 'name', name: 'a', port: 80 },
  head: latin1(''),
  framing: { kind: 'none' },
  isVersion11: true,
  keeps: true,
  isRepeatable: true,
};

const response: FuzzTarget = {
  name: 'HTTP response',
  corpus: [
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close, x\r\nX: 1\r\n\r\nhello',
    'HTTP/1.0 404 Not Found\nServer : a\nX: a\n b\n\n',
    'HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\nKeep-Alive: a\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
  ].map(latin1),
  run(input, random) {
    const outcome = headOf(input, true, random);
    if (outcome.kind !== 'head') return false;
    const asked = { ...ASKED, isHead: random.below(4) === 0, isVersion11: random.below(4) !== 0 };
    const result = interpretResponse(outcome.head, asked);
    if (result.kind === 'bad') return false;
    if (result.bytes.length > 0)
      must(
        /^HTTP\/1\.1 \d{3} /.test(reread(result.bytes, [...OF_ONE_HOP, 'proxy-authenticate']).startLine),
        'a status line',
      );
    return true;
  },
};

/** Passes a whole response on to a program of HTTP/1.0, whose body comes without chunks. @returns what it gets, and how that ends */
function passOn(input: Uint8Array, random?: SeededRandom): string {
  const passing = new ResponseTransfer({ ...ASKED, isVersion11: false, keeps: false });
  const into = new Uint8Array(2 * input.length + MAX_CHUNK_GROWTH);
  let passed = '';
  let at = 0;
  for (const end of ends(input, random)) {
    const length = passing.transfer(input, at, end, into, 0);
    if (length < 0) return `refused: ${passing.fault}`;
    must(passing.consumed <= end - at, 'no more is taken than was given');
    passed += Buffer.from(into.subarray(0, length)).toString('latin1');
    at += passing.consumed;
    if (passing.done) return `done at ${at}: ${passed}`;
  }
  return `begun: ${passing.begun} ${passed}`;
}

const answers: FuzzTarget = {
  name: 'HTTP answer',
  corpus: [
    'HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellonext',
    'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\nnext',
    'HTTP/1.0 200 OK\r\n\r\nhello',
    'HTTP/1.1 204 No Content\r\n\r\nnext',
  ].map(latin1),
  run(input, random) {
    const whole = passOn(input);
    const split = passOn(input, random);
    // What is malformed may have begun before that is known.
    if (whole.startsWith('refused')) return false;
    must(whole === split, `the same answer however the input is split: ${whole} / ${split}`);
    return whole.startsWith('done');
  },
};

/** @returns what is passed on, undefined where the body is malformed or goes on */
function transfer(
  input: Uint8Array,
  framing: Framing,
  takesChunks: boolean,
  random?: SeededRandom,
): string | undefined {
  const body = new BodyTransfer(framing, takesChunks);
  const into = new Uint8Array(input.length + MAX_CHUNK_GROWTH);
  let passed = '';
  let at = 0;
  for (const end of ends(input, random)) {
    const length = body.transfer(input, at, end, into, 0);
    if (length < 0) return undefined;
    must(length <= end - at + MAX_CHUNK_GROWTH, 'a piece grows by no more than was said');
    must(body.done || body.consumed === end - at, 'a body that goes on takes all there is');
    passed += Buffer.from(into.subarray(0, length)).toString('latin1');
    at += body.consumed;
    if (body.done) return passed;
  }
  return undefined;
}

const chunks: FuzzTarget = {
  name: 'HTTP chunks',
  corpus: [
    '5\r\nhello\r\n0\r\n\r\n',
    '00a ; a="b"\r\n0123456789\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\nnext',
    '1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0;x\r\n\r\n',
  ].map(latin1),
  run(input, random) {
    const plain = transfer(input, { kind: 'chunked' }, false);
    must(transfer(input, { kind: 'chunked' }, false, random) === plain, 'the same body however the input is split');
    const chunked = transfer(input, { kind: 'chunked' }, true, random);
    must((chunked === undefined) === (plain === undefined), 'the same verdict in both framings');
    if (chunked === undefined) return false;
    must(transfer(latin1(chunked), { kind: 'chunked' }, false) === plain, 'chunks of our own hold the same');
    return true;
  },
};

export const HTTP_TARGETS: readonly FuzzTarget[] = [request, response, answers, chunks];
