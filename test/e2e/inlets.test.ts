/** Client and server together, as programs that speak HTTP, SOCKS4 or nothing of the kind see them; Node's own HTTP at both ends. */

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { LocalInlet } from '../../src/config/types.js';
import { Stage } from '../support/proxy-pair.js';
import { Listener } from '../support/wire.js';

const MIB = 1024 * 1024;
const USERS = [{ user: 'ann', password: 'secret' }];

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

interface Received {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

async function whole(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part);
  return Buffer.concat(parts);
}

describe('through client and server', () => {
  const stage = new Stage();
  let agent: Agent;

  beforeEach(() => {
    agent = new Agent({ keepAlive: true, maxSockets: 1 });
    stage.onClose(() => agent.destroy());
  });

  afterEach(() => stage.close());

  async function origin(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
    const server: Server = createServer(answer);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stage.onClose(() => {
      server.close();
      server.closeAllConnections();
    });
    return (server.address() as AddressInfo).port;
  }

  async function start(inlet: Partial<LocalInlet> = {}): Promise<number> {
    const server = await stage.server();
    const inlets = [{ host: '127.0.0.1', port: 0, users: [], ...inlet }];
    const local = await stage.local([server.addresses[0].port], { inlets });
    return local.addresses[0].port;
  }

  /** One request by way of the proxy, on the one connection that the agent has. */
  async function fetchBy(
    proxyPort: number,
    url: string,
    { method = 'GET', body, headers = {} }: { method?: string; body?: Buffer; headers?: Record<string, string> } = {},
  ): Promise<Received> {
    const asking = request({
      host: '127.0.0.1',
      port: proxyPort,
      path: url,
      method,
      headers: { host: new URL(url).host, ...headers },
      agent,
    });
    // Without a length, so in chunks.
    for (let at = 0; body !== undefined && at < body.length; at += 100_000)
      asking.write(body.subarray(at, at + 100_000));
    asking.end();
    const [response]: IncomingMessage[] = await once(asking, 'response');
    return { status: response.statusCode, headers: response.headers, body: await whole(response) };
  }

  it('plain HTTP carries 8 MiB up and down in chunks, unchanged', async () => {
    const [up, down] = [randomBytes(8 * MIB + 1), randomBytes(8 * MIB + 7)];
    let received = '';
    const port = await origin((asked, response) => {
      whole(asked).then((body) => {
        received = sha256(body);
        response.write(down.subarray(0, MIB));
        response.end(down.subarray(MIB));
      });
    });
    const { status, headers, body } = await fetchBy(await start(), `http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: up,
    });
    expect([status, headers['transfer-encoding']]).to.deep.equal([200, 'chunked']);
    expect(received).to.equal(sha256(up));
    expect(sha256(body)).to.equal(sha256(down));
  });

  it('plain HTTP asks two hosts in turn on one connection, each on a connection of its own', async () => {
    const seen: string[] = [];
    const answer = (name: string) => (asked: IncomingMessage, response: ServerResponse) => {
      seen.push(`${name} ${asked.headers.host} ${asked.url}`);
      response.end(`${name} ${asked.socket.remotePort}`);
    };
    const [one, two] = [await origin(answer('one')), await origin(answer('two'))];
    const proxy = await start();
    const bodies: string[] = [];
    for (const url of [`http://localhost:${one}/a`, `http://localhost:${one}/b`, `http://127.0.0.1:${two}/c`]) {
      bodies.push((await fetchBy(proxy, url)).body.toString());
    }
    expect(seen).to.deep.equal([`one localhost:${one} /a`, `one localhost:${one} /b`, `two 127.0.0.1:${two} /c`]);
    expect(bodies[0], 'the tunnel is used again').to.equal(bodies[1]);
    agent.destroy();
    const [line] = await stage.logged('connection', 3);
    expect(line.fields).to.include({ status: 'OK' });
  });

  it('plain HTTP has answers without bodies, and long ones after them', async () => {
    const port = await origin((asked, response) => {
      if (asked.url === '/304') response.writeHead(304, { etag: '"a"' });
      if (asked.url === '/204') response.writeHead(204);
      if (asked.url === '/200') response.setHeader('content-length', 4);
      response.end(asked.url === '/200' ? 'body' : undefined);
    });
    const proxy = await start();
    const url = (path: string) => `http://127.0.0.1:${port}${path}`;
    for (const path of ['/304', '/204']) expect(String((await fetchBy(proxy, url(path))).body)).to.equal('');
    const head = await fetchBy(proxy, url('/200'), { method: 'HEAD' });
    expect([head.headers['content-length'], head.body.length]).to.deep.equal(['4', 0]);
    expect(String((await fetchBy(proxy, url('/200'))).body)).to.equal('body');
  });

  it('plain HTTP wants a password where there are users, and does not show it to the destination', async () => {
    const port = await origin((asked, response) => response.end(JSON.stringify(asked.headers)));
    const proxy = await start({ users: USERS });
    const url = `http://127.0.0.1:${port}/`;
    const refused = await fetchBy(proxy, url);
    expect([refused.status, refused.headers['proxy-authenticate']]).to.deep.equal([
      407,
      'Basic realm="umbra", charset="UTF-8"',
    ]);
    const credentials = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
    const { status, body } = await fetchBy(proxy, url, { headers: { 'proxy-authorization': credentials } });
    expect(status).to.equal(200);
    expect(JSON.parse(body.toString())).to.deep.equal({ host: `127.0.0.1:${port}` });
  });

  it('plain HTTP says that a destination cannot be had', async () => {
    const proxy = await start();
    const [refused, unknown, closed] = ['http://127.0.0.1:1/', 'http://nowhere.invalid/', 'http://10.0.0.1/'];
    for (const url of [refused, unknown, closed]) expect((await fetchBy(proxy, url)).status, url).to.equal(502);
  });

  it('CONNECT makes a tunnel that ends as the destination does', async () => {
    const target = await Listener.open((wire) => wire.finish('220 welcome'));
    stage.onClose(() => target.close());
    const program = await stage.wire(await start());
    program.finish(`CONNECT localhost:${target.port} HTTP/1.1\r\nHost: localhost\r\n\r\nhello`);
    expect(await program.text()).to.equal('HTTP/1.1 200 Connection established\r\n\r\n220 welcome');
    expect(program.ended).to.equal('fin');
    expect(await (await target.next()).text()).to.equal('hello');
  });

  it('SOCKS4a makes one', async () => {
    const target = await Listener.open((wire) => wire.finish('220 welcome'));
    stage.onClose(() => target.close());
    const program = await stage.wire(await start());
    const request4a = Buffer.concat([
      Buffer.of(4, 1, target.port >> 8, target.port & 0xff, 0, 0, 0, 1, 0),
      Buffer.from('localhost\0'),
    ]);
    program.finish(Buffer.concat([request4a, Buffer.from('hello')]));
    await program.end();
    expect(program.received.toString('hex')).to.equal(`005a000000000000${Buffer.from('220 welcome').toString('hex')}`);
    expect(await (await target.next()).text()).to.equal('hello');
  });

  it('a tunnel leads everybody to one place', async () => {
    const target = await Listener.open((wire) => wire.finish('220 welcome'));
    stage.onClose(() => target.close());
    const inlet = await start({ kind: 'tunnel', forward: { host: 'localhost', port: target.port } });
    for (let i = 0; i < 3; i++) {
      const program = await stage.wire(inlet);
      program.finish('hello');
      expect(await program.text()).to.equal('220 welcome');
      expect(await (await target.next()).text()).to.equal('hello');
    }
  });
});
