/**
 * What somebody without the key learns from a server: nothing, for as long as any other server that never answers. Each probe is held, with
 * no byte and no reset, and ends by FIN at one time after its accept, whatever was sent and however much of it.
 */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { AEAD_2017_METHODS, type Aead2017MethodName } from '../../src/config/types.js';
import { METHODS } from '../../src/crypto/methods.js';
import type { Running } from '../../src/umbra.js';
import { OracleSealer } from '../support/aead-oracle.js';
import { endpoint, PASSWORD, Stage, socksRequest } from '../support/proxy-pair.js';
import { Listener, type Wire } from '../support/wire.js';

const PROBE_TIMEOUT_MS = 2000;
/** Between the server's clock at accept and the test's at connect. */
const TOLERANCE_MS = 200;
/** What a busy machine may add before the test's thread hears of the end. */
const LATENESS_MS = 300;
const MIB = 1024 * 1024;

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** Random probes as the Great Firewall sends them, others that were found to give servers away, and both sides of each threshold. */
const RANDOM_LENGTHS = [
  ...range(1, 103),
  ...[168, 169, 180, 220, 221, 221, 255, 256, 257, 402, 4096, 8191, 8192, 8193, 16_383, 16_399, 17_408],
  ...[65_535, 65_536, 65_537, 300_000],
];

const OTHER_PROTOCOLS: Readonly<Record<string, Buffer>> = {
  'a TLS ClientHello': Buffer.concat([Buffer.from('16030100f8010000f40303', 'hex'), Buffer.alloc(242, 0x5c)]),
  'an HTTP request': Buffer.from('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n'),
  'an SSH banner': Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'),
  'a STUN request': Buffer.concat([Buffer.from('000100002112a442', 'hex'), Buffer.alloc(12, 7)]),
  'a DNS zone transfer': Buffer.from('001c000100000001000000000000076578616d706c6503636f6d0000fc0001', 'hex'),
  'a SOCKS greeting': Buffer.from('050100', 'hex'),
};

describe('a server that is probed', () => {
  const stage = new Stage();
  let server: Running;
  let target: Listener;

  function portOf(method: Aead2017MethodName): number {
    return server.addresses[AEAD_2017_METHODS.indexOf(method)].port;
  }

  beforeEach(async () => {
    const listen = AEAD_2017_METHODS.map((method) => endpoint(0, method));
    server = await stage.server({ listen, probeTimeoutMs: PROBE_TIMEOUT_MS });
    target = await Listener.open((wire) => wire.send('never to be seen'));
    stage.onClose(() => target.close());
  });

  afterEach(() => stage.close());

  async function probe(port: number, bytes: Uint8Array): Promise<Wire> {
    const wire = await stage.wire(port);
    if (bytes.length > 0) wire.send(bytes);
    return wire;
  }

  /** Held to the deadline, and ended by FIN. */
  async function expectHeld(wire: Wire, what: string): Promise<void> {
    const end = await wire.end(PROBE_TIMEOUT_MS + 5000);
    expect([end, wire.receivedLength], what).to.deep.equal(['fin', 0]);
    expect(wire.lifeMs, what).to.be.within(
      PROBE_TIMEOUT_MS - TOLERANCE_MS,
      PROBE_TIMEOUT_MS + TOLERANCE_MS + LATENESS_MS,
    );
  }

  async function expectAllHeld(probes: readonly (readonly [string, Wire])[]): Promise<void> {
    await Promise.all(probes.map(([what, wire]) => expectHeld(wire, what)));
    expect(target.wires, 'connections to the target').to.have.length(0);
  }

  /** A valid request for the target, as one stream. */
  function validStream(method: Aead2017MethodName): Buffer {
    const sealer = new OracleSealer(method, PASSWORD);
    const plaintext = Buffer.concat([socksRequest('127.0.0.1', target.port).subarray(3), Buffer.from('payload')]);
    return Buffer.concat([sealer.salt, sealer.chunk(plaintext), sealer.chunk(Buffer.from('second'))]);
  }

  for (const method of AEAD_2017_METHODS) {
    it(`holds random bytes of any length, silence and other protocols alike (${method})`, async () => {
      const port = portOf(method);
      const probes: (readonly [string, Wire])[] = [['silence', await probe(port, Buffer.alloc(0))]];
      for (const length of RANDOM_LENGTHS) probes.push([`${length} bytes`, await probe(port, randomBytes(length))]);
      for (const [what, bytes] of Object.entries(OTHER_PROTOCOLS)) probes.push([what, await probe(port, bytes)]);
      await expectAllHeld(probes);
      const { outcomes } = await server.statistics();
      expect(Object.keys(outcomes).sort()).to.deep.equal(['ERR_CIPHER', 'ERR_HANDSHAKE_TIMEOUT']);
    });

    it(`holds a valid request with any byte of its first chunk changed (${method})`, async () => {
      const { keyLength } = METHODS[method];
      const probes: (readonly [string, Wire])[] = [];
      for (let at = 0; at < keyLength + 34 + 14; at++) {
        const stream = validStream(method);
        stream[at] ^= 1 << (at % 8);
        probes.push([`byte ${at}`, await probe(portOf(method), stream)]);
      }
      await expectAllHeld(probes);
    });

    it(`holds a request that is cut anywhere in front of its end, and answers a FIN by FIN (${method})`, async () => {
      const { keyLength } = METHODS[method];
      const held: (readonly [string, Wire])[] = [];
      for (let length = 0; length < keyLength + 34 + 14; length++) {
        const stream = validStream(method).subarray(0, length);
        held.push([`${length} bytes`, await probe(portOf(method), stream)]);
        const finished = await probe(portOf(method), stream);
        finished.finish();
        expect(await finished.end(), `${length} bytes and FIN`).to.equal('fin');
        expect(finished.lifeMs, `${length} bytes and FIN`).to.be.lessThan(1000);
        expect(finished.receivedLength).to.equal(0);
      }
      await expectAllHeld(held);
    });
  }

  it('holds addresses that are none, and empty chunks in their place', async () => {
    const plaintexts = ['05', '00', '0300', '0301200050', '02c000020701bb', 'ff'];
    const probes: (readonly [string, Wire])[] = [];
    for (const plaintext of plaintexts) {
      const sealer = new OracleSealer('aes-256-gcm', PASSWORD);
      const stream = Buffer.concat([sealer.salt, sealer.chunk(Buffer.from(plaintext, 'hex')), randomBytes(50)]);
      probes.push([plaintext, await probe(portOf('aes-256-gcm'), stream)]);
    }
    const sealer = new OracleSealer('aes-256-gcm', PASSWORD);
    probes.push([
      'empty',
      await probe(portOf('aes-256-gcm'), Buffer.concat([sealer.salt, sealer.chunk(Buffer.alloc(0))])),
    ]);
    await expectAllHeld(probes);
  });

  it('holds a megabyte, and bytes that come one by one, to the same time', async () => {
    const port = portOf('aes-256-gcm');
    const much = await probe(port, randomBytes(MIB));
    const slow = await probe(port, Buffer.alloc(0));
    const timer = setInterval(() => slow.send(randomBytes(1)), 20);
    stage.onClose(() => clearInterval(timer));
    const late = await probe(port, Buffer.alloc(0));
    setTimeout(() => late.send(randomBytes(500)), PROBE_TIMEOUT_MS / 2);
    await expectAllHeld([
      ['a megabyte', much],
      ['slowly', slow],
      ['late', late],
    ]);
  });

  it('goes on discarding after its FIN', async () => {
    const wire = await probe(portOf('aes-256-gcm'), randomBytes(100));
    await expectHeld(wire, 'random bytes');
    for (let i = 0; i < 10; i++) {
      wire.send(randomBytes(10_000));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(wire.ended).to.equal('fin');
  });

  it('sends nothing for a chunk that was changed later in the stream, and its FIN late', async () => {
    for (const at of [0, 20]) {
      const sealer = new OracleSealer('aes-256-gcm', PASSWORD);
      const quiet = await Listener.open();
      stage.onClose(() => quiet.close());
      const address = socksRequest('127.0.0.1', quiet.port).subarray(3);
      const first = Buffer.concat([sealer.salt, sealer.chunk(Buffer.concat([address, Buffer.from('good')]))]);
      const bad = sealer.chunk(Buffer.from('changed'));
      bad[at] ^= 1;
      const wire = await probe(portOf('aes-256-gcm'), first);
      const far = await quiet.next();
      await far.bytes(4);
      wire.send(Buffer.concat([bad, randomBytes(1000)]));
      await far.end();
      expect(far.received.toString()).to.equal('good');
      expect([await wire.end(), wire.receivedLength]).to.deep.equal(['fin', 0]);
      expect(wire.lifeMs).to.be.greaterThan(PROBE_TIMEOUT_MS - TOLERANCE_MS);
    }
  });

  it('serves those who have the key all the while', async () => {
    for (let i = 0; i < 300; i++) await probe(portOf('aes-256-gcm'), randomBytes(1 + i));
    const local = await stage.local([portOf('aes-256-gcm')]);
    const program = await stage.through(local.addresses[0].port, target.port);
    expect((await program.bytes(12 + 16)).subarray(12).toString()).to.equal('never to be seen');
  });

  it('holds nobody past a number of them: the oldest gets its FIN', async function () {
    this.timeout(60_000);
    const patient = await stage.server({ probeTimeoutMs: 60_000 });
    const [{ port }] = patient.addresses;
    const wires: Wire[] = [];
    for (let i = 0; i < 4096; i++) wires.push(await probe(port, randomBytes(60)));
    await stage.quiet();
    expect(wires[0].ended).to.equal(undefined);
    await probe(port, randomBytes(60));
    expect(await wires[0].end()).to.equal('fin');
    expect(wires[1].ended).to.equal(undefined);
  });
});
