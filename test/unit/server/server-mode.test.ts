/** The server on a reactor of the test's own, where the test decides what has happened between two turns. */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { liveRegions } from '../../../native-bindings/memory.js';
import * as sockets from '../../../native-bindings/socket.js';
import type { Aead2017MethodName } from '../../../src/config/types.js';
import { PoolExhaustedError } from '../../../src/relay/block-pool.js';
import { MAX_DRAINING } from '../../../src/relay/context.js';
import { OracleOpener, OracleSealer, oracleAddress } from '../../support/aead-oracle.js';
import { portOf } from '../../support/loopback-sockets.js';
import { openDescriptors } from '../../support/open-descriptors.js';
import type { Peer } from '../../support/peer.js';
import { ReactorBench } from '../../support/reactor-bench.js';
import { unreadBytes } from '../../support/unread-bytes.js';

const METHOD: Aead2017MethodName = 'aes-256-gcm';
const PASSWORD = 'server';
const PROBE_TIMEOUT_MS = 60_000;
/** More than the kernel takes for a receiver that does not read. */
const MUCH = 8 * 1024 * 1024;

describe('the server', () => {
  let bench: ReactorBench;
  let port: number;

  beforeEach(() => {
    bench = new ReactorBench();
    port = bench.startServer({ method: METHOD, password: PASSWORD }, { probeTimeoutMs: PROBE_TIMEOUT_MS });
  });

  afterEach(() => {
    bench.close();
    expect(bench.context.counters.outcomes.get('ERR_BUG')).to.equal(undefined);
  });

  /** A client that has sent a request for a port of 127.0.0.1, with payload in the same chunk. */
  function request(
    host: string,
    targetPort: number,
    payload = '',
  ): { readonly client: Peer; readonly sealer: OracleSealer } {
    const client = bench.connect(port);
    const sealer = new OracleSealer(METHOD, PASSWORD);
    const plaintext = Buffer.concat([oracleAddress(host, targetPort), Buffer.from(payload)]);
    client.send(Buffer.concat([sealer.salt, sealer.chunk(plaintext)]));
    return { client, sealer };
  }

  function answerOf(client: Peer): string {
    return new OracleOpener(METHOD, PASSWORD).push(client.received).toString();
  }

  /** Nothing of a session is left: only the listener and the held connections of the test. */
  function expectNothingLeft(): void {
    expect(bench.context.sessions.size, 'sessions').to.equal(0);
    expect(bench.context.handshakes.size, 'handshakes').to.equal(0);
    bench.context.endDraining();
    expect(bench.context.blocks.inUse, 'backlogs and carries').to.equal(0);
    expect(bench.reactor.timers.count(), 'timers').to.equal(0);
    expect(bench.reactor.registered, 'descriptors but for the listener').to.equal(1);
  }

  function outcomes(): Record<string, number> {
    return Object.fromEntries(bench.context.counters.outcomes);
  }

  it('relays to the target, both ways, and ends with both', () => {
    const listener = bench.descriptors.listen();
    const { client, sealer } = request('127.0.0.1', listener.port, 'hello');
    const target = bench.accept(listener.fd);
    bench.until('the payload', () => target.text === 'hello');
    client.send(sealer.chunk(Buffer.from(' again')));
    bench.until('the rest', () => target.text === 'hello again');
    target.send('welcome');
    target.finish();
    bench.until('the FIN', () => client.end === 'fin');
    expect(answerOf(client)).to.equal('welcome');
    client.finish();
    bench.until('the end', () => target.end === 'fin');
    expect(outcomes()).to.deep.equal({ OK: 1 });
    expect(bench.context.counters).to.include({ active: 0, bytesUp: 11, bytesDown: 7 });
    expectNothingLeft();
  });

  it('sees the end of a target that spoke and closed before its connection was noticed', () => {
    const listener = bench.descriptors.listen();
    const { client } = request('127.0.0.1', listener.port);
    // The connection is made by the kernel; the reactor has not turned since, when the target has come and gone.
    let fd = -1;
    for (let turns = 0; fd < 0 && turns < 1000; turns++) {
      bench.reactor.turn(1);
      fd = sockets.accept(listener.fd);
    }
    const target = bench.peer(fd);
    target.send('banner');
    target.close();
    bench.until('the end', () => client.end !== 'open');
    expect([client.end, answerOf(client)]).to.deep.equal(['fin', 'banner']);
    client.close();
    bench.until('the session to end', () => bench.context.sessions.size === 0);
    expect(outcomes()).to.deep.equal({ OK: 1 });
    expectNothingLeft();
  });

  it('takes an address in pieces: chunks of one byte, segments of one byte', () => {
    const listener = bench.descriptors.listen();
    const client = bench.connect(port);
    const sealer = new OracleSealer(METHOD, PASSWORD);
    const plaintext = Buffer.concat([oracleAddress('127.0.0.1', listener.port), Buffer.from('payload')]);
    for (const byte of Buffer.concat([sealer.salt, sealer.chunks(plaintext, 1)])) {
      client.send(Uint8Array.of(byte));
      bench.reactor.turn(1);
    }
    const target = bench.accept(listener.fd);
    bench.until('the payload', () => target.text === 'payload');
  });

  it('takes address and many chunks in one segment', () => {
    const listener = bench.descriptors.listen();
    const client = bench.connect(port);
    const sealer = new OracleSealer(METHOD, PASSWORD);
    const payload = Buffer.alloc(50_000, 'payload ');
    const plaintext = Buffer.concat([oracleAddress('127.0.0.1', listener.port), payload]);
    client.send(Buffer.concat([sealer.salt, sealer.chunks(plaintext, 700)]));
    client.finish();
    const target = bench.accept(listener.fd);
    bench.until('the payload', () => target.end === 'fin');
    expect(target.received.equals(payload)).to.equal(true);
  });

  it('answers a client that has sent its FIN while the target was being connected', () => {
    const listener = bench.descriptors.listen();
    const { client } = request('127.0.0.1', listener.port, 'question');
    client.finish();
    const target = bench.accept(listener.fd);
    bench.until('the question', () => target.end === 'fin');
    expect(target.text).to.equal('question');
    target.send('answer');
    target.finish();
    bench.until('the answer', () => client.end === 'fin');
    expect(answerOf(client)).to.equal('answer');
    expectNothingLeft();
  });

  it('leaves in the kernel what a client sends while the target is not connected, then passes it on', () => {
    const listener = bench.descriptors.listen();
    const { client, sealer } = request('late.test', listener.port, 'early ');
    bench.settle();
    const later = sealer.chunks(Buffer.alloc(20_000, 'later '));
    client.send(later);
    bench.settle();
    bench.until('all of it to be unread', () => unreadBytes(port, portOf(client.fd)) === later.length);
    bench.answerName('late.test', ['127.0.0.1']);
    const target = bench.accept(listener.fd);
    bench.until('the payload', () => target.receivedLength === 6 + 20_000);
    expect(target.text).to.equal(`early ${Buffer.alloc(20_000, 'later ')}`);
  });

  it('makes a client wait that sends much while the target is not connected, then passes all of it on', () => {
    const listener = bench.descriptors.listen();
    const { client, sealer } = request('late.test', listener.port);
    bench.settle();
    const payload = randomBytes(MUCH);
    client.send(sealer.chunks(payload));
    client.finish();
    bench.settle();
    expect(client.flushed).to.equal(false);
    bench.answerName('late.test', ['127.0.0.1']);
    const target = bench.accept(listener.fd);
    bench.until('the end', () => target.end === 'fin');
    expect(target.received.equals(payload)).to.equal(true);
  });

  it('gives up connecting for a client that resets', () => {
    const { client } = request('127.0.0.1', bench.blackHole(), 'never');
    bench.settle();
    expect(bench.context.sessions.size).to.equal(1);
    client.reset();
    bench.until('the end', () => bench.context.sessions.size === 0);
    expect(outcomes()).to.deep.equal({ ERR_RESET: 1 });
    expectNothingLeft();
  });

  it('gives up connecting for a client whose reset comes together with its request', () => {
    const { client } = request('127.0.0.1', bench.blackHole(), 'never');
    client.reset();
    bench.until('the end', () => bench.context.counters.active === 0 && bench.context.counters.connections === 1);
    expect(outcomes()).to.deep.equal({ ERR_RESET: 1 });
    expectNothingLeft();
  });

  it('gives up looking up for a client that resets', () => {
    const { client } = request('never.test', 80);
    bench.settle();
    client.reset();
    bench.until('the end', () => bench.context.sessions.size === 0);
    expectNothingLeft();
  });

  describe('where the target', () => {
    const cases: Readonly<Record<string, (bench: ReactorBench) => readonly [string, number, string]>> = {
      refuses: (at) => ['127.0.0.1', at.refusingPort(), 'ERR_CONNECT'],
      'has a name that nobody knows': () => ['unknown.test', 80, 'ERR_RESOLVE'],
      'is out of bounds': () => ['10.1.2.3', 80, 'ERR_EGRESS'],
      'has a name for what is out of bounds': () => ['inside.test', 80, 'ERR_EGRESS'],
    };
    for (const [what, where] of Object.entries(cases)) {
      it(`${what}, the client gets FIN, with all that it sent taken`, () => {
        bench.names = { 'unknown.test': 'ENOTFOUND', 'inside.test': ['192.168.1.1', '10.0.0.1', '::1'] };
        const [host, targetPort, status] = where(bench);
        const { client, sealer } = request(host, targetPort, 'unread');
        client.send(sealer.chunks(Buffer.alloc(200_000)));
        bench.until('the end', () => client.end !== 'open');
        expect([client.end, client.receivedLength]).to.deep.equal(['fin', 0]);
        expect(outcomes()).to.deep.equal({ [status]: 1 });
        client.close();
        bench.until('the last descriptor', () => bench.reactor.registered === 1);
        expectNothingLeft();
      });
    }

    it('does not answer, the client gets FIN after the connect time-out', () => {
      const { client } = request('127.0.0.1', bench.blackHole());
      bench.settle();
      bench.advance(4500);
      expect(client.end).to.equal('open');
      bench.advance(600);
      bench.until('the FIN', () => client.end === 'fin');
      expect(outcomes()).to.deep.equal({ ERR_CONNECT: 1 });
      expectNothingLeft();
    });
  });

  it('tries the addresses of a name until one connects', () => {
    const listener = bench.descriptors.listen();
    bench.names = { 'many.test': ['127.0.0.2', '10.0.0.1', '127.0.0.1'] };
    request('many.test', listener.port, 'found');
    const target = bench.accept(listener.fd);
    bench.until('the payload', () => target.text === 'found');
  });

  it('gives back every region, timer and descriptor when it is stopped, whatever it was doing', () => {
    const round = (): void => {
      const own = new ReactorBench();
      const [held, hole] = [own.descriptors.listen(), own.blackHole()];
      const ownPort = own.startServer({ method: METHOD, password: PASSWORD });
      const ask = (targetPort: number, payload: Buffer): void => {
        const sealer = new OracleSealer(METHOD, PASSWORD);
        const head = sealer.chunk(oracleAddress('127.0.0.1', targetPort));
        own.connect(ownPort).send(Buffer.concat([sealer.salt, head, sealer.chunks(payload), sealer.salt]));
      };
      ask(held.port, Buffer.alloc(20 * 1024 * 1024));
      ask(held.port, Buffer.from('few'));
      ask(hole, Buffer.from('never'));
      ask(own.refusingPort(), Buffer.from('refused'));
      for (const length of [0, 1, 49, 1000]) own.connect(ownPort).send(Buffer.alloc(length, 7));
      own.settle();
      expect(own.context.sessions.size).to.be.greaterThan(3);
      expect(own.context.blocks.inUse).to.be.greaterThan(0);
      own.close();
      expect([own.reactor.registered, own.reactor.timers.count()]).to.deep.equal([0, 0]);
      expect(own.context.blocks.inUse).to.equal(0);
    };
    round();
    const before = { regions: liveRegions(), descriptors: openDescriptors() };
    for (let i = 0; i < 3; i++) round();
    expect({ regions: liveRegions(), descriptors: openDescriptors() }).to.deep.equal(before);
  });

  describe('meeting what is not authentic', () => {
    const stages: Readonly<Record<string, (client: Peer, sealer: OracleSealer) => void>> = {
      silence: () => undefined,
      'part of a salt': (client, sealer) => client.send(sealer.salt.subarray(0, 20)),
      'random bytes': (client) => client.send(Buffer.alloc(221, 0x5a)),
      'an address that is none': (client, sealer) => {
        client.send(Buffer.concat([sealer.salt, sealer.chunk(Buffer.of(9, 9, 9))]));
      },
      'an empty chunk in front of the address': (client, sealer) => {
        client.send(Buffer.concat([sealer.salt, sealer.chunk(Buffer.alloc(0))]));
      },
      'part of an address': (client, sealer) => {
        client.send(Buffer.concat([sealer.salt, sealer.chunk(oracleAddress('127.0.0.1', 80).subarray(0, 5))]));
      },
    };
    /** Of the stages in which it has been found out, as the log has it; in the others it may be a client yet. */
    const foundOut: Readonly<Record<string, readonly [string, string]>> = {
      'random bytes': ['ERR_CIPHER', ''],
      'an address that is none': ['ERR_ADDRESS', 'address-type'],
      'an empty chunk in front of the address': ['ERR_CIPHER', ''],
    };
    const resets = { 'behind what has been read': true, 'that is there at the accept': false };
    for (const [what, send] of Object.entries(stages)) {
      it(`(${what}) holds it until the same time from its accept, then sends FIN`, () => {
        const client = bench.connect(port);
        bench.settle();
        bench.advance(20_000);
        send(client, new OracleSealer(METHOD, PASSWORD));
        bench.settle();
        bench.advance(PROBE_TIMEOUT_MS - 20_000 - 1000);
        bench.settle();
        expect([client.end, client.receivedLength]).to.deep.equal(['open', 0]);
        bench.advance(1200);
        bench.until('the FIN', () => client.end !== 'open');
        expect([client.end, client.receivedLength]).to.deep.equal(['fin', 0]);
        expectNothingLeft();
      });

      it(`(${what}) answers a FIN by FIN at once`, () => {
        const client = bench.connect(port);
        send(client, new OracleSealer(METHOD, PASSWORD));
        bench.settle();
        client.finish();
        bench.until('the FIN', () => client.end !== 'open');
        expect([client.end, client.receivedLength]).to.deep.equal(['fin', 0]);
        expectNothingLeft();
      });

      for (const [when, isRead] of Object.entries(resets)) {
        it(`(${what}) ends it at once for a reset ${when}`, () => {
          const client = bench.connect(port);
          send(client, new OracleSealer(METHOD, PASSWORD));
          if (isRead) bench.settle();
          client.reset();
          bench.until('its descriptor to be closed', () => {
            return bench.context.counters.connections === 1 && bench.reactor.registered === 1;
          });
          const [status, reason] = foundOut[what] ?? ['ERR_TRUNCATED', 'reset'];
          expect(outcomes()).to.deep.equal({ [status]: 1 });
          const [line] = bench.logLines.filter(({ message }) => message === 'connection');
          expect(line.fields).to.include({ status, reason });
          expect([bench.context.draining.size, bench.context.finishing.size]).to.deep.equal([0, 0]);
          expectNothingLeft();
        });
      }
    }

    it('holds it for ever where the time-out is 0', () => {
      const held = bench.startServer({ method: METHOD, password: PASSWORD }, { probeTimeoutMs: 0 });
      const silent = bench.connect(held);
      const loud = bench.connect(held);
      loud.send(Buffer.alloc(500));
      bench.settle();
      bench.advance(1e9);
      bench.settle();
      expect([silent.end, loud.end]).to.deep.equal(['open', 'open']);
      expect(bench.reactor.timers.count()).to.equal(0);
    });

    it('holds it also where no memory is left to wait for the rest of it', () => {
      const taken = [];
      try {
        for (;;) taken.push(bench.context.blocks.take(1));
      } catch (error) {
        expect(error).to.be.instanceOf(PoolExhaustedError);
      }
      const client = bench.connect(port);
      const sealer = new OracleSealer(METHOD, PASSWORD);
      client.send(Buffer.concat([sealer.salt, sealer.chunk(Buffer.alloc(1000))]).subarray(0, 500));
      bench.settle();
      expect([client.end, client.receivedLength]).to.deep.equal(['open', 0]);
      expect(outcomes()).to.deep.equal({ ERR_MEMORY: 1 });
      for (const block of taken) bench.context.blocks.give(block);
    });

    it('holds no more than a number of clients that say nothing: the oldest gets its FIN', function () {
      this.timeout(60_000);
      const oldest = bench.connect(port);
      bench.settle();
      const second = bench.connect(port);
      bench.settle();
      for (let i = 2; i < MAX_DRAINING; i++) {
        bench.descriptors.connect(port);
        bench.reactor.turn(0);
      }
      bench.settle();
      expect([oldest.end, bench.context.handshakes.size]).to.deep.equal(['open', MAX_DRAINING]);
      bench.connect(port);
      bench.until('the FIN', () => oldest.end === 'fin');
      expect([second.end, bench.context.handshakes.size]).to.deep.equal(['open', MAX_DRAINING]);
    });

    it('lets those go first that have been found out', function () {
      this.timeout(60_000);
      const silent = bench.connect(port);
      bench.settle();
      const found = bench.connect(port);
      found.send(Buffer.alloc(100, 9));
      bench.settle();
      for (let i = 2; i < MAX_DRAINING; i++) {
        bench.descriptors.connect(port);
        bench.reactor.turn(0);
      }
      bench.settle();
      expect([bench.context.handshakes.size, bench.context.draining.size]).to.deep.equal([MAX_DRAINING - 1, 1]);
      bench.connect(port);
      bench.until('the FIN', () => found.end === 'fin');
      expect(silent.end).to.equal('open');
      const listener = bench.descriptors.listen();
      request('127.0.0.1', listener.port, 'served');
      const target = bench.accept(listener.fd);
      bench.until('the payload', () => target.text === 'served');
    });

    it('leaves the memory for incomplete chunks to those who have the key', () => {
      const clients = Array.from({ length: 200 }, () => bench.connect(port));
      for (const client of clients) client.send(Buffer.alloc(49, 1));
      bench.settle();
      expect(bench.context.blocks.inUse).to.equal(0);
    });
  });

  describe('in the middle of a stream', () => {
    function established(): { readonly client: Peer; readonly sealer: OracleSealer; readonly target: Peer } {
      const listener = bench.descriptors.listen();
      const { client, sealer } = request('127.0.0.1', listener.port, 'early');
      const target = bench.accept(listener.fd);
      bench.until('the payload', () => target.text === 'early');
      return { client, sealer, target };
    }

    it('forwards nothing from a changed chunk on, sends the client nothing but a late FIN, and tells the target of the cut', () => {
      const { client, sealer, target } = established();
      const bad = sealer.chunk(Buffer.from('bad'));
      bad[19] ^= 4;
      client.send(Buffer.concat([bad, sealer.chunk(Buffer.from('more'))]));
      bench.until('the target to be told', () => target.end !== 'open');
      expect([target.end, target.text]).to.deep.equal(['reset', 'early']);
      bench.settle();
      bench.advance(PROBE_TIMEOUT_MS - 1000);
      bench.settle();
      expect([client.end, client.receivedLength]).to.deep.equal(['open', 0]);
      bench.advance(1100);
      bench.until('the FIN', () => client.end !== 'open');
      expect(client.end).to.equal('fin');
      expect(outcomes()).to.deep.equal({ ERR_CIPHER: 1 });
      expectNothingLeft();
    });

    it('tells the target that a request was cut short, and answers the FIN by FIN', () => {
      const { client, sealer, target } = established();
      client.send(sealer.chunk(Buffer.alloc(100, 'x')).subarray(0, 60));
      client.finish();
      bench.until('both ends', () => client.end !== 'open' && target.end !== 'open');
      expect([client.end, target.end]).to.deep.equal(['fin', 'reset']);
      expect(outcomes()).to.deep.equal({ ERR_TRUNCATED: 1 });
      expectNothingLeft();
    });

    it('passes a reset of the target on as a reset', () => {
      const { client, target } = established();
      target.reset();
      bench.until('the end', () => client.end !== 'open');
      expect(client.end).to.equal('reset');
      expectNothingLeft();
    });

    it('passes a reset of the client on as a reset', () => {
      const { client, target } = established();
      client.reset();
      bench.until('the end', () => target.end !== 'open');
      expect(target.end).to.equal('reset');
      expectNothingLeft();
    });

    it('skips empty chunks', () => {
      const { client, sealer, target } = established();
      client.send(Buffer.concat([sealer.chunk(Buffer.alloc(0)), sealer.chunk(Buffer.from('!'))]));
      bench.until('the payload', () => target.text === 'early!');
    });

    it('takes any number of held connections without growing slower', function () {
      this.timeout(30_000);
      const spread = 400;
      const { timers } = bench.reactor;
      const durations = new Set<number>();
      const arm = timers.arm.bind(timers);
      timers.arm = (timer, durationMs, nowMs) => {
        durations.add(durationMs);
        arm(timer, durationMs, nowMs);
      };
      for (let i = 0; i < spread; i++) {
        const client = bench.connect(port);
        client.send(Buffer.alloc(60 + i, 3));
        bench.reactor.turn(1);
      }
      bench.settle();
      expect(bench.context.draining.size).to.equal(spread);
      // Timers of one duration share a list, and each turn looks at each list.
      expect(durations.size).to.be.lessThan(5);
    });
  });
});
