/** The client on a reactor of the test's own, where the test decides what has happened between two turns. */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Aead2017MethodName, LocalInlet, ShadowsocksEndpoint } from '../../../src/config/types.js';
import { OracleOpener, OracleSealer, oracleAddress } from '../../support/aead-oracle.js';
import { portOf } from '../../support/loopback-sockets.js';
import type { Peer } from '../../support/peer.js';
import { ReactorBench } from '../../support/reactor-bench.js';
import { unreadBytes } from '../../support/unread-bytes.js';

const METHOD: Aead2017MethodName = 'chacha20-ietf-poly1305';
const PASSWORD = 'local';
/** More than the kernel takes for a receiver that does not read. */
const MUCH = 8 * 1024 * 1024;
const GREETING = Buffer.of(5, 1, 0);
const CHOICE = '0500';
const CONNECT = Buffer.concat([Buffer.of(5, 1, 0), oracleAddress('example.test', 443)]);
const SUCCEEDED = `${CHOICE}05000001000000000000`;
const GENERAL_FAILURE = `${CHOICE}05010001000000000000`;
const NETWORK_UNREACHABLE = `${CHOICE}05030001000000000000`;
const HOST_UNREACHABLE = `${CHOICE}05040001000000000000`;
const CONNECTION_REFUSED = `${CHOICE}05050001000000000000`;

const CONNECT_4A = Buffer.concat([Buffer.of(4, 1, 1, 187, 0, 0, 0, 1, 0), Buffer.from('example.test\0')]);
const GRANTED = '005a000000000000';
const REJECTED = '005b000000000000';

function endpoint(port: number, host = '127.0.0.1'): ShadowsocksEndpoint {
  return { host, port, method: METHOD, password: PASSWORD };
}

describe('the client', () => {
  let bench: ReactorBench;

  beforeEach(() => {
    bench = new ReactorBench();
  });

  afterEach(() => {
    bench.close();
    expect(bench.reactor.statistics.failures, 'handlers that threw').to.equal(0);
    expect(bench.context.counters.outcomes.get('ERR_BUG')).to.equal(undefined);
  });

  /** A program that asks for a connection, with payload right behind. */
  function ask(port: number, payload = ''): Peer {
    const program = bench.connect(port);
    program.send(Buffer.concat([GREETING, CONNECT, Buffer.from(payload)]));
    return program;
  }

  function hex(peer: Peer): string {
    return peer.received.toString('hex');
  }

  function expectNothingLeft(): void {
    expect(bench.context.sessions.size, 'sessions').to.equal(0);
    bench.context.endDraining();
    expect(bench.context.blocks.inUse, 'backlogs and carries').to.equal(0);
    expect(bench.reactor.timers.count(), 'timers').to.equal(0);
    expect(bench.reactor.registered, 'descriptors but for the listener').to.equal(1);
  }

  function outcomes(): Record<string, number> {
    return Object.fromEntries(bench.context.counters.outcomes);
  }

  it('sends address and early payload in one chunk, in one segment', () => {
    const listener = bench.descriptors.listen();
    const program = ask(bench.startLocal([endpoint(listener.port)]), 'early');
    const server = bench.accept(listener.fd);
    bench.until('the request', () => server.receivedLength > 0);
    const expected = Buffer.concat([oracleAddress('example.test', 443), Buffer.from('early')]);
    expect(server.receivedLength).to.equal(32 + 34 + expected.length);
    expect(new OracleOpener(METHOD, PASSWORD).push(server.received).equals(expected)).to.equal(true);
    expect(hex(program)).to.equal(SUCCEEDED);
    const sealer = new OracleSealer(METHOD, PASSWORD);
    server.send(Buffer.concat([sealer.salt, sealer.chunk(Buffer.from('answer'))]));
    server.finish();
    bench.until('the answer', () => program.end === 'fin');
    expect(hex(program)).to.equal(SUCCEEDED + Buffer.from('answer').toString('hex'));
    program.finish();
    bench.until('the end', () => server.end === 'fin');
    expect(outcomes()).to.deep.equal({ OK: 1 });
    expectNothingLeft();
  });

  it('takes the handshake byte by byte', () => {
    const listener = bench.descriptors.listen();
    const program = bench.connect(bench.startLocal([endpoint(listener.port)]));
    for (const byte of Buffer.concat([GREETING, CONNECT])) {
      program.send(Uint8Array.of(byte));
      bench.reactor.turn(1);
    }
    bench.accept(listener.fd);
    bench.until('the reply', () => hex(program) === SUCCEEDED);
  });

  it('serves SOCKS4a on the same port', () => {
    const listener = bench.descriptors.listen();
    const program = bench.connect(bench.startLocal([endpoint(listener.port)]));
    for (const byte of CONNECT_4A.subarray(0, -1)) {
      program.send(Uint8Array.of(byte));
      bench.reactor.turn(1);
    }
    program.send(Buffer.concat([CONNECT_4A.subarray(-1), Buffer.from('early')]));
    const server = bench.accept(listener.fd);
    const expected = Buffer.concat([oracleAddress('example.test', 443), Buffer.from('early')]);
    bench.until('the request', () => server.receivedLength === 32 + 34 + expected.length);
    expect(new OracleOpener(METHOD, PASSWORD).push(server.received).equals(expected)).to.equal(true);
    bench.until('the reply', () => hex(program) === GRANTED);
  });

  it('says by SOCKS4 that no server can be reached', () => {
    const program = bench.connect(bench.startLocal([endpoint(bench.refusingPort())]));
    program.send(CONNECT_4A);
    bench.until('the refusal', () => program.end !== 'open');
    expect([program.end, hex(program)]).to.deep.equal(['fin', REJECTED]);
    expectNothingLeft();
  });

  it('refuses SOCKS4 where a password is asked for', () => {
    const users = [{ user: 'ann', password: 'secret' }];
    const inlets = [{ host: '127.0.0.1', port: 0, users }];
    const program = bench.connect(bench.startLocal([endpoint(1)], { inlets }));
    program.send(CONNECT_4A);
    bench.until('the refusal', () => program.end !== 'open');
    expect([program.end, hex(program)]).to.deep.equal(['fin', REJECTED]);
    expect(outcomes()).to.deep.equal({ ERR_SOCKS: 1 });
  });

  it('says in the log why BIND is refused', () => {
    const program = bench.connect(bench.startLocal([endpoint(1)]));
    program.send(Buffer.concat([GREETING, Buffer.of(5, 2), CONNECT.subarray(2)]));
    bench.until('the refusal', () => program.end !== 'open');
    expect(bench.logLines.map((line) => line.message)).to.include(
      'BIND is refused: a Shadowsocks server cannot be asked to listen',
    );
  });

  it('answers a program whose FIN came with its request', () => {
    const listener = bench.descriptors.listen();
    const program = ask(bench.startLocal([endpoint(listener.port)]), 'question');
    program.finish();
    const server = bench.accept(listener.fd);
    bench.until('the question', () => server.end === 'fin');
    const opened = new OracleOpener(METHOD, PASSWORD).push(server.received);
    expect(opened.subarray(-8).toString()).to.equal('question');
    const sealer = new OracleSealer(METHOD, PASSWORD);
    server.send(Buffer.concat([sealer.salt, sealer.chunk(Buffer.from('answer'))]));
    server.finish();
    bench.until('the answer', () => program.end === 'fin');
    expect(hex(program)).to.equal(SUCCEEDED + Buffer.from('answer').toString('hex'));
    expectNothingLeft();
  });

  const programs: Readonly<Record<string, readonly [string | Buffer, Partial<LocalInlet>]>> = {
    'of SOCKS': [Buffer.concat([GREETING, CONNECT]), { kind: 'socks' }],
    'of CONNECT': ['CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\n\r\n', { kind: 'http' }],
    'of a tunnel': ['', { kind: 'tunnel', forward: { host: 'example.test', port: 443 } }],
  };
  for (const [what, [request, inlet]] of Object.entries(programs)) {
    it(`leaves in the kernel what a program ${what} sends while no server is connected, then passes it on`, () => {
      const listener = bench.descriptors.listen();
      const inlets = [{ host: '127.0.0.1', port: 0, users: [], ...inlet }];
      const port = bench.startLocal([endpoint(listener.port, 'late.test')], { inlets });
      const program = bench.connect(port);
      program.send(request);
      bench.settle();
      const later = Buffer.alloc(20_000, 'later ');
      program.send(later);
      bench.settle();
      bench.until('all of it to be unread', () => unreadBytes(port, portOf(program.fd)) === later.length);
      bench.answerName('late.test', ['127.0.0.1']);
      const server = bench.accept(listener.fd);
      const opener = new OracleOpener(METHOD, PASSWORD);
      let opened = Buffer.alloc(0);
      const expected = Buffer.concat([oracleAddress('example.test', 443), later]);
      bench.until('the request', () => {
        opened = Buffer.concat([opened, opener.push(server.take())]);
        return opened.length >= expected.length;
      });
      expect(opened.equals(expected)).to.equal(true);
    });
  }

  it('makes a program wait that sends much while no server is connected, then passes all of it on', () => {
    const listener = bench.descriptors.listen();
    const program = ask(bench.startLocal([endpoint(listener.port, 'late.test')]), 'early');
    bench.settle();
    const payload = randomBytes(MUCH);
    program.send(payload);
    program.finish();
    bench.settle();
    expect(program.flushed).to.equal(false);
    bench.answerName('late.test', ['127.0.0.1']);
    const server = bench.accept(listener.fd);
    bench.until('the end', () => server.end === 'fin');
    const expected = Buffer.concat([oracleAddress('example.test', 443), Buffer.from('early'), payload]);
    expect(new OracleOpener(METHOD, PASSWORD).push(server.received).equals(expected)).to.equal(true);
  });

  describe('with servers that cannot be reached', () => {
    it('says that one refuses, and closes once the program has read it', () => {
      const program = ask(bench.startLocal([endpoint(bench.refusingPort())]), 'unread payload');
      bench.until('the refusal', () => program.end !== 'open');
      expect([program.end, hex(program)]).to.deep.equal(['fin', CONNECTION_REFUSED]);
      expect(bench.logLines.map((line) => line.message)).to.include('the server cannot be reached');
      expectNothingLeft();
    });

    it('says that one does not answer, after the connect time-out', () => {
      const program = ask(bench.startLocal([endpoint(bench.blackHole())]));
      bench.settle();
      bench.advance(4500);
      bench.settle();
      expect(hex(program)).to.equal(CHOICE);
      bench.advance(600);
      bench.until('the refusal', () => program.end !== 'open');
      expect([program.end, hex(program)]).to.deep.equal(['fin', HOST_UNREACHABLE]);
      expectNothingLeft();
    });

    it('says that the name of one is not known', () => {
      bench.names = { 'gone.test': 'ENOTFOUND' };
      const program = ask(bench.startLocal([endpoint(1, 'gone.test')]));
      bench.until('the refusal', () => program.end !== 'open');
      expect([program.end, hex(program)]).to.deep.equal(['fin', HOST_UNREACHABLE]);
      expectNothingLeft();
    });

    const failures: Readonly<Record<string, readonly [host: string, reason: string, answer: string]>> = {
      // The broadcast address of the loopback network.
      'says that the network of one cannot be reached': ['127.255.255.255', 'ENETUNREACH', NETWORK_UNREACHABLE],
      // Good on one interface, and the address does not say which.
      'says no more than that it failed where the kernel refuses the address of one': [
        'fe80::1',
        'EINVAL',
        GENERAL_FAILURE,
      ],
    };
    for (const [answered, [host, reason, answer]] of Object.entries(failures)) {
      it(answered, () => {
        const program = ask(bench.startLocal([endpoint(1, host)]));
        bench.until('the refusal', () => program.end !== 'open');
        expect([program.end, hex(program)]).to.deep.equal(['fin', answer]);
        const warning = bench.logLines.find(({ message }) => message === 'the server cannot be reached');
        expect(warning?.fields).to.include({ server: host.includes(':') ? `[${host}]:1` : `${host}:1`, reason });
        expect(outcomes()).to.deep.equal({ ERR_CONNECT: 1 });
        expectNothingLeft();
      });
    }

    const firsts: Readonly<Record<string, () => ShadowsocksEndpoint>> = {
      refuses: () => endpoint(bench.refusingPort()),
      'has a name that nobody knows': () => endpoint(1, 'gone.test'),
      'does not answer': () => endpoint(bench.blackHole()),
    };
    for (const [what, first] of Object.entries(firsts)) {
      it(`uses the second where the first ${what}`, () => {
        bench.names = { 'gone.test': 'ENOTFOUND' };
        const listener = bench.descriptors.listen();
        const program = ask(bench.startLocal([first(), endpoint(listener.port)]));
        bench.settle();
        bench.advance(5100);
        bench.accept(listener.fd);
        bench.until('the reply', () => hex(program) === SUCCEEDED);
        expect(program.end).to.equal('open');
      });
    }

    it('forgets nothing of a dial when the session ends meanwhile', () => {
      bench.names = { 'gone.test': 'ENOTFOUND' };
      const program = ask(bench.startLocal([endpoint(1, 'gone.test'), endpoint(bench.blackHole())]));
      bench.until('the second dial', () => bench.reactor.registered === 3);
      for (const session of bench.context.sessions.all()) session.destroy('ERR_STOPPED');
      bench.settle();
      expect(program.end).to.equal('fin');
      expectNothingLeft();
    });

    const requests: Readonly<Record<string, readonly [string | Buffer, string | Buffer]>> = {
      'of SOCKS': [GREETING, CONNECT],
      'of CONNECT': ['CONNECT example.test:443 HTTP/1.1\r\n', 'Host: example.test:443\r\n\r\n'],
    };
    for (const [what, [first, last]] of Object.entries(requests)) {
      it(`gives up connecting for a program whose reset comes together with its request (${what})`, () => {
        const program = bench.connect(bench.startLocal([endpoint(bench.blackHole())]));
        program.send(first);
        bench.settle();
        program.send(last);
        program.reset();
        bench.until('the end', () => bench.context.sessions.size === 0);
        expect(outcomes()).to.deep.equal({ ERR_RESET: 1 });
        expectNothingLeft();
      });
    }

    it('gives up a request of HTTP whose program’s reset comes together with it', () => {
      // A server that would never answer.
      const program = bench.connect(bench.startLocal([endpoint(bench.descriptors.listen().port)]));
      bench.settle();
      program.send('GET http://example.test/ HTTP/1.1\r\nHost: example.test\r\n\r\n');
      program.reset();
      bench.until('the end', () => bench.context.sessions.size === 0);
      expect(outcomes()).to.deep.equal({ ERR_RESET: 1 });
      expectNothingLeft();
    });

    it('gives up connecting for a program that resets', () => {
      const program = ask(bench.startLocal([endpoint(bench.blackHole())]));
      bench.settle();
      program.reset();
      bench.until('the end', () => bench.context.sessions.size === 0);
      expect(outcomes()).to.deep.equal({ ERR_RESET: 1 });
      expectNothingLeft();
    });
  });

  describe('with a program that', () => {
    it('says nothing ends it after the handshake time-out', () => {
      const program = bench.connect(bench.startLocal([endpoint(1)]));
      bench.settle();
      bench.advance(5100);
      bench.until('the end', () => program.end !== 'open');
      expect([program.end, program.receivedLength]).to.deep.equal(['fin', 0]);
      expect(outcomes()).to.deep.equal({ ERR_HANDSHAKE_TIMEOUT: 1 });
      expectNothingLeft();
    });

    it('sends one byte a second ends it after the same time', () => {
      const program = bench.connect(bench.startLocal([endpoint(1)]));
      for (const byte of Buffer.concat([GREETING, CONNECT]).subarray(0, 6)) {
        program.send(Uint8Array.of(byte));
        bench.settle();
        bench.advance(1000);
      }
      bench.until('the end', () => program.end !== 'open');
      expect(outcomes()).to.deep.equal({ ERR_HANDSHAKE_TIMEOUT: 1 });
    });

    it('ends at any place of its handshake is answered by FIN', () => {
      const port = bench.startLocal([endpoint(bench.refusingPort())]);
      const whole = Buffer.concat([GREETING, CONNECT]);
      for (let length = 0; length < whole.length; length++) {
        const program = bench.connect(port);
        program.send(whole.subarray(0, length));
        program.finish();
        bench.until('the end', () => program.end !== 'open');
        expect(program.end, `${length} bytes`).to.equal('fin');
      }
      expect(outcomes()).to.deep.equal({ ERR_SOCKS: whole.length });
      expectNothingLeft();
    });

    it('resets at any place of its handshake leaves nothing behind', () => {
      const port = bench.startLocal([endpoint(bench.blackHole())]);
      const whole = Buffer.concat([GREETING, CONNECT]);
      for (let length = 0; length <= whole.length; length++) {
        const program = bench.connect(port);
        program.send(whole.subarray(0, length));
        bench.settle();
        program.reset();
      }
      bench.until('the end of all', () => bench.context.sessions.size === 0);
      expectNothingLeft();
    });

    const refusals: Readonly<Record<string, readonly [Buffer, string]>> = {
      'asks for BIND': [
        Buffer.concat([GREETING, Buffer.of(5, 2), CONNECT.subarray(2)]),
        `${CHOICE}05070001000000000000`,
      ],
      'asks for UDP ASSOCIATE': [
        Buffer.concat([GREETING, Buffer.of(5, 3), CONNECT.subarray(2)]),
        `${CHOICE}05070001000000000000`,
      ],
      'has an address type of its own': [
        Buffer.concat([GREETING, Buffer.of(5, 1, 0, 9)]),
        `${CHOICE}05080001000000000000`,
      ],
      'asks for BIND by SOCKS4': [Buffer.of(4, 2, 1, 187, 192, 0, 2, 7, 0), REJECTED],
      'asks by SOCKS4 for a name that is none': [Buffer.of(4, 1, 1, 187, 0, 0, 0, 1, 0, 0), REJECTED],
      'offers no method that is taken': [Buffer.of(5, 1, 2), '05ff'],
      'speaks TLS': [Buffer.of(0x16, 3, 1, 2, 0, 1), ''],
    };
    for (const [what, [bytes, answer]] of Object.entries(refusals)) {
      it(`${what} gets its answer and FIN`, () => {
        const program = bench.connect(bench.startLocal([endpoint(1)]));
        program.send(Buffer.concat([bytes, Buffer.alloc(10_000)]));
        bench.until('the end', () => program.end !== 'open');
        expect([program.end, hex(program)]).to.deep.equal(['fin', answer]);
        expect(outcomes()).to.deep.equal({ ERR_SOCKS: 1 });
        expectNothingLeft();
      });
    }
  });

  describe('with a server that', () => {
    function established(): { readonly program: Peer; readonly server: Peer; readonly sealer: OracleSealer } {
      const listener = bench.descriptors.listen();
      const program = ask(bench.startLocal([endpoint(listener.port)]), 'question');
      const server = bench.accept(listener.fd);
      bench.until('the request', () => server.receivedLength > 0);
      return { program, server, sealer: new OracleSealer(METHOD, PASSWORD) };
    }

    const faults: Readonly<Record<string, readonly [(server: Peer, sealer: OracleSealer) => void, string]>> = {
      'cuts its answer short': [
        (server, sealer) => {
          server.send(Buffer.concat([sealer.salt, sealer.chunk(Buffer.alloc(100))]).subarray(0, 120));
          server.finish();
        },
        'ERR_TRUNCATED',
      ],
      'cuts its salt short': [
        (server, sealer) => {
          server.send(sealer.salt.subarray(0, 31));
          server.finish();
        },
        'ERR_TRUNCATED',
      ],
      'answers without the key': [(server) => server.send(Buffer.alloc(300, 'x')), 'ERR_CIPHER'],
      'changes a byte of a later chunk': [
        (server, sealer) => {
          const bad = sealer.chunk(Buffer.from('changed'));
          bad[bad.length - 1] ^= 1;
          server.send(Buffer.concat([sealer.salt, sealer.chunk(Buffer.from('fine')), bad]));
        },
        'ERR_CIPHER',
      ],
      resets: [(server) => server.reset(), 'ERR_RESET'],
    };
    for (const [what, [act, status]] of Object.entries(faults)) {
      it(`${what}: the program sees a reset, not a clean end`, () => {
        const { program, server, sealer } = established();
        act(server, sealer);
        bench.until('the end', () => program.end !== 'open');
        expect(program.end).to.equal('reset');
        expect(outcomes()).to.deep.equal({ [status]: 1 });
        expectNothingLeft();
      });
    }

    /** What the server sends of its answer before its reset, and what of that is whole. Much of a payload is kept in a block. */
    const cuts: Readonly<Record<string, readonly [(sealer: OracleSealer) => readonly Buffer[], string]>> = {
      'inside the salt of its answer': [(sealer) => [sealer.salt.subarray(0, 20)], ''],
      'behind the salt of its answer': [(sealer) => [sealer.salt], ''],
      'inside the length of a chunk': [
        (sealer) => [sealer.salt, sealer.chunk(Buffer.from('whole')), sealer.chunk(Buffer.from('cut')).subarray(0, 10)],
        'whole',
      ],
      'inside the payload of a chunk': [
        (sealer) => [sealer.salt, sealer.chunk(Buffer.from('whole')), sealer.chunk(Buffer.alloc(1000)).subarray(0, -1)],
        'whole',
      ],
      'between chunks': [(sealer) => [sealer.salt, sealer.chunk(Buffer.from('whole'))], 'whole'],
    };
    for (const [where, [sent, whole]] of Object.entries(cuts)) {
      for (const [when, isRead] of Object.entries({ 'once that is read': true, 'before that is read': false })) {
        it(`resets ${where}, ${when}: the program gets what is whole, and a reset`, () => {
          const { program, server, sealer } = established();
          server.send(Buffer.concat(sent(sealer)));
          if (isRead) bench.settle();
          server.reset();
          bench.until('the end', () => program.end !== 'open');
          const expected = SUCCEEDED + Buffer.from(whole).toString('hex');
          expect([program.end, hex(program)]).to.deep.equal(['reset', expected]);
          expect(outcomes()).to.deep.equal({ ERR_RESET: 1 });
          expectNothingLeft();
        });
      }
    }

    it('ends without an answer: the program sees a clean end', () => {
      const { program, server } = established();
      server.finish();
      bench.until('the end', () => program.end !== 'open');
      expect([program.end, hex(program)]).to.deep.equal(['fin', SUCCEEDED]);
    });
  });
});
