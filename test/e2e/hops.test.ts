/** Chains of SIP023 with umbra at every place: a client whose keys name two hops and a user, TCP and UDP, and who else gets through. */

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { NextHop, ShadowsocksEndpoint } from '../../src/config/types.js';
import type { Running } from '../../src/umbra.js';
import { HOP_METHODS, textOf } from '../support/hops.js';
import { SOCKS_REPLY_LENGTH, Stage } from '../support/proxy-pair.js';
import { AssociatedProgram, UdpPeer } from '../support/udp.js';
import { Listener } from '../support/wire.js';

const HOST = '127.0.0.1';
const METHOD = HOP_METHODS[1];

describe('a chain of hops', () => {
  const stage = new Stage();

  afterEach(() => stage.close());

  function newKey(method: ShadowsocksEndpoint['method']): string {
    return textOf(randomBytes(method.includes('256') ? 32 : 16));
  }

  function endpointWith(method: ShadowsocksEndpoint['method'], port: number, password: string): ShadowsocksEndpoint {
    return { host: HOST, port, method, password, mode: 'tcp_and_udp' };
  }

  async function hop(method: ShadowsocksEndpoint['method'], key: string, next: NextHop): Promise<Running> {
    return stage.server({
      listen: [{ ...endpointWith(method, 0, key), destinations: [next] }],
      egressAllow: [],
      probeTimeoutMs: 300,
    });
  }

  /** Client, two hops, a server with a user: behind a name, and behind an IPv6 address. */
  async function chain(method: ShadowsocksEndpoint['method']) {
    const [outer, inner, identity, own] = [1, 2, 3, 4].map(() => newKey(method));
    const users = [{ name: 'ann', password: own }];
    const listen = [{ ...endpointWith(method, 0, identity), host: '::1', users }];
    const server = await stage.server({ listen });
    const [{ port: serverPort }] = server.addresses;
    const second = await hop(method, inner, { name: 'server', host: '::1', port: serverPort, password: identity });
    const [{ port: secondPort }] = second.addresses;
    const first = await hop(method, outer, { name: 'second', host: 'localhost', port: secondPort, password: inner });
    const [{ port }] = first.addresses;
    return { server, second, first, port, keys: [outer, inner, identity, own] };
  }

  async function clientOf(
    method: ShadowsocksEndpoint['method'],
    port: number,
    keys: readonly string[],
  ): Promise<Running> {
    const servers = [endpointWith(method, port, keys.join(':'))];
    return stage.local([], { servers, inlets: [{ host: HOST, port: 0, users: [], mode: 'tcp_and_udp' }] });
  }

  for (const method of HOP_METHODS) {
    it(`carries TCP and UDP to a server's user (${method})`, async () => {
      const { server, first, port, keys } = await chain(method);
      const local = await clientOf(method, port, keys);
      const upload = randomBytes(200_000);
      const target = await Listener.open((wire) => {
        wire.socket.once('end', () => wire.finish(wire.received));
      });
      stage.onClose(() => target.close());
      const program = await stage.through(local.addresses[0].port, target.port);
      program.finish(upload);
      await program.end();
      expect(program.received.subarray(SOCKS_REPLY_LENGTH).equals(upload)).to.equal(true);

      const echo = await UdpPeer.echo();
      stage.onClose(() => echo.close());
      const association = await AssociatedProgram.begin(local.addresses[0]);
      stage.onClose(() => association.close());
      for (const length of [0, 1, 512, 1300]) {
        const payload = randomBytes(length);
        association.send(payload, echo.port);
        const { data, from } = await association.next();
        expect([data.equals(payload), from.port]).to.deep.equal([true, echo.port]);
      }
      expect(Object.keys((await server.statistics()).users)).to.deep.equal(['ann']);
      expect((await first.statistics()).users['second']).to.include({ connections: 1 });
    });
  }

  it('lets nobody through whose keys name another way', async () => {
    const { server, port, keys } = await chain(METHOD);
    const target = await Listener.open();
    stage.onClose(() => target.close());
    const stranger = newKey(METHOD);
    const programs = [];
    for (const i of keys.keys()) {
      const wrong = keys.map((key, at) => (at === i ? stranger : key));
      const local = await clientOf(METHOD, port, wrong);
      const program = await stage.through(local.addresses[0].port, target.port);
      program.send('let me in');
      programs.push(program);
      const association = await AssociatedProgram.begin(local.addresses[0]);
      stage.onClose(() => association.close());
      association.send('me too', target.port);
    }
    await stage.quiet();
    for (const program of programs) expect(program.received.length).to.equal(SOCKS_REPLY_LENGTH);
    expect(target.wires).to.have.length(0);
    expect((await server.statistics()).users).to.deep.equal({});
  });

  it('gives a client no datagrams but those of the server that it sends to', async () => {
    const [own, next] = [newKey(METHOD), newKey(METHOD)];
    const behind = await UdpPeer.open();
    stage.onClose(() => behind.close());
    const first = await hop(METHOD, own, { name: 'next', host: HOST, port: behind.port, password: next });
    const local = await clientOf(METHOD, first.addresses[0].port, [own, next]);
    const association = await AssociatedProgram.begin(local.addresses[0]);
    stage.onClose(() => association.close());
    association.send('hello', 1);
    const { from } = await behind.next();
    const stranger = await UdpPeer.open();
    stage.onClose(() => stranger.close());
    const before = await first.statistics();
    stranger.send('not from there', from.port);
    await stage.quiet();
    behind.send('not sealed, but from there', from.port);
    await stage.quiet();
    const after = await first.statistics();
    expect(after.udp.drops.source - before.udp.drops.source).to.equal(1);
    expect(after.udp.packetsDown).to.equal(1);
  });
});
