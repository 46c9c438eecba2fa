/** The client as an HTTP proxy, on a reactor of the test's own, where the test decides what has happened between two turns. */

import { expect } from 'chai';
import type { InletKind, LocalInlet, ShadowsocksEndpoint } from '../../../src/config/types.js';
import { MAX_HEAD_BYTES } from '../../../src/http-proxy/message-head.js';
import { HEAD_TIMEOUT_MS } from '../../../src/local/http-conversation.js';
import { dechunked } from '../../support/http-messages.js';
import { OracleServer } from '../../support/oracle-server.js';
import type { Peer } from '../../support/peer.js';
import { ReactorBench } from '../../support/reactor-bench.js';

const PASSWORD = 'local';
const USERS = [{ user: 'ann', password: 'secret' }];
const ANN = `Proxy-Authorization: Basic ${Buffer.from('ann:secret').toString('base64')}\r\n`;
const GET = 'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n';
const FORWARDED = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const MIB = 1024 * 1024;

function endpoint(port: number): ShadowsocksEndpoint {
  return { host: '127.0.0.1', port, method: 'chacha20-ietf-poly1305', password: PASSWORD };
}

function inlet(kind: InletKind, more: Partial<LocalInlet> = {}): LocalInlet {
  return { host: '127.0.0.1', port: 0, kind, users: [], ...more };
}

describe('the client as an HTTP proxy', () => {
  let bench: ReactorBench;
  let listener: { readonly fd: number; readonly port: number };

  beforeEach(() => {
    bench = new ReactorBench();
    listener = bench.descriptors.listen();
  });

  afterEach(() => {
    bench.close();
    expect(bench.reactor.statistics.failures, 'handlers that threw').to.equal(0);
    expect(bench.context.counters.outcomes.get('ERR_BUG')).to.equal(undefined);
  });

  function start(entry = inlet('mixed'), servers = [endpoint(listener.port)]): number {
    return bench.startLocal(servers, { inlets: [entry] });
  }

  function ask(text: string, port = start()): Peer {
    const program = bench.connect(port);
    program.send(text);
    return program;
  }

  function server(): OracleServer {
    return new OracleServer(bench.accept(listener.fd), PASSWORD);
  }

  /** A request on its way. */
  function asked(text = GET): { readonly program: Peer; readonly far: OracleServer } {
    const program = ask(text);
    const far = server();
    bench.until('the request', () => far.text !== '');
    return { program, far };
  }

  function untilText(program: Peer, text: string): void {
    bench.until(`${text.length} bytes`, () => program.receivedLength >= text.length);
    expect(program.text).to.equal(text);
  }

  function untilEnd(program: Peer, end = 'fin'): void {
    bench.until('the end', () => program.end !== 'open');
    expect(program.end).to.equal(end);
  }

  function expectNothingLeft(): void {
    bench.until('the end of the session', () => bench.context.sessions.size === 0);
    bench.context.endDraining();
    expect(bench.context.blocks.inUse, 'backlogs and carries').to.equal(0);
    expect(bench.reactor.timers.count(), 'timers').to.equal(0);
    expect(bench.reactor.registered, 'descriptors but for the listener').to.equal(1);
  }

  function outcomes(): Record<string, number> {
    return Object.fromEntries(bench.context.counters.outcomes);
  }

  describe('forwards', () => {
    it('a request in one segment with its address, and the answer', () => {
      const { program, far } = asked();
      expect([far.target, far.text]).to.deep.equal(['a.test:80', FORWARDED]);
      expect(far.peer.receivedLength).to.equal(32 + 34 + 2 + 6 + 2 + FORWARDED.length);
      far.send(ANSWER);
      untilText(program, ANSWER);
      program.finish();
      untilEnd(program);
      bench.until('the end of the tunnel', () => far.peer.end === 'fin');
      expect(outcomes()).to.deep.equal({ OK: 1 });
      const [line] = bench.logLines.filter(({ message }) => message === 'connection');
      expect(line.fields).to.include({ target: 'a.test:80', up: FORWARDED.length, down: ANSWER.length });
      expectNothingLeft();
    });

    it('a request and an answer that come byte by byte', () => {
      const program = bench.connect(start());
      const body = '5\r\nhello\r\n0\r\n\r\n';
      for (const byte of Buffer.from(
        GET.replace('GET', 'POST').replace('\r\n\r\n', `\r\nTransfer-Encoding: chunked\r\n\r\n${body}`),
      )) {
        program.send(Uint8Array.of(byte));
        bench.reactor.turn(1);
      }
      const far = server();
      bench.until('the request', () => far.text.endsWith('0\r\n\r\n'));
      const [head, sent] = far.text.split(/\r\n\r\n(.*)/s);
      expect(head).to.equal('POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked');
      expect(dechunked(sent)).to.equal('hello');
      for (const character of `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`) far.send(character);
      bench.until('the answer', () => program.text.endsWith('0\r\n\r\n'));
      expect(dechunked(program.text.split(/\r\n\r\n(.*)/s)[1])).to.equal('hello');
    });

    it('requests to one host through one tunnel', () => {
      const { program, far } = asked();
      for (let i = 1; i <= 3; i++) {
        far.send(ANSWER);
        untilText(program, ANSWER.repeat(i));
        program.send(GET);
        bench.until('the next request', () => far.text === FORWARDED.repeat(i + 1));
      }
      expect(bench.reactor.registered, 'program, tunnel and listener').to.equal(3);
    });

    it('each request to its own host', () => {
      const { program, far } = asked();
      far.send(ANSWER);
      untilText(program, ANSWER);
      program.send('GET http://b.test:8080/ HTTP/1.1\r\nHost: a.test\r\n\r\n');
      const other = server();
      bench.until('the next request', () => other.text !== '');
      expect([other.target, other.text]).to.deep.equal(['b.test:8080', 'GET / HTTP/1.1\r\nHost: b.test:8080\r\n\r\n']);
      bench.until('the end of the first tunnel', () => far.peer.end === 'fin');
      other.send(ANSWER);
      untilText(program, ANSWER.repeat(2));
      expect(far.text).to.equal(FORWARDED);
    });

    it('a request that must not be sent twice through a tunnel of its own', () => {
      const { program, far } = asked();
      far.send(ANSWER);
      untilText(program, ANSWER);
      program.send('POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody');
      const other = server();
      bench.until('the next request', () => other.text.endsWith('body'));
      expect(other.text).to.equal('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody');
      bench.until('the end of the first tunnel', () => far.peer.end === 'fin');
    });

    it('a request with the beginning of its body in one segment', () => {
      const text = 'POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nfirst';
      const { program, far } = asked(text);
      expect(far.text).to.equal('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nfirst');
      expect(far.peer.receivedLength).to.equal(32 + 34 + 2 + 6 + 2 + far.text.length);
      program.send('restGET');
      bench.until('the rest', () => far.text.endsWith('firstrest'));
    });

    it('pipelined requests one after another', () => {
      const other = GET.replace('a.test/ ', 'b.test/ ');
      const { program, far } = asked(GET + GET.replace('/ H', '/2 H') + other);
      bench.settle();
      expect(far.text).to.equal(FORWARDED);
      far.send(ANSWER);
      bench.until('the second request', () => far.text.length > FORWARDED.length);
      expect(far.text).to.equal(FORWARDED + FORWARDED.replace('/ H', '/2 H'));
      far.send(ANSWER.replace('hello', 'again'));
      const third = server();
      bench.until('the third request', () => third.text !== '');
      expect(third.target).to.equal('b.test:80');
      third.send(ANSWER.replace('hello', 'other'));
      untilText(program, ['hello', 'again', 'other'].map((word) => ANSWER.replace('hello', word)).join(''));
    });

    it('interim answers, and the body that waited for one', () => {
      const { program, far } = asked(
        'PUT http://a.test/ HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n',
      );
      expect(far.text).to.include('\r\nExpect: 100-continue\r\n');
      far.send('HTTP/1.1 100 Continue\r\n\r\n');
      untilText(program, 'HTTP/1.1 100 Continue\r\n\r\n');
      program.send('body');
      bench.until('the body', () => far.text.endsWith('\r\n\r\nbody'));
      far.send(ANSWER);
      untilText(program, `HTTP/1.1 100 Continue\r\n\r\n${ANSWER}`);
    });

    it('an answer that ends with the connection, in chunks', () => {
      const { program, far } = asked();
      far.send('HTTP/1.0 200 OK\r\n\r\nall of it');
      far.peer.finish();
      untilText(program, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nall of it\r\n0\r\n\r\n');
      program.send(GET);
      const other = server();
      bench.until('the next request', () => other.text === FORWARDED);
    });

    it('an answer to a program of HTTP/1.0, which ends with the connection', () => {
      const { program, far } = asked('GET http://a.test/ HTTP/1.0\r\n\r\n');
      expect(far.text).to.equal('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
      far.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
      untilEnd(program);
      expect(program.text).to.equal('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello');
      expectNothingLeft();
    });

    it('an answer to a program that has ended its side', () => {
      const { program, far } = asked();
      program.finish();
      bench.settle();
      far.send(ANSWER);
      untilEnd(program);
      expect(program.text).to.equal(ANSWER);
      expect(outcomes()).to.deep.equal({ OK: 1 });
      expectNothingLeft();
    });

    it('an answer that comes before the request is whole, and ends the connection behind it', () => {
      const { program, far } = asked(
        'POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\nbody',
      );
      far.send(ANSWER);
      untilEnd(program);
      expect(program.text).to.equal(ANSWER);
      program.send('more of the body');
      bench.settle();
      expect(program.end, 'no reset').to.equal('fin');
      expectNothingLeft();
    });
  });

  describe('keeps little in memory', () => {
    it('while a program does not read', () => {
      const { program, far } = asked();
      program.reading = false;
      const body = 'x'.repeat(24 * MIB);
      far.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      bench.settle();
      expect(far.peer.flushed, 'not all of it is taken').to.equal(false);
      expect(bench.context.blocks.inUse).to.be.within(1, 2);
      program.reading = true;
      bench.until('all of it', () => program.receivedLength > body.length);
      expect(program.text.endsWith(body)).to.equal(true);
      program.close();
      expectNothingLeft();
    });

    it('while a destination does not read', () => {
      const body = 'x'.repeat(24 * MIB);
      const { program, far } = asked(
        `PUT http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n\r\n`,
      );
      far.peer.reading = false;
      program.send(body);
      bench.settle();
      expect(program.flushed, 'not all of it is taken').to.equal(false);
      expect(bench.context.blocks.inUse).to.be.within(1, 2);
      far.peer.reading = true;
      bench.until('all of it', () => far.peer.receivedLength > body.length + (body.length / 0x3fff) * 34);
      bench.settle();
      expect(far.text.endsWith(body)).to.equal(true);
    });
  });

  describe('turns into a tunnel', () => {
    const CONNECT = 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n';
    const CONNECTED = 'HTTP/1.1 200 Connection established\r\n\r\n';

    it('by CONNECT, with what came behind the blank line', () => {
      const { program, far } = asked(`${CONNECT}early\r\n`);
      expect([far.target, far.text]).to.deep.equal(['a.test:443', 'early\r\n']);
      far.send('answer');
      untilText(program, `${CONNECTED}answer`);
      program.finish();
      bench.until('the end of the request', () => far.peer.end === 'fin');
      far.peer.finish();
      untilEnd(program);
      expect(outcomes()).to.deep.equal({ OK: 1 });
      expectNothingLeft();
    });

    it('however the request is split', () => {
      const port = start();
      for (let cut = 1; cut < CONNECT.length; cut += 7) {
        const program = ask(CONNECT.slice(0, cut), port);
        bench.settle();
        program.send(`${CONNECT.slice(cut)}early`);
        const far = server();
        bench.until('the early bytes', () => far.text === 'early');
        untilText(program, CONNECTED);
      }
    });

    it('after requests that were forwarded', () => {
      const { program, far } = asked();
      far.send(ANSWER);
      untilText(program, ANSWER);
      program.send(`${CONNECT}early`);
      const other = server();
      bench.until('the early bytes', () => other.text === 'early');
      untilText(program, ANSWER + CONNECTED);
      bench.until('the end of the first tunnel', () => far.peer.end === 'fin');
      const up = FORWARDED.length + 5;
      program.reset();
      bench.until('the end', () => bench.context.sessions.size === 0);
      expect(bench.context.counters).to.include({ bytesUp: up, bytesDown: ANSWER.length });
    });

    it('not where no server can be reached', () => {
      for (const [port, status] of [
        [bench.refusingPort(), '502 Bad Gateway'],
        [bench.blackHole(), '504 Gateway Timeout'],
      ] as const) {
        const program = ask(CONNECT, start(inlet('http'), [endpoint(port)]));
        bench.settle();
        bench.advance(5100);
        untilEnd(program);
        expect(program.text).to.match(new RegExp(`^HTTP/1.1 ${status}\r\n`));
        expect(program.text).to.include('Connection: close\r\n');
      }
    });

    it('not for a program that resets meanwhile', () => {
      const program = ask(CONNECT, start(inlet('http'), [endpoint(bench.blackHole())]));
      bench.settle();
      program.reset();
      expectNothingLeft();
      expect(outcomes()).to.deep.equal({ ERR_RESET: 1 });
    });
  });

  describe('answers by itself', () => {
    it('407, and serves the retry on the same connection', () => {
      const port = start(inlet('mixed', { users: USERS }));
      const program = ask(GET, port);
      bench.until('the refusal', () => program.text.endsWith('.\n'));
      expect(program.text).to.match(
        /^HTTP\/1\.1 407 .*\r\nProxy-Authenticate: Basic realm="umbra", charset="UTF-8"\r\n/,
      );
      program.send(GET.replace('\r\n\r\n', `\r\n${ANN}\r\n`));
      const far = server();
      bench.until('the request', () => far.text === FORWARDED);
      const tunnel = ask('CONNECT a.test:443 HTTP/1.1\r\nHost: a\r\n\r\n', port);
      bench.until('the refusal', () => tunnel.text.includes(' 407 '));
      tunnel.send(`CONNECT a.test:443 HTTP/1.1\r\nHost: a\r\n${ANN}\r\n`);
      bench.until('the tunnel', () => tunnel.text.includes(' 200 '));
    });

    const refusals: Readonly<Record<string, readonly [string, number]>> = {
      'a request with a length and an encoding': [
        'POST http://a.test/ HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG',
        400,
      ],
      'a request with two lengths': [
        'POST http://a.test/ HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nContent-Length: 7\r\n\r\n',
        400,
      ],
      'a folded line': ['GET http://a.test/ HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n', 400],
      'a request to itself': ['GET / HTTP/1.1\r\nHost: a.test\r\n\r\n', 400],
      'https without a tunnel': ['GET https://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n', 501],
      'HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
      'a head that is too large': [`GET http://a.test/ HTTP/1.1\r\nX: ${'a'.repeat(MAX_HEAD_BYTES)}`, 431],
      'a body behind CONNECT': ['CONNECT a.test:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc', 400],
    };
    for (const [what, [text, status]] of Object.entries(refusals)) {
      it(`${status} to ${what}, and looks at nothing behind it`, () => {
        const program = ask(`${text}${GET}`, start(inlet('http'), [endpoint(bench.refusingPort())]));
        untilEnd(program);
        expect(program.text).to.match(new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*\r\nConnection: close\r\n\r\n[^\r]*$`));
        expect(outcomes()).to.deep.equal({ ERR_HTTP: 1 });
        expectNothingLeft();
      });
    }

    it('400 to a body that is malformed, and the destination does not take it for the whole', () => {
      const { program, far } = asked(
        'POST http://a.test/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
      );
      program.send('-1\r\n');
      untilEnd(program);
      expect(program.text).to.match(/^HTTP\/1\.1 400 /);
      bench.until('the end of the tunnel', () => far.peer.end !== 'open');
      expect(far.peer.end).to.equal('reset');
      expectNothingLeft();
    });

    it('502 or 504 where no server can be reached, on a connection that stays open', () => {
      for (const [port, status] of [
        [bench.refusingPort(), 502],
        [bench.blackHole(), 504],
      ]) {
        const program = ask(GET, start(inlet('http'), [endpoint(port)]));
        bench.settle();
        bench.advance(5100);
        bench.until('the answer', () => program.text.endsWith('.\n'));
        expect(program.text).to.match(new RegExp(`^HTTP/1.1 ${status} `));
        expect([program.end, program.text.includes('Connection: close')]).to.deep.equal(['open', false]);
        program.send(GET);
        bench.settle();
        bench.advance(5100);
        bench.until('the next answer', () => program.text.split('HTTP/1.1').length === 3);
      }
    });

    it('502 where the servers carry UDP alone', () => {
      for (const text of [GET, 'CONNECT a.test:443 HTTP/1.1\r\nHost: a\r\n\r\n']) {
        const program = ask(text, start(inlet('http'), [{ ...endpoint(listener.port), mode: 'udp_only' }]));
        bench.until('the answer', () => program.text.endsWith('.\n'));
        expect(program.text).to.match(/^HTTP\/1\.1 502 [\s\S]*no server can be reached \(none carries TCP\)\.\n$/);
      }
    });

    it('502 without a body to HEAD', () => {
      const program = ask(GET.replace('GET', 'HEAD'), start(inlet('http'), [endpoint(bench.refusingPort())]));
      bench.until('the answer', () => program.text.endsWith('\r\n\r\n'));
      bench.settle();
      expect(program.text).to.match(/^HTTP\/1\.1 502 [\s\S]*\r\n\r\n$/);
    });

    const failures: Readonly<Record<string, (far: OracleServer) => void>> = {
      'ends without an answer': (far) => far.peer.finish(),
      resets: (far) => far.peer.reset(),
      'ends inside the head': (far) => {
        far.send('HTTP/1.1 200 OK\r\n');
        far.peer.finish();
      },
      'speaks something else': (far) => far.send('220 welcome\r\n\r\n'),
      'has another password': (far) => far.peer.send(Buffer.alloc(300, 'x')),
      'changes the protocol unasked': (far) => far.send('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'),
      'frames its answer in two ways': (far) =>
        far.send('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'),
    };
    for (const [what, act] of Object.entries(failures)) {
      it(`502 where the origin server ${what}`, () => {
        const { program, far } = asked();
        act(far);
        bench.until('the answer', () => program.text.endsWith('.\n'));
        expect(program.text).to.match(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
        expect(program.end).to.equal('open');
        program.send(GET);
        const other = server();
        bench.until('the next request', () => other.text === FORWARDED);
        program.reset();
        expectNothingLeft();
      });
    }

    it('408 to a head that does not come to its end, and nothing where there is none', () => {
      const port = start();
      const silent = ask('G', port);
      const slow = ask('GET http://a.test/ HTTP/1.1\r\n', port);
      const used = ask(GET, port);
      const far = server();
      bench.until('the request', () => far.text !== '');
      bench.settle();
      bench.advance(HEAD_TIMEOUT_MS - 1000);
      bench.settle();
      expect([silent.end, slow.end]).to.deep.equal(['open', 'open']);
      far.send(ANSWER);
      untilText(used, ANSWER);
      bench.advance(1100);
      untilEnd(slow);
      untilEnd(silent);
      expect(slow.text).to.match(/^HTTP\/1\.1 408 /);
      expect(used.end, 'its time begins with the answer').to.equal('open');
      bench.advance(HEAD_TIMEOUT_MS);
      untilEnd(used);
      expect(used.text).to.equal(ANSWER);
      expectNothingLeft();
    });

    it('nothing to a request that waits for its answer longer than that', () => {
      const { program, far } = asked();
      bench.advance(10 * HEAD_TIMEOUT_MS);
      bench.settle();
      far.send(ANSWER);
      untilText(program, ANSWER);
    });
  });

  describe('sends a request again', () => {
    function used(): { readonly program: Peer; readonly far: OracleServer } {
      const pair = asked();
      pair.far.send(ANSWER);
      untilText(pair.program, ANSWER);
      return pair;
    }

    it('where the kept connection ends before anything of an answer', () => {
      for (const act of [(far: OracleServer) => far.peer.finish(), (far: OracleServer) => far.peer.reset()]) {
        const { program, far } = used();
        program.send(GET);
        bench.until('the request', () => far.text === FORWARDED.repeat(2));
        act(far);
        const other = server();
        bench.until('the request again', () => other.text === FORWARDED);
        other.send(ANSWER);
        untilText(program, ANSWER.repeat(2));
      }
    });

    it('once', () => {
      const { program, far } = used();
      program.send(GET);
      bench.until('the request', () => far.text === FORWARDED.repeat(2));
      far.peer.finish();
      const other = server();
      bench.until('the request again', () => other.text === FORWARDED);
      other.peer.finish();
      bench.until('the answer', () => program.text.includes(' 502 '));
    });

    it('not where a part of an answer has come', () => {
      const { program, far } = used();
      program.send(GET);
      bench.until('the request', () => far.text === FORWARDED.repeat(2));
      far.send('HTTP/1.1');
      far.peer.finish();
      bench.until('the answer', () => program.text.includes(' 502 '));
    });

    it('not at all where the kept connection ended before: it is replaced', () => {
      const { program, far } = used();
      far.peer.finish();
      bench.until('the end of the tunnel', () => bench.reactor.registered === 2);
      program.send(GET);
      const other = server();
      bench.until('the request', () => other.text === FORWARDED);
      expect(far.text).to.equal(FORWARDED);
    });

    it('never on a connection that speaks unasked', () => {
      const { program, far } = used();
      far.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
      bench.until('the end of the tunnel', () => far.peer.end !== 'open');
      program.send(GET);
      const other = server();
      other.send(ANSWER);
      untilText(program, ANSWER.repeat(2));
    });

    it('never on a connection with more than was asked for', () => {
      const { program, far } = asked();
      far.send(`${ANSWER}HTTP/1.1 200 OK\r\n`);
      untilText(program, ANSWER);
      program.send(GET);
      const other = server();
      bench.until('the request', () => other.text === FORWARDED);
    });
  });

  describe('never lets half an answer pass for the whole', () => {
    const BEGUN = 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf';
    const cuts: Readonly<Record<string, readonly [string, (far: OracleServer) => void, string]>> = {
      'of a known length that ends early': [BEGUN, (far) => far.peer.finish(), 'ERR_TRUNCATED'],
      'in chunks that ends early': [
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
        (far) => far.peer.finish(),
        'ERR_TRUNCATED',
      ],
      'that is reset': [BEGUN, (far) => far.peer.reset(), 'ERR_RESET'],
      'without a length that is reset': ['HTTP/1.1 200 OK\r\n\r\nhalf', (far) => far.peer.reset(), 'ERR_RESET'],
      'that is not authentic': [BEGUN, (far) => far.peer.send(Buffer.alloc(100)), 'ERR_CIPHER'],
      'whose chunks are malformed': [
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
        (far) => far.send('x\r\n'),
        'ERR_HTTP',
      ],
    };
    for (const [what, [text, act, status]] of Object.entries(cuts)) {
      it(what, () => {
        const { program, far } = asked();
        far.send(text);
        bench.until('the beginning', () => program.text.includes('half'));
        act(far);
        untilEnd(program, 'reset');
        expect(outcomes()).to.deep.equal({ [status]: 1 });
        expectNothingLeft();
      });
    }

    it('that is ended by a stop', () => {
      const { program, far } = asked();
      far.send(BEGUN);
      bench.until('the beginning', () => program.text.includes('half'));
      for (const session of bench.context.sessions.all()) session.destroy('ERR_STOPPED');
      untilEnd(program, 'reset');
      expectNothingLeft();
    });
  });

  describe('with a program that', () => {
    it('resets at any time leaves nothing behind', () => {
      const port = start();
      const stages: readonly ((program: Peer) => void)[] = [
        (program) => program.send('GET '),
        (program) => program.send(GET),
        (program) => program.send('PUT http://a.test/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1'),
      ];
      for (const act of stages) {
        const program = bench.connect(port);
        act(program);
        bench.settle();
        program.reset();
        bench.until('the end', () => bench.context.sessions.size === 0);
      }
      expect(outcomes()).to.deep.equal({ ERR_RESET: 3 });
      expectNothingLeft();
    });

    it('ends inside a head is ended', () => {
      const program = ask('GET http://a.test/ HTTP/1.1\r\n');
      program.finish();
      untilEnd(program);
      expect(outcomes()).to.deep.equal({ ERR_HTTP: 1 });
      expectNothingLeft();
    });

    it('ends inside a body does not have it taken for the whole', () => {
      const { program, far } = asked('PUT http://a.test/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234');
      program.finish();
      bench.until('the end of the tunnel', () => far.peer.end !== 'open');
      expect(far.peer.end).to.equal('reset');
      expect(outcomes()).to.deep.equal({ ERR_TRUNCATED: 1 });
      expectNothingLeft();
    });

    it('keeps its connection for another request does not hold up a stop', () => {
      const { program: idle, far } = asked();
      far.send(ANSWER);
      untilText(idle, ANSWER);
      const port = start();
      const halfway = ask('GET http://a.test/ HT', port);
      const busy = ask(GET, port);
      const other = server();
      bench.until('the request', () => other.text !== '');
      bench.settle();
      bench.stopListening();
      untilEnd(idle);
      expect([halfway.end, busy.end]).to.deep.equal(['open', 'open']);
      other.send(ANSWER);
      untilEnd(busy);
      expect(busy.text).to.equal(ANSWER);
      halfway.send('TP/1.1\r\nHost: a.test\r\n\r\n');
      const last = server();
      last.send(ANSWER);
      untilEnd(halfway);
      expect(halfway.text).to.equal(ANSWER);
      expect(outcomes()).to.deep.equal({ OK: 3 });
    });

    it('needs memory that is not there is ended, and no other', () => {
      const port = start();
      const { program: other, far } = (() => {
        const first = ask(GET, port);
        const server1 = server();
        bench.until('the request', () => server1.text !== '');
        return { program: first, far: server1 };
      })();
      const program = bench.connect(port);
      program.send(`GET http://a.test/ HTTP/1.1\r\nX: ${'a'.repeat(200)}`);
      const taken = [];
      for (const pool of [bench.context.smallBlocks, bench.context.mediumBlocks, bench.context.largeBlocks]) {
        while (pool.available) taken.push(pool.take());
      }
      bench.until('the end', () => program.end !== 'open');
      for (const block of taken) bench.context.blocks.give(block);
      expect(outcomes()).to.deep.equal({ ERR_MEMORY: 1 });
      far.send(ANSWER);
      untilText(other, ANSWER);
    });

    it('has been forgotten is ended by the idle time-out', () => {
      bench.close();
      bench = new ReactorBench(1000);
      listener = bench.descriptors.listen();
      const { program, far } = asked();
      bench.advance(700);
      far.send('HTTP/1.1 100 Continue\r\n\r\n');
      bench.until('the interim answer', () => program.receivedLength > 0);
      bench.advance(700);
      expect(program.end).to.equal('open');
      for (let i = 0; i < 3; i++) bench.advance(300);
      untilEnd(program);
      expect(outcomes()).to.deep.equal({ ERR_IDLE: 1 });
      expectNothingLeft();
    });
  });
});

describe('an inlet', () => {
  let bench: ReactorBench;
  let listener: { readonly fd: number; readonly port: number };

  beforeEach(() => {
    bench = new ReactorBench();
    listener = bench.descriptors.listen();
  });

  afterEach(() => {
    bench.close();
    expect(bench.reactor.statistics.failures, 'handlers that threw').to.equal(0);
  });

  const SOCKS5 = Buffer.of(5, 1, 0);
  const SOCKS4 = Buffer.of(4, 1, 1, 187, 192, 0, 2, 7, 0);
  const HTTP = Buffer.from('CONNECT a.test:443 HTTP/1.1\r\nHost: a\r\n\r\n');
  for (const [kind, spoken] of [
    ['mixed', [SOCKS5, SOCKS4, HTTP]],
    ['socks', [SOCKS5, SOCKS4]],
    ['http', [HTTP]],
  ] as const) {
    it(`of the kind "${kind}" speaks ${spoken.length} protocols`, () => {
      const port = bench.startLocal([endpoint(listener.port)], { inlets: [inlet(kind)] });
      for (const bytes of [SOCKS5, SOCKS4, HTTP, Buffer.of(0x16, 3, 1), Buffer.from('get / HTTP/1.1\r\n\r\n')]) {
        const program = bench.connect(port);
        program.send(bytes);
        bench.until('an answer', () => program.receivedLength > 0 || program.end !== 'open');
        expect(program.receivedLength > 0).to.equal((spoken as readonly Buffer[]).includes(bytes));
        if (program.receivedLength === 0) expect(program.end).to.equal('fin');
      }
    });
  }

  describe('of the kind "tunnel"', () => {
    function start(servers = [endpoint(listener.port)]): number {
      return bench.startLocal(servers, { inlets: [inlet('tunnel', { forward: { host: 'a.test', port: 25 } })] });
    }

    it('connects everybody to one place, and says nothing of its own', () => {
      const port = start();
      const program = bench.connect(port);
      program.send('hello');
      const far = new OracleServer(bench.accept(listener.fd), PASSWORD);
      bench.until('the first payload', () => far.text !== '');
      expect([far.target, far.text]).to.deep.equal(['a.test:25', 'hello']);
      expect(far.peer.receivedLength, 'in one segment').to.equal(32 + 34 + 2 + 6 + 2 + 5);
      far.send('answer');
      bench.until('the answer', () => program.text === 'answer');
    });

    it('lets a destination speak first', () => {
      const program = bench.connect(start());
      const far = new OracleServer(bench.accept(listener.fd), PASSWORD);
      bench.until('the address', () => far.target === 'a.test:25');
      far.send('220 welcome\r\n');
      bench.until('the welcome', () => program.text === '220 welcome\r\n');
    });

    it('resets where no server can be reached: there is no other way to say so', () => {
      const program = bench.connect(start([endpoint(bench.refusingPort())]));
      bench.until('the end', () => program.end !== 'open');
      expect(program.end).to.equal('reset');
    });
  });
});
