/** A server of the 2022 edition on a reactor of the test's own: what comes in one segment, what may come later, what its answers look like. */

import { expect } from 'chai';
import { oracleAddress } from '../../support/aead-oracle.js';
import type { Peer } from '../../support/peer.js';
import { ReactorBench } from '../../support/reactor-bench.js';
import { OracleSealer2022 } from '../../support/sip022-oracle.js';

const METHOD = '2022-blake3-aes-256-gcm';
const KEY = Buffer.alloc(32, 'a key for tests ');
const PROBE_TIMEOUT_MS = 60_000;
/** Salt and fixed header, sealed. */
const HEAD = 32 + 27;
const RESPONSE_HEAD = 32 + 59;

describe('a server of the 2022 edition', () => {
  let bench: ReactorBench;
  let port: number;

  beforeEach(() => {
    bench = new ReactorBench();
    const endpoint = { method: METHOD, password: KEY.toString('base64') } as const;
    port = bench.startServer(endpoint, { probeTimeoutMs: PROBE_TIMEOUT_MS });
  });

  afterEach(() => {
    bench.close();
    expect(bench.context.counters.outcomes.get('ERR_BUG')).to.equal(undefined);
  });

  function request(targetPort: number, payload: string, padding = 0): Buffer {
    const sealer = new OracleSealer2022(METHOD, KEY);
    const address = oracleAddress('127.0.0.1', targetPort);
    return sealer.request({ address, payload: Buffer.from(payload), padding: Buffer.alloc(padding) });
  }

  function served(payload: string, padding = 0): { readonly client: Peer; readonly target: Peer } {
    const listener = bench.descriptors.listen();
    const client = bench.connect(port);
    client.send(request(listener.port, payload, padding));
    const target = bench.accept(listener.fd);
    bench.until('the payload', () => target.text === payload);
    return { client, target };
  }

  it('waits for the variable header, once the fixed one has come', () => {
    const listener = bench.descriptors.listen();
    const client = bench.connect(port);
    const bytes = request(listener.port, 'slowly', 900);
    client.send(bytes.subarray(0, HEAD));
    bench.settle();
    for (let at = HEAD; at < bytes.length; at += 50) {
      client.send(bytes.subarray(at, at + 50));
      bench.reactor.turn(1);
    }
    const target = bench.accept(listener.fd);
    bench.until('the payload', () => target.text === 'slowly');
    expect(bench.context.blocks.inUse, 'nothing is carried any more').to.equal(0);
  });

  it('holds whoever sends the fixed header in two segments, to the common deadline', () => {
    const listener = bench.descriptors.listen();
    const client = bench.connect(port);
    const bytes = request(listener.port, 'in two segments');
    client.send(bytes.subarray(0, HEAD - 1));
    bench.settle();
    client.send(bytes.subarray(HEAD - 1));
    bench.settle();
    expect([client.end, client.receivedLength, bench.context.draining.size]).to.deep.equal(['open', 0, 1]);
    bench.advance(PROBE_TIMEOUT_MS);
    bench.until('the FIN', () => client.end !== 'open');
    expect(client.end).to.equal('fin');
    expect(Object.fromEntries(bench.context.counters.outcomes)).to.deep.equal({ ERR_CIPHER: 1 });
  });

  it('answers in one segment that holds salt, header and payload', () => {
    const { client, target } = served('a question');
    target.send('welcome');
    bench.until('an answer', () => client.receivedLength > 0);
    expect(client.receivedLength).to.equal(RESPONSE_HEAD + 'welcome'.length + 16);
  });

  it('lets a target speak first, to a client that had nothing but padding to say', () => {
    const { client, target } = served('', 1);
    target.send('220 ready');
    bench.until('the greeting', () => client.receivedLength === RESPONSE_HEAD + '220 ready'.length + 16);
  });

  it('sends a mere FIN where the target ends without a byte', () => {
    const { client, target } = served('a question');
    target.finish();
    bench.until('the FIN', () => client.end !== 'open');
    expect([client.end, client.receivedLength]).to.deep.equal(['fin', 0]);
  });

  it('says in its log that a clock is wrong, and by how much', () => {
    bench.wallAheadMs = 3_600_000;
    const listener = bench.descriptors.listen();
    for (let i = 0; i < 3; i++) bench.connect(port).send(request(listener.port, 'from the past'));
    bench.settle();
    const lines = bench.logLines.filter(({ level }) => level === 'warn');
    expect(lines.map(({ message }) => message)).to.deep.equal([
      "refused: the client's clock and this one differ by more than 30 s",
    ]);
    expect(lines[0].fields['aheadSeconds']).to.be.within(-3601, -3599);
    expect(bench.context.draining.size).to.equal(3);
  });
});
