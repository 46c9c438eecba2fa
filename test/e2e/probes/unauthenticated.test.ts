/**
 * What somebody without the key learns from a server whose method authenticates nothing. Random bytes decrypt to an address once in about a
 * hundred times, and a changed stream is a stream: so no server can hold every probe, and what the other tests of probes say does not
 * hold for these. Where no address comes out nothing differs, and that is tested here.
 *
 *   any bytes, any number of them, silence     held, where they decrypt to no address
 *   a request cut short before its payload     held; FIN for FIN
 *   a request sent again                       held, the target not contacted; not so with `none`, which has no IV
 *   an answer sent to the server               held; a request sent back to the client: refused
 *   a changed byte                             no row: it may name another target, or change what that is sent
 *   an answer in the place of another one      no row: nothing ties it to its request
 *   a target that cannot be reached            FIN at once, for clients' sake
 */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { STREAM_METHODS } from '../../../src/config/types.js';
import { METHODS } from '../../../src/crypto/methods.js';
import type { Running } from '../../../src/umbra.js';
import { expectHeld, PROBE_TIMEOUT_MS, type Probe } from '../../support/probe-stage.js';
import { endpoint, PASSWORD, Stage, socksRequest } from '../../support/proxy-pair.js';
import { oracleStream } from '../../support/stream-oracle.js';
import { Listener, refusingPort, type Wire } from '../../support/wire.js';

/** `plain` is `none` by another name. */
const TRIED = [...STREAM_METHODS, 'none'] as const;
type Tried = (typeof TRIED)[number];

/** Of the lengths that probers are known to use, some of each kind, and both sides of an IV with the shortest address. */
const LENGTHS = [1, 7, 8, 9, 12, 14, 15, 16, 17, 19, 22, 23, 24, 34, 41, 50, 221, 221, 255, 256, 4096, 16_384, 65_537];

const OTHER_PROTOCOLS: readonly Buffer[] = [
  Buffer.concat([Buffer.from('16030100f8010000f40303', 'hex'), Buffer.alloc(242, 0x5c)]),
  Buffer.from('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n'),
  Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'),
  Buffer.from('050100', 'hex'),
];

describe('a server that is probed, with a method that authenticates nothing', () => {
  const stage = new Stage();
  let server: Running;
  let target: Listener;

  beforeEach(async () => {
    const listen = TRIED.map((method) => endpoint(0, method));
    server = await stage.server({ listen, probeTimeoutMs: PROBE_TIMEOUT_MS });
    target = await Listener.open((wire) => wire.send('an answer'));
    stage.onClose(() => target.close());
  });

  afterEach(() => stage.close());

  async function send(method: Tried, bytes: Uint8Array): Promise<Wire> {
    const wire = await stage.wire(server.addresses[TRIED.indexOf(method)].port);
    if (bytes.length > 0) wire.send(bytes);
    return wire;
  }

  async function probe(what: string, method: Tried, bytes: Uint8Array): Promise<Probe> {
    return { what: `${method}: ${what}`, wire: await send(method, bytes) };
  }

  /** Random bytes of this length as they come to a server, of which no address comes out. */
  function randomProbe(method: Tried, length: number): Buffer {
    const plaintext = randomBytes(length);
    while ([1, 3, 4].includes(plaintext[0])) plaintext[0]++;
    return oracleStream(method, PASSWORD, plaintext).subarray(0, length);
  }

  function request(method: Tried, port: number): Buffer {
    return oracleStream(method, PASSWORD, Buffer.concat([socksRequest('127.0.0.1', port).subarray(3), randomBytes(9)]));
  }

  it('holds random bytes of any length, silence, other protocols and addresses that are none', async () => {
    const probes: Probe[] = [];
    for (const method of TRIED) {
      probes.push(await probe(`silence`, method, Buffer.alloc(0)));
      for (const length of LENGTHS) {
        probes.push(await probe(`${length} bytes`, method, randomProbe(method, length)));
      }
      for (const bytes of OTHER_PROTOCOLS) probes.push(await probe(`${bytes}`, method, bytes));
      for (const plaintext of ['05', '00', '0300', '0301200050', '11c000020701bb', 'ff']) {
        const bytes = oracleStream(method, PASSWORD, Buffer.from(plaintext, 'hex'));
        probes.push(await probe(`${plaintext}`, method, bytes));
      }
    }
    await Promise.all(probes.map(expectHeld));
    const { outcomes } = await server.statistics();
    expect(Object.keys(outcomes).sort()).to.deep.equal(['ERR_ADDRESS', 'ERR_HANDSHAKE_TIMEOUT']);
  });

  it('holds a request that is cut anywhere in its address, and answers a FIN by FIN', async () => {
    const held: Probe[] = [];
    for (const method of TRIED) {
      const whole = request(method, target.port);
      for (let length = 0; length < whole.length - 9; length++) {
        held.push(await probe(`${length} bytes`, method, whole.subarray(0, length)));
      }
      const finished = await send(method, whole.subarray(0, whole.length - 10));
      finished.finish();
      expect(await finished.end(), method).to.equal('fin');
      expect([finished.receivedLength, finished.lifeMs < PROBE_TIMEOUT_MS / 2]).to.deep.equal([0, true]);
    }
    await Promise.all(held.map(expectHeld));
    expect(target.wires).to.have.length(0);
  });

  it('holds a request that is sent again and an answer that is sent back, and a refused target is a FIN', async () => {
    const held: Probe[] = [];
    const refusing = await refusingPort();
    for (const method of TRIED) {
      const refused = await send(method, request(method, refusing));
      expect([await refused.end(), refused.receivedLength], method).to.deep.equal(['fin', 0]);
      if (method === 'none') continue;

      const bytes = request(method, target.port);
      const first = await send(method, bytes);
      const answer = await first.bytes(METHODS[method].ivLength + 'an answer'.length);
      held.push(await probe(`replay`, method, bytes));
      held.push(await probe(`reflection`, method, answer));
    }
    await Promise.all(held.map(expectHeld));
    expect(target.wires, 'one connection a method').to.have.length(TRIED.length - 1);
  });

  it('is no server to a client that gets its request back', async () => {
    for (const method of ['aes-256-cfb', 'chacha20'] as const) {
      const mirror = await Listener.open((wire) => wire.socket.pipe(wire.socket));
      stage.onClose(() => mirror.close());
      const local = await stage.local([mirror.port], { method });
      const program = await stage.through(local.addresses[0].port, target.port);
      const before = program.receivedLength;
      program.send('a question');
      expect(await program.end()).to.equal('reset');
      expect(program.receivedLength - before, 'bytes that came').to.equal(0);
    }
  });
});
