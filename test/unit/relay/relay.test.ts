/** The pipe between a plain and a cipher socket: what each way of ending does to the other side, and what it keeps in memory. */

import { expect } from 'chai';
import { IPPROTO_TCP, SO_KEEPALIVE, SOL_SOCKET, TCP_KEEPIDLE } from '../../../native-bindings/constants.js';
import { getOption } from '../../../native-bindings/socket.js';
import type { Aead2017MethodName } from '../../../src/config/types.js';
import type { Target } from '../../../src/net/target.js';
import { targetFromHost } from '../../../src/net/target.js';
import type { Block, BlockPool } from '../../../src/relay/block-pool.js';
import { Carry } from '../../../src/relay/carry.js';
import { FIRST_PAYLOAD_WAIT_MS, Relay } from '../../../src/relay/relay.js';
import type { Status } from '../../../src/relay/status.js';
import { READ_LENGTH } from '../../../src/relay/workspace.js';
import { StreamOpener2017 } from '../../../src/shadowsocks/aead-2017/stream-opener.js';
import { StreamSealer2017 } from '../../../src/shadowsocks/aead-2017/stream-sealer.js';
import { OracleOpener, OracleSealer, oracleAddress } from '../../support/aead-oracle.js';
import { keyringOf } from '../../support/keyrings.js';
import type { Peer } from '../../support/peer.js';
import { ReactorBench } from '../../support/reactor-bench.js';
import { FORGETFUL } from '../../support/salt-filters.js';

const METHOD: Aead2017MethodName = 'aes-256-gcm';
const PASSWORD = 'relay';
const TARGET = targetFromHost('192.0.2.7', 443);
const HEADER = oracleAddress('192.0.2.7', 443);
/** More than the kernel's buffers of a loopback connection hold. */
const MUCH = 24 * 1024 * 1024;
const TURN_MS = 5;

function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) bytes.writeInt32LE(Math.imul(i, 0x9e3779b1) ^ (i >> 7), i);
  return bytes;
}

/** Takes every block. @returns what gives them back */
function exhaust(pool: BlockPool): () => void {
  const taken: Block[] = [];
  while (pool.available) taken.push(pool.take());
  return () => {
    for (const block of taken) pool.give(block);
  };
}

interface Fixture {
  readonly relay: Relay;
  /** The program at the plain end, and the peer at the cipher end. */
  readonly plain: Peer;
  readonly cipher: Peer;
  readonly statuses: Status[];
  readonly sealer: OracleSealer;
  /** What the cipher peer has received, opened. */
  opened(): Buffer;
}

describe('a relay', () => {
  let bench: ReactorBench;

  function make(header?: Target): Fixture {
    const plain = bench.acceptedPair();
    const cipher = bench.acceptedPair();
    const keyring = keyringOf(METHOD, PASSWORD);
    const statuses: Status[] = [];
    const opener = new StreamOpener2017(keyring, FORGETFUL);
    opener.allowEmptyChunks();
    const owner = {
      relayEnded(status: Status) {
        statuses.push(status);
        plain.socket.close();
        cipher.socket.close();
      },
    };
    const carry = new Carry(bench.context.blocks);
    const stream = { sealer: new StreamSealer2017(keyring, header), opener };
    const relay = new Relay(bench.context, owner, plain.socket, cipher.socket, stream, carry);
    const oracle = new OracleOpener(METHOD, PASSWORD);
    let all: Buffer = Buffer.alloc(0);
    const opened = (): Buffer => {
      const fresh = cipher.peer.take();
      if (fresh.length > 0) all = Buffer.concat([all, oracle.push(fresh)]);
      return all;
    };
    return {
      relay,
      plain: plain.peer,
      cipher: cipher.peer,
      statuses,
      sealer: new OracleSealer(METHOD, PASSWORD),
      opened,
    };
  }

  /** A backlog holds one block, in one pool or the other, and an incomplete chunk another one. */
  function blocksInUse(): number {
    return bench.context.blocks.inUse;
  }

  function expectNothingLeft(): void {
    expect(bench.context.blocks.inUse, 'backlogs and carries').to.equal(0);
    expect(bench.reactor.timers.count(), 'timers').to.equal(0);
    expect(bench.reactor.registered, 'descriptors').to.equal(0);
    expect(bench.reactor.statistics.failures, 'handlers that threw').to.equal(0);
  }

  beforeEach(() => {
    bench = new ReactorBench();
  });

  afterEach(() => {
    bench.close();
  });

  describe('moving bytes', () => {
    it('sends header and first payload in one chunk', () => {
      const { relay, plain, cipher, opened } = make(TARGET);
      plain.send('GET /');
      relay.start();
      bench.until('the request', () => cipher.receivedLength > 0);
      expect(cipher.receivedLength).to.equal(32 + 34 + HEADER.length + 5);
      expect(opened().equals(Buffer.concat([HEADER, Buffer.from('GET /')]))).to.equal(true);
    });

    it('sends the header alone where no payload comes in a while', () => {
      const { relay, cipher, opened } = make(TARGET);
      // Waits count from the beginning of a turn, and making the sockets took a while.
      bench.reactor.turn(0);
      const startMs = bench.reactor.nowMs;
      relay.start();
      bench.reactor.turn(0);
      bench.poll();
      const atOnce = cipher.receivedLength;
      // On a machine that was busy with something else the wait may be over already.
      if (performance.now() - startMs < FIRST_PAYLOAD_WAIT_MS) expect(atOnce).to.equal(0);
      bench.until('the header', () => cipher.receivedLength > 0);
      expect(performance.now() - startMs).to.be.greaterThan(9);
      expect(opened().equals(HEADER)).to.equal(true);
    });

    it('sends payload that came with the request behind the header', () => {
      const { relay, cipher, opened } = make(TARGET);
      relay.startWith(Buffer.from('early'));
      bench.until('the request', () => cipher.receivedLength > 0);
      expect(opened().equals(Buffer.concat([HEADER, Buffer.from('early')]))).to.equal(true);
    });

    it('delivers what was opened with the address first', () => {
      const { relay, plain, cipher, sealer } = make();
      cipher.send(Buffer.concat([sealer.salt, sealer.chunk(Buffer.from(' and more'))]));
      bench.context.workspace.output.bytes.set(Buffer.from('early'), 3);
      relay.startOpened(3, 8);
      bench.until('both', () => plain.text === 'early and more');
    });

    it('moves many mebibytes both ways at once, unchanged', () => {
      const { relay, plain, cipher, sealer, statuses, opened } = make();
      const down = pattern(5_000_001);
      const up = pattern(6_000_003);
      relay.startOpened(0, 0);
      plain.send(up);
      cipher.send(Buffer.concat([sealer.salt, sealer.chunks(down, 1000)]));
      bench.until('everything', () => plain.receivedLength === down.length && opened().length === up.length);
      expect(plain.received.equals(down)).to.equal(true);
      expect(opened().equals(up)).to.equal(true);
      expect([relay.sealedBytes, relay.openedBytes]).to.deep.equal([up.length, down.length]);
      plain.finish();
      cipher.finish();
      bench.until('the end', () => statuses.length > 0);
      expect(statuses).to.deep.equal(['OK']);
      expectNothingLeft();
    });

    it('takes a stream byte by byte', () => {
      const { relay, plain, cipher, sealer } = make();
      relay.startOpened(0, 0);
      for (const byte of Buffer.concat([
        sealer.salt,
        sealer.chunk(Buffer.from('one')),
        sealer.chunk(Buffer.from('two')),
      ])) {
        cipher.send(Uint8Array.of(byte));
        bench.reactor.turn(TURN_MS);
      }
      bench.until('the payload', () => plain.text === 'onetwo');
      expect(bench.context.blocks.inUse).to.equal(0);
    });
  });

  describe('with a slow receiver', () => {
    it('keeps one send of it at most, and stops reading its source', () => {
      const { relay, plain, cipher, sealer } = make();
      plain.reading = false;
      relay.startOpened(0, 0);
      const all = pattern(MUCH);
      cipher.send(Buffer.concat([sealer.salt, sealer.chunks(all)]));
      bench.settle();
      expect(blocksInUse()).to.be.within(1, 2);
      expect(cipher.flushed, 'the sender is held back').to.equal(false);
      plain.reading = true;
      bench.until('everything', () => plain.receivedLength === all.length);
      expect(plain.received.equals(all)).to.equal(true);
      expect(bench.context.largeBlocks.inUse).to.equal(0);
    });

    it('goes on in the other direction', () => {
      const { relay, plain, cipher, sealer, opened } = make();
      plain.reading = false;
      relay.startOpened(0, 0);
      cipher.send(Buffer.concat([sealer.salt, sealer.chunks(pattern(MUCH))]));
      bench.settle();
      plain.send('still here');
      bench.until('the other direction', () => opened().toString() === 'still here');
    });

    it('holds a FIN back until the backlog has gone', () => {
      const { relay, plain, cipher, opened } = make();
      cipher.reading = false;
      relay.startOpened(0, 0);
      const all = pattern(MUCH);
      plain.send(all);
      plain.finish();
      bench.settle();
      expect(blocksInUse()).to.be.within(1, 2);
      cipher.reading = true;
      bench.until('the FIN', () => cipher.end === 'fin');
      expect(opened().equals(all)).to.equal(true);
    });

    for (const pool of ['largeBlocks', 'mediumBlocks'] as const) {
      it(`goes on a chunk at a time where the memory for more is used up (${pool})`, () => {
        const giveBack = exhaust(bench.context[pool]);
        const { relay, plain, cipher, sealer } = make();
        plain.reading = false;
        relay.startOpened(0, 0);
        const all = pattern(MUCH);
        cipher.send(Buffer.concat([sealer.salt, sealer.chunks(all)]));
        bench.settle();
        plain.reading = true;
        bench.until('everything', () => plain.receivedLength === all.length);
        expect(plain.received.equals(all)).to.equal(true);
        giveBack();
      });
    }

    it('ends alone where all memory for backlogs is used up', () => {
      const { relay, plain, cipher, sealer, statuses } = make();
      const giveBack = [bench.context.largeBlocks, bench.context.mediumBlocks, bench.context.smallBlocks].map(exhaust);
      plain.reading = false;
      relay.startOpened(0, 0);
      cipher.send(Buffer.concat([sealer.salt, sealer.chunks(pattern(MUCH))]));
      bench.until('the end', () => statuses.length > 0);
      expect(statuses).to.deep.equal(['ERR_MEMORY']);
      for (const give of giveBack) give();
    });
  });

  describe('when a side ends', () => {
    it('passes the FIN of the plain side on, and lets the answer through', () => {
      const { relay, plain, cipher, sealer, statuses, opened } = make(TARGET);
      relay.start();
      plain.send('question');
      plain.finish();
      bench.until('the FIN', () => cipher.end === 'fin');
      expect(opened().subarray(HEADER.length).toString()).to.equal('question');
      expect(statuses).to.deep.equal([]);
      cipher.send(Buffer.concat([sealer.salt, sealer.chunk(Buffer.from('answer'))]));
      cipher.finish();
      bench.until('the answer', () => plain.end === 'fin');
      expect(plain.text).to.equal('answer');
      expect(statuses).to.deep.equal(['OK']);
      expectNothingLeft();
    });

    it('passes the FIN of the cipher side on, and lets the rest of the question through', () => {
      const { relay, plain, cipher, sealer, statuses, opened } = make();
      relay.startOpened(0, 0);
      cipher.send(Buffer.concat([sealer.salt, sealer.chunk(Buffer.from('hello'))]));
      cipher.finish();
      bench.until('the FIN', () => plain.end === 'fin');
      expect(plain.text).to.equal('hello');
      plain.send('goodbye');
      plain.finish();
      bench.until('the end', () => cipher.end === 'fin');
      expect(opened().toString()).to.equal('goodbye');
      expect(statuses).to.deep.equal(['OK']);
      expectNothingLeft();
    });

    it('sends the header of a client that ends without a byte', () => {
      const { relay, plain, cipher, opened } = make(TARGET);
      plain.finish();
      relay.start();
      bench.until('the FIN', () => cipher.end === 'fin');
      expect(opened().equals(HEADER)).to.equal(true);
    });

    it('takes a FIN in front of the first byte for an empty answer', () => {
      const { relay, plain, cipher, statuses } = make();
      relay.startOpened(0, 0);
      cipher.finish();
      bench.until('the FIN', () => plain.end === 'fin');
      expect(statuses).to.deep.equal([]);
    });

    it('calls a stream that ends inside a unit truncated', () => {
      const whole = new OracleSealer(METHOD, PASSWORD);
      const stream = Buffer.concat([whole.salt, whole.chunk(Buffer.from('some payload'))]);
      for (const length of [1, 31, 33, 49, 51, stream.length - 1]) {
        const { relay, cipher, statuses } = make();
        relay.startOpened(0, 0);
        cipher.send(stream.subarray(0, length));
        cipher.finish();
        bench.until('the end', () => statuses.length > 0);
        expect(statuses, `${length} bytes`).to.deep.equal(['ERR_TRUNCATED']);
      }
      expectNothingLeft();
    });

    it('calls a stream that ends right behind a length truncated', () => {
      const { relay, cipher, sealer, statuses } = make();
      relay.startOpened(0, 0);
      cipher.send(Buffer.concat([sealer.salt, sealer.chunk(Buffer.from('xyz')).subarray(0, 18)]));
      cipher.finish();
      bench.until('the end', () => statuses.length > 0);
      expect(statuses).to.deep.equal(['ERR_TRUNCATED']);
    });

    it('ends by a cipher failure where a byte was changed, and delivers nothing of that chunk', () => {
      const { relay, plain, cipher, sealer, statuses } = make();
      relay.startOpened(0, 0);
      const good = Buffer.concat([sealer.salt, sealer.chunk(Buffer.from('good'))]);
      const bad = sealer.chunk(Buffer.from('bad'));
      bad[20] ^= 1;
      cipher.send(Buffer.concat([good, bad]));
      bench.until('the end', () => statuses.length > 0);
      expect(statuses).to.deep.equal(['ERR_CIPHER']);
      bench.settle();
      expect('good'.startsWith(plain.text)).to.equal(true);
      expectNothingLeft();
    });

    for (const side of ['plain', 'cipher'] as const) {
      it(`tells a reset of the ${side} side from a FIN`, () => {
        const fixture = make();
        fixture.relay.startOpened(0, 0);
        bench.settle();
        fixture[side].reset();
        bench.until('the end', () => fixture.statuses.length > 0);
        expect(fixture.statuses).to.deep.equal(['ERR_RESET']);
        expectNothingLeft();
      });

      it(`tells a reset of the ${side} side that a send meets first from a FIN`, () => {
        const fixture = make();
        fixture.relay.startOpened(0, 0);
        // Something is stuck on its way to this side, so the next thing that is done with the socket is a send.
        fixture[side].reading = false;
        const much = pattern(MUCH);
        if (side === 'plain') {
          fixture.cipher.send(Buffer.concat([fixture.sealer.salt, fixture.sealer.chunks(much)]));
        } else {
          fixture.plain.send(much);
        }
        bench.settle();
        expect(blocksInUse()).to.be.within(1, 2);
        fixture[side].reset();
        bench.until('the end', () => fixture.statuses.length > 0);
        expect(fixture.statuses).to.deep.equal(['ERR_RESET']);
        expectNothingLeft();
      });
    }

    it('ends where a side that has ended takes no more', () => {
      const { relay, plain, cipher, sealer, statuses } = make();
      relay.startOpened(0, 0);
      plain.send('done');
      plain.finish();
      bench.until('the FIN', () => cipher.end === 'fin');
      plain.close();
      cipher.send(sealer.salt);
      for (let i = 0; i < 100 && statuses.length === 0; i++) {
        cipher.send(sealer.chunk(Buffer.from('are you there?')));
        bench.reactor.turn(TURN_MS);
      }
      expect(statuses).to.deep.equal(['ERR_RESET']);
      expectNothingLeft();
    });

    it('delivers what came before a reset', () => {
      const { relay, plain, cipher, statuses, opened } = make();
      plain.send('last words');
      plain.reset();
      relay.startOpened(0, 0);
      bench.until('the end', () => cipher.end !== 'open');
      expect(opened().toString()).to.equal('last words');
      expect(statuses).to.deep.equal(['ERR_RESET']);
      expectNothingLeft();
    });
  });

  describe('that moves nothing', () => {
    it('ends by the idle time-out, and not before', () => {
      bench.close();
      bench = new ReactorBench(60_000);
      const { relay, plain, cipher, statuses } = make();
      relay.startOpened(0, 0);
      for (let minute = 0; minute < 3; minute++) {
        plain.send('x');
        bench.settle();
        for (let i = 0; i < 3; i++) bench.advance(16_000);
        expect(statuses).to.deep.equal([]);
      }
      for (let i = 0; i < 5; i++) bench.advance(16_000);
      expect(statuses).to.deep.equal(['ERR_IDLE']);
      expect(cipher.end).to.equal('open');
      expectNothingLeft();
    });

    for (const [idleTimeoutMs, name] of [
      [0, 'without an idle time-out'],
      [20_000, 'with an idle time-out that is looked at more often'],
      [240_000, 'with an idle time-out that is looked at more rarely'],
    ] as const) {
      it(`has its peers probed once it is as old as the first probe wants it, ${name}`, () => {
        bench.close();
        bench = new ReactorBench(idleTimeoutMs, 15_000);
        const { relay, statuses } = make();
        relay.startOpened(0, 0);
        const options = (option: number, level = IPPROTO_TCP): number[] =>
          [relay.plain, relay.cipher].map(({ socket }) => getOption(socket.fd, level, option));
        for (let second = 0; second < 14; second++) bench.advance(1000);
        expect(options(SO_KEEPALIVE, SOL_SOCKET)).to.deep.equal([0, 0]);
        for (let second = 0; second < 2; second++) bench.advance(1000);
        expect(options(SO_KEEPALIVE, SOL_SOCKET)).to.deep.equal([1, 1]);
        expect(options(TCP_KEEPIDLE)).to.deep.equal([15, 15]);
        expect(bench.reactor.timers.count()).to.equal(idleTimeoutMs === 0 ? 0 : 1);
        for (let second = 0; second < (idleTimeoutMs / 1000) * 1.25; second++) bench.advance(1000);
        expect(statuses).to.deep.equal(idleTimeoutMs === 0 ? [] : ['ERR_IDLE']);
        if (idleTimeoutMs === 0) relay.release();
        else expectNothingLeft();
      });
    }

    it('lives for ever without an idle time-out', () => {
      const { relay, statuses } = make();
      relay.startOpened(0, 0);
      bench.settle();
      bench.advance(1e9);
      expect(bench.reactor.timers.count()).to.equal(0);
      expect(statuses).to.deep.equal([]);
      relay.release();
    });
  });

  it('gives everything back when it is released in the middle', () => {
    const { relay, plain, cipher, sealer } = make(TARGET);
    plain.reading = false;
    relay.start();
    cipher.send(Buffer.concat([sealer.salt, sealer.chunks(pattern(MUCH))]));
    bench.settle();
    expect(blocksInUse()).to.be.within(1, 2);
    relay.release();
    relay.release();
    expect(bench.context.largeBlocks.inUse).to.equal(0);
    expect(bench.context.smallBlocks.inUse).to.equal(0);
    expect(bench.reactor.timers.count()).to.equal(0);
    relay.plain.socket.close();
    relay.cipher.socket.close();
  });

  it('gives way to other sessions', () => {
    const { relay, plain } = make();
    relay.startOpened(0, 0);
    bench.settle();
    const { statistics } = bench.reactor;
    plain.send(pattern(3 * 1024 * 1024));
    const before = relay.sealedBytes;
    bench.reactor.turn(1000);
    expect(relay.sealedBytes - before).to.be.within(1, 8 * READ_LENGTH);
    expect(statistics.failures).to.equal(0);
  });
});
