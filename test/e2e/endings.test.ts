/** Connections that end badly: each end of them must learn it, and nobody else may notice. */

import { expect } from 'chai';
import type { Running } from '../../src/umbra.js';
import { OracleOpener, OracleSealer } from '../support/aead-oracle.js';
import { GREETING, PASSWORD, SOCKS_REPLY_LENGTH, Stage, socksRequest } from '../support/proxy-pair.js';
import { Listener, refusingPort, type Wire } from '../support/wire.js';

const METHOD = 'aes-256-gcm';

describe('connections that end badly', () => {
  const stage = new Stage();

  async function listener(onWire?: (wire: Wire) => void): Promise<Listener> {
    const opened = await Listener.open(onWire);
    stage.onClose(() => opened.close());
    return opened;
  }

  /** Both ends with a connection that is in use. */
  async function established(): Promise<{
    readonly server: Running;
    readonly local: Running;
    readonly program: Wire;
    readonly target: Wire;
    readonly inlet: number;
    readonly targetPort: number;
  }> {
    const server = await stage.server();
    const local = await stage.local([server.addresses[0].port]);
    const far = await listener();
    const inlet = local.addresses[0].port;
    const program = await stage.through(inlet, far.port);
    program.send('hello');
    const target = await far.next();
    await target.bytes(5);
    target.send('welcome');
    await program.bytes(SOCKS_REPLY_LENGTH + 7);
    return { server, local, program, target, inlet, targetPort: far.port };
  }

  async function idle(running: Running): Promise<void> {
    const deadlineMs = performance.now() + 5000;
    while ((await running.statistics()).activeConnections > 0) {
      if (performance.now() > deadlineMs) throw new Error('sessions are left');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  afterEach(() => stage.close());

  it('pass a reset of the program on to the destination', async () => {
    const { server, local, program, target } = await established();
    program.reset();
    expect(await target.end()).to.equal('reset');
    await idle(local);
    await idle(server);
    expect((await local.statistics()).outcomes).to.deep.equal({ ERR_RESET: 1 });
    expect((await server.statistics()).outcomes).to.deep.equal({ ERR_RESET: 1 });
  });

  it('pass a reset of the destination on to the program', async () => {
    const { server, local, program, target } = await established();
    target.reset();
    expect(await program.end()).to.equal('reset');
    await idle(local);
    await idle(server);
  });

  it('pass a reset on while much is on its way to the one that resets', async () => {
    for (const [who, other] of [
      ['target', 'program'],
      ['program', 'target'],
    ] as const) {
      const ends = await established();
      ends[who].socket.pause();
      ends[other].send(Buffer.alloc(16 * 1024 * 1024, 1));
      await stage.quiet();
      ends[who].reset();
      expect(await ends[other].end(), who).to.equal('reset');
      await idle(ends.local);
      await idle(ends.server);
      await stage.close();
    }
  });

  it('leave other connections as they are', async () => {
    const { program, target, inlet, targetPort } = await established();
    for (let i = 0; i < 30; i++) {
      const other = await stage.through(inlet, targetPort);
      other.send('x');
      if (i % 2 === 0) other.reset();
      else other.close();
    }
    program.finish('still here');
    await target.bytes(15);
    expect(target.received.toString()).to.equal('hellostill here');
    target.finish(' and here');
    await program.end();
    expect(program.received.subarray(SOCKS_REPLY_LENGTH).toString()).to.equal('welcome and here');
  });

  it('answer a program that ends, or resets, inside its handshake, and go on', async () => {
    const inlet = await stage.pair();
    const target = await listener((wire) => wire.finish('fine'));
    const whole = Buffer.concat([GREETING, socksRequest('127.0.0.1', target.port)]);
    for (let length = 0; length < whole.length; length++) {
      const ending = await stage.wire(inlet);
      ending.finish(whole.subarray(0, length));
      expect(await ending.end(), `${length} bytes`).to.equal('fin');
      const resetting = await stage.wire(inlet);
      resetting.send(whole.subarray(0, length));
      resetting.reset();
    }
    const program = await stage.through(inlet, target.port);
    await program.end();
    expect(program.received.subarray(SOCKS_REPLY_LENGTH).toString()).to.equal('fine');
  });

  describe('because of the server', () => {
    /** A client whose server is the test. */
    async function against(serve: (wire: Wire, sealer: OracleSealer) => void): Promise<Wire> {
      const fake = await listener((wire) => serve(wire, new OracleSealer(METHOD, PASSWORD)));
      const local = await stage.local([fake.port]);
      const program = await stage.through(local.addresses[0].port, 443, 'example.test');
      program.send('question');
      return program;
    }

    it('show the program a reset where the answer is cut inside a chunk', async () => {
      const program = await against((wire, sealer) => {
        const stream = Buffer.concat([
          sealer.salt,
          sealer.chunk(Buffer.from('whole')),
          sealer.chunk(Buffer.from('cut')),
        ]);
        wire.finish(stream.subarray(0, -1));
      });
      expect(await program.end()).to.equal('reset');
      const got = program.received.subarray(SOCKS_REPLY_LENGTH).toString();
      expect('whole'.startsWith(got)).to.equal(true);
    });

    it('show the program a reset where the answer was changed, and nothing of it', async () => {
      const program = await against((wire, sealer) => {
        const stream = Buffer.concat([sealer.salt, sealer.chunk(Buffer.from('changed'))]);
        stream[stream.length - 20] ^= 1;
        wire.send(stream);
      });
      expect(await program.end()).to.equal('reset');
      expect(program.receivedLength).to.equal(SOCKS_REPLY_LENGTH);
    });

    it('show the program a reset where the server resets', async () => {
      const program = await against((wire) => wire.socket.once('data', () => wire.reset()));
      expect(await program.end()).to.equal('reset');
    });

    it('show the program a clean end where the answer ends between chunks', async () => {
      const program = await against((wire, sealer) => {
        wire.finish(Buffer.concat([sealer.salt, sealer.chunk(Buffer.from('whole'))]));
      });
      expect(await program.end()).to.equal('fin');
      expect(program.received.subarray(SOCKS_REPLY_LENGTH).toString()).to.equal('whole');
    });
  });

  it('refuse by 05 where no server listens, and work once one does', async () => {
    const port = await refusingPort();
    const local = await stage.local([port]);
    const inlet = local.addresses[0].port;
    for (let i = 0; i < 3; i++) {
      const program = await stage.wire(inlet);
      program.send(Buffer.concat([GREETING, socksRequest('127.0.0.1', 80), Buffer.from('early')]));
      expect(await program.end()).to.equal('fin');
      expect(program.received.toString('hex')).to.equal('050005050001000000000000');
    }
    expect((await stage.logged('the server cannot be reached', 3))[0].fields).to.include({ reason: 'ECONNREFUSED' });
    const listen = [{ host: '127.0.0.1', port, method: METHOD, password: PASSWORD }] as const;
    await stage.server({ listen });
    const target = await listener((wire) => wire.finish('at last'));
    const program = await stage.through(inlet, target.port);
    await program.end();
    expect(program.received.subarray(SOCKS_REPLY_LENGTH).toString()).to.equal('at last');
  });

  it('use the second server where the first one refuses', async () => {
    const server = await stage.server();
    const local = await stage.local([await refusingPort(), server.addresses[0].port]);
    const target = await listener((wire) => wire.finish('by the second'));
    const program = await stage.through(local.addresses[0].port, target.port);
    await program.end();
    expect(program.received.subarray(SOCKS_REPLY_LENGTH).toString()).to.equal('by the second');
  });

  it('end a client by FIN whose target refuses, however much it has sent', async () => {
    const server = await stage.server();
    const client = await stage.wire(server.addresses[0].port);
    const sealer = new OracleSealer(METHOD, PASSWORD);
    const address = socksRequest('127.0.0.1', await refusingPort()).subarray(3);
    client.send(Buffer.concat([sealer.salt, sealer.chunk(address), sealer.chunks(Buffer.alloc(300_000))]));
    expect(await client.end()).to.equal('fin');
    expect(client.receivedLength).to.equal(0);
  });

  it('tell the destination that a request was cut short or changed', async () => {
    const server = await stage.server();
    const target = await listener();
    for (const change of ['cut', 'changed'] as const) {
      const client = await stage.wire(server.addresses[0].port);
      const sealer = new OracleSealer(METHOD, PASSWORD);
      const address = socksRequest('127.0.0.1', target.port).subarray(3);
      client.send(Buffer.concat([sealer.salt, sealer.chunk(Buffer.concat([address, Buffer.from('begin')]))]));
      const far = await target.next();
      await far.bytes(5);
      far.send('answer');
      expect(new OracleOpener(METHOD, PASSWORD).push(await client.bytes(32 + 34 + 6)).toString()).to.equal('answer');
      const rest = sealer.chunk(Buffer.from('the rest'));
      if (change === 'changed') rest[25] ^= 1;
      client.finish(change === 'cut' ? rest.subarray(0, 30) : rest);
      expect(await far.end(), change).to.equal('reset');
      expect(far.received.toString()).to.equal('begin');
      expect(await client.end(), change).to.equal('fin');
    }
  });
});
