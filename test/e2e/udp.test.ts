/** Datagrams through client and server together: SOCKS5 associations, tunnels, what is dropped, and what is left when they end. */

import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { MethodName, ShadowsocksEndpoint } from '../../src/config/types.js';
import type { Running } from '../../src/umbra.js';
import { openDescriptors } from '../support/open-descriptors.js';
import { endpoint, Stage } from '../support/proxy-pair.js';
import { freePort } from '../support/proxy-process.js';
import { AssociatedProgram, UdpPeer } from '../support/udp.js';

const BOTH = 'tcp_and_udp';
const METHODS: readonly MethodName[] = ['2022-blake3-chacha20-poly1305'];

describe('datagrams through both ends', () => {
  const stage = new Stage();

  function udpEndpoint(port: number, method: MethodName): ShadowsocksEndpoint {
    return { ...endpoint(port, method), mode: BOTH };
  }

  async function server(
    method: MethodName = 'aes-256-gcm',
    settings: Parameters<Stage['server']>[0] = {},
  ): Promise<Running> {
    return stage.server({ listen: [udpEndpoint(0, method)], egressAllow: ['127.0.0.0/8', '::1/128'], ...settings });
  }

  async function local(
    port: number,
    method: MethodName = 'aes-256-gcm',
    settings: Parameters<Stage['local']>[1] = {},
  ): Promise<Running> {
    const inlets = [{ host: '127.0.0.1', port: 0, users: [], mode: BOTH } as const];
    return stage.local([], { servers: [udpEndpoint(port, method)], inlets, ...settings });
  }

  async function program(
    inlet: Running,
    ...rest: [string?, { host: string; port: number }?]
  ): Promise<AssociatedProgram> {
    const made = await AssociatedProgram.begin(inlet.addresses[0], ...rest);
    stage.onClose(() => made.close());
    return made;
  }

  async function peer(address?: string): Promise<UdpPeer> {
    const made = await UdpPeer.open(address);
    stage.onClose(() => made.close());
    return made;
  }

  async function echo(address?: string): Promise<UdpPeer> {
    const made = await UdpPeer.echo(address);
    stage.onClose(() => made.close());
    return made;
  }

  /** The server of that pair. */
  function farEnd(): ShadowsocksEndpoint {
    return udpEndpoint(there.addresses[0].port, 'aes-256-gcm');
  }

  /** One pair that most tests share, for a pair takes half a second to start. */
  const common = new Stage();
  let here: Running;
  let there: Running;

  before(async () => {
    const listen = [{ ...udpEndpoint(0, 'aes-256-gcm'), host: '::' }];
    there = await common.server({ listen, egressAllow: ['127.0.0.0/8', '::1/128'] });
    const servers = [{ ...udpEndpoint(there.addresses[0].port, 'aes-256-gcm'), host: '::1' }];
    const inlets = ['127.0.0.1', '::1'].map((host) => ({ host, port: 0, users: [], mode: BOTH }) as const);
    here = await common.local([], { servers, inlets });
  });

  after(() => common.close());

  afterEach(() => stage.close());

  for (const method of METHODS) {
    it(`come back the same with ${method}: none, few, many, and many bytes`, async () => {
      const far = await server(method);
      const one = await program(await local(far.addresses[0].port, method));
      const target = await echo();
      for (const length of [0, 1, 512, 1472, 9000, 60_000]) {
        const data = randomBytes(length);
        one.send(data, target.port);
        const answer = await one.next();
        expect(createHash('sha256').update(answer.data).digest('hex')).to.equal(
          createHash('sha256').update(data).digest('hex'),
        );
        expect(answer.from).to.deep.equal({ host: '127.0.0.1', port: target.port });
      }
      const texts = Array.from({ length: 100 }, (_, i) => `packet ${i}`);
      for (const text of texts) one.send(text, target.port);
      const answers: string[] = [];
      while (answers.length < texts.length) answers.push((await one.next()).text);
      expect(answers).to.deep.equal(texts);
    });
  }

  it('go to names, which are looked up at the server, and the answer says the address', async () => {
    const one = await program(here);
    const target = await echo();
    for (const text of ['one', 'two', 'three']) one.send(text, target.port, 'localhost');
    for (const text of ['one', 'two', 'three']) {
      expect(await one.next()).to.include({ text });
    }
    one.send('lost', target.port, 'no-such-name.invalid');
    one.send('found', target.port, 'localhost');
    expect(await one.next()).to.deep.include({ text: 'found', from: { host: '127.0.0.1', port: target.port } });
  });

  it('go over IPv6 on either side', async () => {
    const one = await AssociatedProgram.begin(here.addresses[1]);
    stage.onClose(() => one.close());
    expect(one.relay.host).to.match(/^(0+:)+0*1$/);
    const [ipv4, ipv6] = [await echo(), await echo('::1')];
    one.send('six', ipv6.port, '::1');
    expect((await one.next()).text).to.equal('six');
    one.send('four', ipv4.port);
    expect((await one.next()).text).to.equal('four');
  });

  it('leave from one port for all destinations, and anybody may answer there', async () => {
    const one = await program(here);
    const targets = [await peer(), await peer(), await peer()];
    one.send('a', targets[0].port);
    one.send('b', targets[1].port);
    const [first, second] = [await targets[0].next(), await targets[1].next()];
    expect(first.from).to.deep.equal(second.from);
    targets[2].send('unasked', first.from.port);
    expect(await one.next()).to.deep.include({ text: 'unasked', from: { host: '127.0.0.1', port: targets[2].port } });
  });

  it('of other programs, ports and machines are dropped, as are fragments and what is not whole', async () => {
    const before = (await here.statistics()).udp.drops;
    const one = await program(here);
    const target = await peer();
    const frame = (text: string): Buffer =>
      Buffer.concat([Buffer.of(0, 0, 0, 1, 127, 0, 0, 1, target.port >> 8, target.port & 255), Buffer.from(text)]);
    const stranger = await peer('127.0.0.2');
    stranger.send(frame('another address'), one.relay.port);
    one.sendRaw(frame('first'));
    expect(await target.nextText()).to.equal('first');
    const otherPort = await peer();
    otherPort.send(frame('another port'), one.relay.port);
    for (const [at, value] of [
      [2, 1],
      [2, 0x81],
      [0, 1],
      [1, 1],
      [3, 2],
      [3, 0],
    ]) {
      const bad = frame('bad');
      bad[at] = value;
      one.sendRaw(bad);
    }
    for (const length of [0, 1, 2, 3, 4, 9]) one.sendRaw(frame('').subarray(0, length));
    one.sendRaw(Buffer.of(0, 0, 0, 3, 0, 0, 80, 1));
    one.sendRaw(frame('last'));
    expect(await target.nextText()).to.equal('last');
    await target.silence();
    const after = (await here.statistics()).udp.drops;
    expect(after.fragment - before.fragment).to.equal(2);
    expect(after.source - before.source).to.equal(1);
    expect(after.malformed + after.address - before.malformed - before.address).to.equal(11);
  });

  it('are taken from the port that the program announced, and no other', async () => {
    const target = await peer();
    const announced = await peer();
    const one = await program(here, '127.0.0.1', { host: '127.0.0.1', port: announced.port });
    one.send('from another port', target.port);
    announced.send(
      Buffer.concat([Buffer.of(0, 0, 0, 1, 127, 0, 0, 1, target.port >> 8, target.port & 255, 65)]),
      one.relay.port,
    );
    expect(await target.nextText()).to.equal('A');
    await target.silence();
  });

  it('end with the connection that asked for them, within a second', async () => {
    const one = await program(here);
    const target = await peer();
    one.send('before', target.port);
    const { from } = await target.next();
    const closedMs = performance.now();
    one.control.destroy();
    while ((await here.statistics()).udp.activeAssociations > 0) expect(performance.now() - closedMs).to.be.below(1000);
    one.send('after', target.port);
    target.send('answer', from.port);
    await target.silence();
    await one.peer.silence(1);
  });

  it('of several programs leave from a port each', async () => {
    const target = await peer();
    const ports = new Set<number>();
    for (let i = 0; i < 3; i++) {
      const one = await program(here);
      one.send('x', target.port);
      ports.add((await target.next()).from.port);
    }
    expect(ports.size).to.equal(3);
  });

  it('through a tunnel go to its one destination, for each program its own way back', async () => {
    const target = await echo();
    const forward = { host: '127.0.0.1', port: target.port };
    const inlets = [{ host: '127.0.0.1', port: 0, users: [], kind: 'tunnel', mode: 'udp_only', forward } as const];
    const tunnel = await local(0, 'aes-256-gcm', { inlets, servers: [farEnd()] });
    const programs = [await peer(), await peer()];
    for (const [i, each] of programs.entries()) each.send(`program ${i}`, tunnel.addresses[0].port);
    for (const [i, each] of programs.entries()) {
      expect(await each.next()).to.deep.include({ data: Buffer.from(`program ${i}`) });
    }
    programs[0].send('', tunnel.addresses[0].port);
    expect((await programs[0].next()).data.length).to.equal(0);
  });

  it('to forbidden destinations are dropped, in whatever form, one after the other', async () => {
    const strict = await server('aes-256-gcm', { egressAllow: ['127.0.0.2/32'] });
    const one = await program(await local(strict.addresses[0].port));
    const [forbidden, allowed] = [await peer(), await peer('127.0.0.2')];
    one.send('allowed', allowed.port, '127.0.0.2');
    expect(await allowed.nextText()).to.equal('allowed');
    for (const host of ['127.0.0.1', '::ffff:127.0.0.1', 'localhost', '0.0.0.0', '::1', '::']) {
      one.send(host, forbidden.port, host);
    }
    one.send('still', allowed.port, '127.0.0.2');
    expect(await allowed.nextText()).to.equal('still');
    await forbidden.silence();
    expect((await strict.statistics()).udp.drops.egress).to.equal(6);
  });

  it('that are too long once they are sealed are dropped and counted, and the next ones are not', async () => {
    const one = await program(here);
    const target = await peer();
    one.send(randomBytes(65_497), target.port);
    one.send('fits', target.port);
    const { data, from } = await target.next();
    expect(data.toString()).to.equal('fits');
    target.send(randomBytes(65_507), from.port);
    target.send('fits as well', from.port);
    expect((await one.next()).text).to.equal('fits as well');
    expect((await here.statistics()).udp.drops.oversized).to.equal(1);
    expect((await there.statistics()).udp.drops.oversized).to.equal(1);
  });

  it('are refused with 07 where UDP is off, at the inlet or at all servers', async () => {
    const off = await stage.local([farEnd().port]);
    const offThere = await local(0, 'aes-256-gcm', { servers: [endpoint(farEnd().port, 'aes-256-gcm')] });
    for (const inlet of [off, offThere]) {
      let failure = '';
      await program(inlet).catch((error: Error) => {
        failure = error.message;
      });
      expect(failure).to.match(/CommandNotSupported/i);
    }
  });

  it('are answered from the address that they were sent to, where a port has several', async () => {
    const hosts = ['0.0.0.0', '::'];
    const far = await server('aes-256-gcm', {
      listen: hosts.map((host) => ({ ...udpEndpoint(0, 'aes-256-gcm'), host })),
    });
    const target = await echo();
    const forward = { host: '127.0.0.1', port: target.port };
    const texts = Array.from({ length: 40 }, (_, i) => `packet ${i % 10}`);
    for (const { port } of far.addresses) {
      // The kernel, left alone, would answer from 127.0.0.1, and a connected socket would not take that.
      const servers = [{ ...udpEndpoint(port, 'aes-256-gcm'), host: '127.0.0.2' }];
      const inlets = [{ host: '0.0.0.0', port: 0, users: [], kind: 'tunnel', mode: 'udp_only', forward } as const];
      const near = await local(0, 'aes-256-gcm', { servers, inlets });
      const one = await peer();
      await new Promise<void>((resolve) => one.socket.connect(near.addresses[0].port, '127.0.0.3', resolve));
      for (const text of texts) one.socket.send(text);
      expect((await one.take(texts.length)).map(({ data }) => data.toString())).to.deep.equal(texts);
    }
  });

  it('end at once when the client or the server is stopped', async () => {
    const far = await server();
    const near = await local(far.addresses[0].port);
    const one = await program(near);
    const target = await echo();
    one.send('x', target.port);
    await one.next();
    const startMs = performance.now();
    await Promise.all([near.stop(5000), far.stop(5000)]);
    expect(performance.now() - startMs).to.be.below(2000);
    const ends = stage.logLines
      .filter(({ message }) => message === 'association')
      .map(({ fields }) => fields['reason']);
    expect(ends).to.deep.equal(['stopped', 'stopped']);
  });

  it('to a server that is away are refused and counted, and go again once it is there', async () => {
    const port = await freePort();
    const near = await local(port);
    const one = await program(near);
    const target = await echo();
    while ((await near.statistics()).udp.drops.refused === 0) one.send('nobody', target.port);
    await server('aes-256-gcm', { listen: [udpEndpoint(port, 'aes-256-gcm')] });
    const heard = one.next();
    let done = false;
    heard.then(() => {
      done = true;
    });
    while (!done) {
      one.send('somebody', target.port);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect((await heard).text).to.match(/body$/);
    expect((await near.statistics()).udp.activeAssociations).to.equal(1);
  });

  it('are counted by user where there are users', async () => {
    const method = '2022-blake3-aes-128-gcm';
    const key = (seed: number): string => Buffer.alloc(16, seed).toString('base64');
    const users = ['ann', 'bob'].map((name, i) => ({ name, password: key(10 + i) }));
    const own = { ...udpEndpoint(0, method), password: key(1) };
    const far = await server(method, { listen: [{ ...own, users }] });
    const password = `${key(1)}:${users[1].password}`;
    const near = await local(0, method, { servers: [{ ...own, port: far.addresses[0].port, password }] });
    const target = await echo();
    const one = await program(near);
    one.send('four', target.port);
    await one.next();
    await near.stop(0);
    await far.stop(0);
    const lines = stage.logLines.filter(({ fields }) => fields['user'] !== undefined);
    expect(lines.map(({ fields }) => [fields['user'], fields['up'], fields['down']])).to.deep.equal([['bob', 4, 4]]);
  });

  it('have no port where no server carries them', async () => {
    const forward = { host: '127.0.0.1', port: 9 };
    const inlets = [{ host: '127.0.0.1', port: 0, users: [], kind: 'tunnel', mode: BOTH, forward } as const];
    const servers = [endpoint(farEnd().port, 'aes-256-gcm')];
    const near = await local(0, 'aes-256-gcm', { inlets, servers });
    await stage.logged('no server carries UDP, so this port is closed for it');
    const again = await UdpPeer.open('127.0.0.1', near.addresses[0].port);
    again.close();
  });

  it('alone are carried where TCP is off', async () => {
    const only = await server('aes-256-gcm', { listen: [{ ...udpEndpoint(0, 'aes-256-gcm'), mode: 'udp_only' }] });
    const inlets = [{ host: '127.0.0.1', port: 0, users: [], mode: 'udp_only' } as const];
    const inlet = await local(only.addresses[0].port, 'aes-256-gcm', { inlets });
    const target = await echo();
    const one = await program(inlet);
    one.send('only', target.port);
    expect((await one.next()).text).to.equal('only');
    const wire = await stage.wire(inlet.addresses[0].port);
    wire.send(Buffer.of(5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80));
    expect([...(await wire.bytes(12))].slice(0, 4)).to.deep.equal([5, 0, 5, 7]);
    expect(
      await stage.wire(only.addresses[0].port).then(
        () => 'open',
        () => 'refused',
      ),
    ).to.equal('refused');
  });

  it('leave no descriptor and no association behind', async () => {
    const target = await echo();
    const before = openDescriptors();
    const far = await server();
    const near = await local(far.addresses[0].port);
    for (let i = 0; i < 5; i++) {
      const one = await AssociatedProgram.begin(near.addresses[0]);
      one.send('x', target.port);
      await one.next();
      one.close();
    }
    await stage.logged('association', 5);
    await near.stop(0);
    await far.stop(0);
    expect(stage.logLines.filter(({ message }) => message === 'association')).to.have.length(10);
    expect(openDescriptors()).to.equal(before);
  });

  it('make room for new associations by the one that was idle for longest, and end by themselves when idle', async () => {
    const small = await server('aes-256-gcm', { udpMaxAssociations: 2, udpTimeoutMs: 400 });
    const near = await local(small.addresses[0].port);
    const target = await peer();
    const ends = () =>
      stage.logLines.filter(({ fields }) => 'packetsUp' in fields).map(({ fields }) => fields['reason']);
    for (const text of ['a', 'b', 'c']) {
      (await program(near)).send(text, target.port);
      await target.next();
    }
    expect(ends()).to.deep.equal(['evicted']);
    await stage.logged('association', 3);
    expect(ends()).to.deep.equal(['evicted', 'idle', 'idle']);
    expect((await small.statistics()).udp).to.include({ associations: 3, activeAssociations: 0 });
  });
});
