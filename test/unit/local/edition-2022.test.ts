/** A client of the 2022 edition on a reactor of the test's own: its first packet, and what it makes of answers. */

import { expect } from 'chai';
import { Region } from '../../../native-bindings/memory.js';
import { responseSealerOf, TestClock } from '../../support/aead-2022.js';
import type { Peer } from '../../support/peer.js';
import { ReactorBench } from '../../support/reactor-bench.js';

const METHOD = '2022-blake3-aes-128-gcm';
const KEY = Buffer.alloc(16, 'a key for tests ');
const SALT_LENGTH = 16;
const GREETING_AND_REQUEST = Buffer.from('05010005010001030303030050', 'hex');
const REPLY_LENGTH = 12;
/** Salt, fixed header, variable header with an IPv4 address and no padding. */
const SHORTEST = SALT_LENGTH + 27 + 7 + 2 + 16;

describe('a client of the 2022 edition', () => {
  const memory = new Region(8192);
  let bench: ReactorBench;
  let port: number;
  let listener: { readonly fd: number; readonly port: number };

  beforeEach(() => {
    bench = new ReactorBench();
    listener = bench.descriptors.listen();
    const server = {
      host: '127.0.0.1',
      port: listener.port,
      method: METHOD,
      password: KEY.toString('base64'),
    } as const;
    port = bench.startLocal([server]);
  });

  afterEach(() => {
    bench.close();
    expect(bench.context.counters.outcomes.get('ERR_BUG')).to.equal(undefined);
  });

  after(() => memory.release());

  /** A program with something to say, or nothing, and the server that it reached. */
  function ask(payload: string): { readonly program: Peer; readonly server: Peer } {
    const program = bench.connect(port);
    program.send(Buffer.concat([GREETING_AND_REQUEST, Buffer.from(payload)]));
    const server = bench.accept(listener.fd);
    bench.until('the request', () => server.receivedLength > 0);
    return { program, server };
  }

  function answerTo(server: Peer, payload: string, aheadS = 0): Uint8Array {
    const requestSalt = Uint8Array.from(server.received.subarray(0, SALT_LENGTH));
    const clock = new TestClock(Math.floor(Date.now() / 1000) + aheadS);
    const sealer = responseSealerOf({ method: METHOD, userKey: KEY }, requestSalt, { clock });
    memory.bytes.set(Buffer.from(payload));
    const length = sealer.seal(memory, 0, payload.length, memory, 4096);
    sealer.release();
    return memory.bytes.slice(4096, 4096 + length);
  }

  it('sends all of its request at once, of another size each time', () => {
    const lengths = Array.from({ length: 40 }, () => {
      const { program, server } = ask('');
      const { receivedLength } = server;
      program.close();
      return receivedLength - SHORTEST;
    });
    expect(Math.min(...lengths)).to.be.at.least(1);
    expect(Math.max(...lengths)).to.be.at.most(900);
    expect(new Set(lengths).size).to.be.greaterThan(25);
  });

  it('puts what a program says at once into the same packet', () => {
    const { server } = ask('a question');
    expect(server.receivedLength - SHORTEST).to.be.within(10, 900);
  });

  it('gives the program what the server answers', () => {
    const { program, server } = ask('a question');
    server.send(answerTo(server, 'an answer'));
    server.finish();
    bench.until('the answer', () => program.end !== 'open');
    expect([program.end, program.received.subarray(REPLY_LENGTH).toString()]).to.deep.equal(['fin', 'an answer']);
  });

  it('ends with any first bytes that are no answer, however many they are', () => {
    for (const bytes of [Buffer.of(1), Buffer.alloc(58), Buffer.alloc(59), Buffer.alloc(300_000)]) {
      const { program, server } = ask('a question');
      server.send(bytes);
      bench.until('the end', () => program.end !== 'open');
      expect([program.end, program.receivedLength]).to.deep.equal(['reset', REPLY_LENGTH]);
      bench.until('the FIN', () => server.end !== 'open');
      expect(server.end).to.equal('fin');
    }
    const { program, server } = ask('a question');
    const answer = answerTo(server, 'an answer');
    server.send(answer.subarray(0, 58));
    bench.until('the end', () => program.end !== 'open');
    expect(program.receivedLength).to.equal(REPLY_LENGTH);
  });

  it('ends likewise where a program speaks HTTP, which is told', () => {
    const program = bench.connect(port);
    program.send('GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const server = bench.accept(listener.fd);
    bench.until('the request', () => server.receivedLength > 0);
    server.send(Buffer.alloc(500_000));
    bench.until('both ends', () => server.end !== 'open' && program.receivedLength > 0);
    expect(server.end).to.equal('fin');
    expect(program.text).to.match(/^HTTP\/1\.1 502 /);
  });

  it('says in its log that the server’s clock is wrong, and by how much', () => {
    const { program, server } = ask('a question');
    server.send(answerTo(server, 'an answer', -45));
    bench.until('the end', () => program.end !== 'open');
    const lines = bench.logLines.filter(({ level }) => level === 'warn');
    expect(lines.map(({ message }) => message)).to.deep.equal([
      "refused: the server's clock and this one differ by more than 30 s",
    ]);
    expect(lines[0].fields['aheadSeconds']).to.be.within(-46, -44);
  });
});
