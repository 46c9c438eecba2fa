/** Client and server together, over real sockets: what a program and its destination see of each other. */

import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { MethodName } from '../../src/config/types.js';
import { AEAD_METHODS, endpoint, GREETING, SOCKS_REPLY_LENGTH, Stage, socksRequest } from '../support/proxy-pair.js';
import { Listener, type Wire } from '../support/wire.js';

const MIB = 1024 * 1024;
/** The others of their kind differ in the cipher alone. */
const METHODS: readonly MethodName[] = [...AEAD_METHODS, 'aes-256-cfb', 'salsa20', 'none'];

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What came behind the SOCKS reply. */
function answer(wire: Wire): Buffer {
  return wire.received.subarray(SOCKS_REPLY_LENGTH);
}

describe('client and server together', () => {
  const stage = new Stage();

  async function origin(onWire?: (wire: Wire) => void): Promise<Listener> {
    const listener = await Listener.open(onWire);
    stage.onClose(() => listener.close());
    return listener;
  }

  afterEach(() => stage.close());

  for (const method of METHODS) {
    it(`move 8 MiB up and down at once, unchanged (${method})`, async () => {
      const inlet = await stage.pair(method);
      const [up, down] = [randomBytes(8 * MIB + 1), randomBytes(8 * MIB + 7)];
      const target = await origin((wire) => wire.finish(down));
      const program = await stage.through(inlet, target.port);
      program.finish(up);
      const far = await target.next();
      expect(await program.end()).to.equal('fin');
      expect(await far.end()).to.equal('fin');
      expect(sha256(answer(program))).to.equal(sha256(down));
      expect(sha256(far.received)).to.equal(sha256(up));
    });
  }

  it('answer a program that sends greeting, request and payload in one segment', async () => {
    const inlet = await stage.pair();
    const target = await origin((wire) => wire.socket.pipe(wire.socket));
    const program = await stage.wire(inlet);
    program.finish(Buffer.concat([GREETING, socksRequest('127.0.0.1', target.port), Buffer.from('all at once')]));
    await program.end();
    expect(answer(program).toString()).to.equal('all at once');
  });

  it('answer a program that sends its handshake byte by byte', async () => {
    const inlet = await stage.pair();
    const target = await origin((wire) => wire.socket.pipe(wire.socket));
    const program = await stage.wire(inlet);
    for (const byte of Buffer.concat([GREETING, socksRequest('127.0.0.1', target.port)])) {
      program.send(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    await program.bytes(SOCKS_REPLY_LENGTH);
    program.finish('slowly');
    await program.end();
    expect(answer(program).toString()).to.equal('slowly');
  });

  it('let a destination speak first', async () => {
    const inlet = await stage.pair();
    const target = await origin((wire) => wire.send('220 welcome\r\n'));
    const program = await stage.through(inlet, target.port);
    await program.bytes(SOCKS_REPLY_LENGTH + 13);
    expect(answer(program).toString()).to.equal('220 welcome\r\n');
  });

  it('deliver the words of a destination that closes at once', async () => {
    const inlet = await stage.pair();
    const target = await origin((wire) => wire.socket.destroySoon());
    for (let i = 0; i < 20; i++) {
      const program = await stage.through(inlet, target.port);
      expect(await program.end()).to.equal('fin');
    }
    const speaking = await origin((wire) => wire.finish('bye'));
    for (let i = 0; i < 20; i++) {
      const program = await stage.through(inlet, speaking.port);
      expect(await program.end()).to.equal('fin');
      expect(answer(program).toString()).to.equal('bye');
    }
  });

  it('answer a program that ends its side first', async () => {
    const inlet = await stage.pair();
    const target = await origin();
    const program = await stage.through(inlet, target.port);
    program.finish('question');
    const far = await target.next();
    expect(await far.text()).to.equal('question');
    expect(program.ended).to.equal(undefined);
    far.finish('answer');
    expect(await program.end()).to.equal('fin');
    expect(answer(program).toString()).to.equal('answer');
  });

  it('take the rest of what a program sends to a destination that ended its side first', async () => {
    const inlet = await stage.pair();
    const target = await origin((wire) => wire.finish('no more questions'));
    const program = await stage.through(inlet, target.port);
    expect(await program.end()).to.equal('fin');
    program.finish('one more thing');
    expect(await (await target.next()).text()).to.equal('one more thing');
  });

  it('reach IPv4 and IPv6 addresses and names', async () => {
    const server = await stage.server({ egressAllow: ['127.0.0.0/8', '::1/128'] });
    const [inlet] = (await stage.local([server.addresses[0].port])).addresses;
    const four = await origin((wire) => wire.finish('four'));
    const six = await Listener.open((wire) => wire.finish('six'), '::1');
    stage.onClose(() => six.close());
    const ipv6Request = Buffer.concat([
      Buffer.of(5, 1, 0, 4, ...Array(15).fill(0), 1),
      Buffer.of(six.port >> 8, six.port & 0xff),
    ]);
    const requests = [
      [socksRequest('127.0.0.1', four.port), 'four'],
      [socksRequest('localhost', four.port), 'four'],
      [ipv6Request, 'six'],
      [socksRequest('::1', six.port), 'six'],
    ] as const;
    for (const [request, expected] of requests) {
      const program = await stage.wire(inlet.port);
      program.send(Buffer.concat([GREETING, request]));
      expect(await program.end()).to.equal('fin');
      expect(answer(program).toString()).to.equal(expected);
    }
  });

  it('listen on IPv6 and meet over it', async () => {
    const host = '::1';
    const server = await stage.server({ listen: [{ host, port: 0, method: 'aes-128-gcm', password: 'six' }] });
    const servers = [{ host, port: server.addresses[0].port, method: 'aes-128-gcm', password: 'six' } as const];
    const local = await stage.local([], { servers, inlets: [{ host: '::', port: 0, users: [] }] });
    const target = await origin((wire) => wire.finish('over six'));
    const program = await stage.through(local.addresses[0].port, target.port);
    await program.end();
    expect(answer(program).toString()).to.equal('over six');
  });

  it('serve several ports with methods of their own, on several threads', async () => {
    const listen = AEAD_METHODS.map((method) => endpoint(0, method));
    const server = await stage.server({ listen, workers: 2 });
    expect(new Set(server.addresses.map((address) => address.port)).size).to.equal(listen.length);
    const target = await origin((wire) => wire.socket.pipe(wire.socket));
    for (const [i, { method }] of listen.entries()) {
      const servers = [endpoint(server.addresses[i].port, method)];
      const inlets = [1, 2].map(() => ({ host: '127.0.0.1', port: 0, users: [] }));
      const local = await stage.local([], { servers, inlets, workers: 2 });
      for (const { port } of local.addresses) {
        const programs = await Promise.all(Array.from({ length: 8 }, () => stage.through(port, target.port)));
        for (const program of programs) program.finish(method);
        for (const program of programs) {
          await program.end();
          expect(answer(program).toString()).to.equal(method);
        }
      }
    }
    const { connections, activeConnections, outcomes } = await server.statistics();
    expect(connections).to.equal(listen.length * 16);
    expect(activeConnections).to.equal(0);
    expect(outcomes).to.deep.equal({ OK: connections });
  });

  describe('asked by SOCKS', () => {
    const users = [{ user: 'alice', password: 'wonderland' }];

    function credentials(user: string, password: string): Buffer {
      return Buffer.concat([
        Buffer.of(1, user.length),
        Buffer.from(user),
        Buffer.of(password.length),
        Buffer.from(password),
      ]);
    }

    it('let in who has the right password, and nobody else', async () => {
      const server = await stage.server();
      const inlets = [{ host: '127.0.0.1', port: 0, users }];
      const local = await stage.local([server.addresses[0].port], { inlets });
      const { port } = local.addresses[0];
      const target = await origin((wire) => wire.finish('in'));
      const request = socksRequest('127.0.0.1', target.port);
      const right = await stage.wire(port);
      right.send(Buffer.concat([Buffer.of(5, 2, 0, 2), credentials('alice', 'wonderland'), request]));
      await right.end();
      expect(right.received.toString('hex')).to.equal(
        `05020100${'05000001000000000000'}${Buffer.from('in').toString('hex')}`,
      );
      const refused: readonly (readonly [Buffer, string])[] = [
        [Buffer.concat([Buffer.of(5, 1, 2), credentials('alice', 'Wonderland'), request]), '05020101'],
        [Buffer.concat([Buffer.of(5, 1, 2), credentials('bob', 'wonderland'), request]), '05020101'],
        [Buffer.concat([Buffer.of(5, 1, 0), request]), '05ff'],
      ];
      for (const [bytes, reply] of refused) {
        const program = await stage.wire(port);
        program.send(bytes);
        expect(await program.end()).to.equal('fin');
        expect(program.received.toString('hex')).to.equal(reply);
      }
      expect(target.wires).to.have.length(1);
    });

    for (const [name, command] of [
      ['BIND', 2],
      ['UDP ASSOCIATE', 3],
      ['a command that does not exist', 9],
    ] as const) {
      it(`answer ${name} with 07, and close`, async () => {
        const inlet = await stage.pair();
        const program = await stage.wire(inlet);
        program.send(Buffer.concat([GREETING, socksRequest('127.0.0.1', 80, command)]));
        expect(await program.end()).to.equal('fin');
        expect(program.received.toString('hex')).to.equal('050005070001000000000000');
      });
    }
  });

  it('keep a payload, a password and a key out of their logs', async () => {
    const inlet = await stage.pair();
    const target = await origin((wire) => wire.socket.pipe(wire.socket));
    const program = await stage.through(inlet, target.port);
    program.finish('a secret that is told');
    await program.end();
    const refused = await stage.wire(inlet);
    refused.finish('no socks');
    await refused.end();
    await stage.logged('connection', 3);
    const text = JSON.stringify(stage.logLines);
    expect(text).not.to.match(/secret|between friends/);
  });
});
