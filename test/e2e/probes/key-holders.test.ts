/** Clients who have the key and something else wrong: some are held as if they had none, since they may be replayers; others get a FIN. */

import { expect } from 'chai';
import { AEAD_2017_METHODS, AEAD_2022_METHODS } from '../../../src/config/types.js';
import { OracleSealer, oracleAddress } from '../../support/aead-oracle.js';
import { DIALECTS } from '../../support/dialects.js';
import { expectHeld, type Probe, ProbeStage } from '../../support/probe-stage.js';
import { endpoint, PASSWORD, Stage, secretOf } from '../../support/proxy-pair.js';
import { type OracleRequest, OracleSealer2022 } from '../../support/sip022-oracle.js';
import { refusingPort } from '../../support/wire.js';

const BAD_ADDRESSES = ['05', '00', '0300', '0301200050', '11c000020701bb', 'ff'];

describe('a server whose client has the key', () => {
  let stage: ProbeStage;

  before(async () => {
    stage = await ProbeStage.open();
  });

  after(() => stage.close());

  it('holds addresses that are none, and empty chunks in their place (AEAD 2017)', async () => {
    const probes: Probe[] = [];
    for (const method of AEAD_2017_METHODS) {
      for (const plaintext of BAD_ADDRESSES) {
        const sealer = new OracleSealer(method, PASSWORD);
        const stream = Buffer.concat([sealer.salt, sealer.chunk(Buffer.from(plaintext, 'hex')), Buffer.alloc(50)]);
        probes.push(await stage.probe(`${method}: ${plaintext}`, method, stream));
      }
      const sealer = new OracleSealer(method, PASSWORD);
      const stream = Buffer.concat([sealer.salt, sealer.chunk(Buffer.alloc(0))]);
      probes.push(await stage.probe(`${method}: empty`, method, stream));
    }
    await Promise.all(probes.map(expectHeld));
  });

  it('holds headers that are none, or of another time (2022)', async () => {
    const address = oracleAddress('127.0.0.1', stage.target.port);
    const payload = Buffer.from('payload');
    const requests: Readonly<Record<string, OracleRequest>> = {
      'from 31 s ago': { address, payload, aheadS: -31 },
      'in 32 s': { address, payload, aheadS: 32 },
      'of the type of an answer': { address, payload, type: 1 },
      'of no type': { address, payload, type: 255 },
      'with neither padding nor payload': { address },
      'with more padding than there is': { address, payload, saidPadding: 8 },
      'for a server with users': { address, payload, identityKey: Buffer.alloc(16, 1) },
    };
    const probes: Probe[] = [];
    for (const method of AEAD_2022_METHODS) {
      const key = Buffer.from(secretOf(method), 'base64');
      const send = async (what: string, request: OracleRequest): Promise<void> => {
        const identity = request.identityKey === undefined ? {} : { identityKey: Buffer.alloc(key.length, 1) };
        const stream = new OracleSealer2022(method, key).request({ ...request, ...identity });
        probes.push(await stage.probe(`${method}: ${what}`, method, stream));
      };
      for (const [what, request] of Object.entries(requests)) await send(what, request);
      for (const bad of BAD_ADDRESSES) await send(bad, { address: Buffer.from(bad, 'hex'), payload });
    }
    await Promise.all(probes.map(expectHeld));
    expect(stage.target.wires).to.have.length(0);
  });

  it('holds users that it does not know, and who comes without a name (2022)', async () => {
    const method = '2022-blake3-aes-256-gcm';
    const [server, known, unknown] = [1, 2, 3].map((fill) => Buffer.alloc(32, fill));
    const users = [{ name: 'known', password: known.toString('base64') }];
    const listen = [{ ...endpoint(0, method), password: server.toString('base64'), users }];
    const own = new Stage();
    const [{ port }] = (await own.server({ listen, probeTimeoutMs: 1000 })).addresses;
    const request = { address: oracleAddress('127.0.0.1', stage.target.port), payload: Buffer.from('payload') };
    const streams: Readonly<Record<string, Buffer>> = {
      'an unknown user': new OracleSealer2022(method, unknown).request({ ...request, identityKey: server }),
      'a user of another server': new OracleSealer2022(method, known).request({ ...request, identityKey: unknown }),
      'a user without a header': new OracleSealer2022(method, known).request(request),
      'the server itself': new OracleSealer2022(method, server).request(request),
    };
    const probes: Probe[] = [];
    for (const [what, stream] of Object.entries(streams)) {
      const wire = await own.wire(port);
      wire.send(stream);
      probes.push({ what, wire });
    }
    await Promise.all(probes.map(expectHeld));
    await own.close();
  });

  it('gets a FIN, and no reset, where its target refuses', async () => {
    const port = await refusingPort();
    for (const dialect of DIALECTS) {
      const wire = await stage.send(dialect.method, stage.begin(dialect, port).first);
      expect([await wire.end(), wire.receivedLength], dialect.method).to.deep.equal(['fin', 0]);
      expect(wire.lifeMs, dialect.method).to.be.lessThan(900);
    }
  });
});
