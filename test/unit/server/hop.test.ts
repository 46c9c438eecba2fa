/** A hop of SIP023 on a reactor of the test's own: what it sends on, and what those see who may not pass. */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { EAGAIN } from '../../../native-bindings/errno.js';
import { Region } from '../../../native-bindings/memory.js';
import * as sockets from '../../../native-bindings/socket.js';
import { clientOf } from '../../support/aead-2022.js';
import { textOf } from '../../support/hops.js';
import type { Peer } from '../../support/peer.js';
import { ReactorBench } from '../../support/reactor-bench.js';

const METHOD = '2022-blake3-aes-256-gcm';
const PROBE_TIMEOUT_MS = 60_000;
const SALT_LENGTH = 32;
const BLOCK_LENGTH = 16;
const AT = 2048;
const [ownKey, nextKey, userKey] = [1, 2, 3].map((seed) => new Uint8Array(32).fill(seed));

describe('a hop', () => {
  const input = new Region(64 * 1024);
  const output = new Region(64 * 1024);
  let bench: ReactorBench;

  beforeEach(() => {
    bench = new ReactorBench();
  });

  afterEach(() => {
    bench.close();
    expect(bench.context.counters.outcomes.get('ERR_BUG')).to.equal(undefined);
  });

  after(() => {
    input.release();
    output.release();
  });

  /** @returns the port of a hop in front of one that listens on `nextPort`; its clients may reach nothing of this machine */
  function hopTo(nextPort: number, probeTimeoutMs = PROBE_TIMEOUT_MS): number {
    const destinations = [{ name: 'next', host: '127.0.0.1', port: nextPort, password: textOf(nextKey) }];
    const endpoint = { method: METHOD, password: textOf(ownKey), destinations } as const;
    return bench.startServer(endpoint, { egressAllow: [], probeTimeoutMs });
  }

  function request(identityKeys: readonly Uint8Array[] = [ownKey, nextKey]): Buffer {
    const target = { kind: 'name', name: 'example.test', port: 80 } as const;
    const { sealer } = clientOf({ method: METHOD, userKey, identityKeys }, target);
    const bytes = Buffer.from(output.bytes.slice(0, sealer.seal(input, AT, 1000, output, 0)));
    sealer.release();
    return bytes;
  }

  function withoutHeader(bytes: Buffer): Buffer {
    return Buffer.concat([bytes.subarray(0, SALT_LENGTH), bytes.subarray(SALT_LENGTH + BLOCK_LENGTH)]);
  }

  function passed(): { readonly client: Peer; readonly next: Peer; readonly head: Buffer } {
    const listener = bench.descriptors.listen();
    const client = bench.connect(hopTo(listener.port));
    const bytes = request();
    client.send(bytes);
    return { client, next: bench.accept(listener.fd), head: withoutHeader(bytes) };
  }

  function outcomes(): Record<string, number> {
    return Object.fromEntries(bench.context.counters.outcomes);
  }

  function expectNothingLeft(): void {
    bench.context.endDraining();
    expect(bench.context.sessions.size, 'sessions').to.equal(0);
    expect(bench.context.handshakes.size, 'handshakes').to.equal(0);
    expect(bench.context.blocks.inUse, 'backlogs and carries').to.equal(0);
    expect(bench.reactor.timers.count(), 'timers').to.equal(0);
    expect(bench.reactor.registered, 'descriptors but for the listener').to.equal(1);
  }

  it('sends salt and rest on in one piece, whatever the egress policy says of where', () => {
    const { next, head } = passed();
    bench.until('the request', () => next.receivedLength > 0);
    expect(next.received).to.deep.equal(head);
  });

  it('carries bytes as they are both ways, and half-closes', () => {
    const { client, next, head } = passed();
    const [up, down] = [randomBytes(300_000), randomBytes(300_000)];
    client.send(up);
    next.send(down);
    bench.until('both', () => next.receivedLength === head.length + up.length && client.receivedLength === down.length);
    expect(next.received.subarray(head.length).equals(up)).to.equal(true);
    expect(client.received.equals(down)).to.equal(true);
    client.finish();
    bench.until('the FIN', () => next.end !== 'open');
    expect([next.end, client.end]).to.deep.equal(['fin', 'open']);
    next.send('the last word');
    next.finish();
    bench.until('the answer', () => client.end !== 'open');
    expect(client.end).to.equal('fin');
    expect(client.received.subarray(down.length).toString()).to.equal('the last word');
    expect(outcomes()).to.deep.equal({ OK: 1 });
    expect(bench.context.counters.users.get('next')).to.include({ connections: 1, bytesDown: down.length + 13 });
    expectNothingLeft();
  });

  it('passes a reset on', () => {
    const { client, next } = passed();
    next.reset();
    bench.until('the reset', () => client.end !== 'open');
    expect([client.end, outcomes()]).to.deep.equal(['reset', { ERR_RESET: 1 }]);
    expectNothingLeft();
  });

  it('holds strangers, and who sends too little at first, to the common deadline', () => {
    const listener = bench.descriptors.listen();
    const port = hopTo(listener.port);
    const whole = request();
    const cut = whole.subarray(0, SALT_LENGTH + BLOCK_LENGTH + 26);
    const probes = [cut, randomBytes(221), request([randomBytes(32), nextKey]), request([ownKey, randomBytes(32)])];
    const clients = probes.map((bytes) => {
      const client = bench.connect(port);
      client.send(bytes);
      return client;
    });
    bench.settle();
    clients[0].send(whole.subarray(cut.length));
    bench.settle();
    expect(clients.map(({ end, receivedLength }) => `${end} ${receivedLength}`)).to.deep.equal(
      probes.map(() => 'open 0'),
    );
    expect(sockets.accept(listener.fd), 'nobody is connected to').to.equal(-EAGAIN);
    bench.advance(PROBE_TIMEOUT_MS);
    bench.until('all FINs', () => clients.every(({ end }) => end === 'fin'));
    expect(outcomes()).to.deep.equal({ ERR_CIPHER: probes.length });
    expectNothingLeft();
  });

  it('lets the last server tell whether a request is new', () => {
    const listener = bench.descriptors.listen();
    const port = hopTo(listener.port);
    const bytes = request();
    for (let i = 0; i < 2; i++) {
      bench.connect(port).send(bytes);
      const next = bench.accept(listener.fd);
      bench.until('the request', () => next.receivedLength > 0);
      expect(next.received).to.deep.equal(withoutHeader(bytes));
    }
  });

  it('does not show that the next hop refuses', () => {
    const client = bench.connect(hopTo(bench.refusingPort()));
    client.send(request());
    bench.until('the refusal', () => bench.context.counters.outcomes.size > 0);
    bench.settle();
    expect([client.end, client.receivedLength]).to.deep.equal(['open', 0]);
    bench.advance(PROBE_TIMEOUT_MS - 2000);
    bench.settle();
    expect(client.end).to.equal('open');
    bench.advance(2000);
    bench.until('the FIN', () => client.end !== 'open');
    expect([client.end, outcomes()]).to.deep.equal(['fin', { ERR_CONNECT: 1 }]);
    expectNothingLeft();
  });

  it('does not show that the next hop is silent', () => {
    const client = bench.connect(hopTo(bench.blackHole(), 1000));
    client.send(request());
    bench.settle();
    expect(client.end).to.equal('open');
    bench.advance(1000);
    bench.until('the FIN', () => client.end !== 'open');
    expect([client.end, outcomes()]).to.deep.equal(['fin', { ERR_HANDSHAKE_TIMEOUT: 1 }]);
    expectNothingLeft();
  });
});
