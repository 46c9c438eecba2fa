/** Where a server lets its clients go: by default nowhere inside. */

import { expect } from 'chai';
import { OracleSealer } from '../support/aead-oracle.js';
import { PASSWORD, Stage, socksRequest } from '../support/proxy-pair.js';
import { Listener, type Wire } from '../support/wire.js';

const METHOD = 'aes-256-gcm';

/** ATYP, address, port. */
function ipv6(address: string, port: number): Buffer {
  return Buffer.concat([Buffer.from(`04${address}`, 'hex'), Buffer.of(port >> 8, port & 0xff)]);
}

function byName(name: string, port: number): Buffer {
  return Buffer.concat([Buffer.of(3, name.length), Buffer.from(name), Buffer.of(port >> 8, port & 0xff)]);
}

function ipv4(address: string, port: number): Buffer {
  return socksRequest(address, port).subarray(3);
}

const LOOPBACK6 = '00000000000000000000000000000001';
const MAPPED_LOOPBACK = '00000000000000000000ffff7f000001';

describe('the way out of a server', () => {
  const stage = new Stage();
  let four: Listener;
  let six: Listener;

  async function open(host: string): Promise<Listener> {
    const listener = await Listener.open((wire) => wire.send('inside'), host);
    stage.onClose(() => listener.close());
    return listener;
  }

  beforeEach(async () => {
    four = await open('127.0.0.1');
    six = await open('::1');
  });

  afterEach(() => stage.close());

  async function ask(port: number, address: Buffer): Promise<Wire> {
    const wire = await stage.wire(port);
    const sealer = new OracleSealer(METHOD, PASSWORD);
    wire.send(Buffer.concat([sealer.salt, sealer.chunk(Buffer.concat([address, Buffer.from('let me in')]))]));
    return wire;
  }

  it('is closed to everything inside by default', async () => {
    const server = await stage.server({ egressAllow: [] });
    const [{ port }] = server.addresses;
    const addresses: Readonly<Record<string, Buffer>> = {
      '127.0.0.1': ipv4('127.0.0.1', four.port),
      '127.1.2.3': ipv4('127.1.2.3', four.port),
      '0.0.0.0': ipv4('0.0.0.0', four.port),
      '10.0.0.1': ipv4('10.0.0.1', 80),
      '169.254.169.254': ipv4('169.254.169.254', 80),
      '192.168.1.1': ipv4('192.168.1.1', 80),
      '224.0.0.1': ipv4('224.0.0.1', 80),
      '::1': ipv6(LOOPBACK6, six.port),
      '::': ipv6('0'.repeat(32), six.port),
      '::ffff:127.0.0.1': ipv6(MAPPED_LOOPBACK, four.port),
      '::127.0.0.1': ipv6('0000000000000000000000007f000001', four.port),
      'fe80::1': ipv6('fe800000000000000000000000000001', 80),
      localhost: byName('localhost', four.port),
      'the name 127.0.0.1': byName('127.0.0.1', four.port),
      'the name ::1': byName('::1', six.port),
      'the name ::ffff:127.0.0.1': byName('::ffff:127.0.0.1', four.port),
    };
    for (const [what, address] of Object.entries(addresses)) {
      const wire = await ask(port, address);
      expect([await wire.end(), wire.receivedLength], what).to.deep.equal(['fin', 0]);
    }
    expect([...four.wires, ...six.wires]).to.have.length(0);
    expect((await server.statistics()).outcomes).to.deep.equal({ ERR_EGRESS: Object.keys(addresses).length });
  });

  it('is open where the settings say so, and only there', async () => {
    const server = await stage.server({ egressAllow: ['127.0.0.1/32'] });
    const [{ port }] = server.addresses;
    for (const address of [
      ipv4('127.0.0.1', four.port),
      ipv6(MAPPED_LOOPBACK, four.port),
      byName('127.0.0.1', four.port),
      byName('localhost', four.port),
    ]) {
      const wire = await ask(port, address);
      await wire.bytes(32 + 34 + 'inside'.length);
      expect(await (await four.next()).bytes(9)).to.satisfy((bytes: Buffer) => bytes.toString() === 'let me in');
    }
    for (const address of [ipv4('127.0.0.2', four.port), ipv6(LOOPBACK6, six.port), ipv4('0.0.0.0', four.port)]) {
      const wire = await ask(port, address);
      expect([await wire.end(), wire.receivedLength]).to.deep.equal(['fin', 0]);
    }
    expect(six.wires).to.have.length(0);
  });
});
