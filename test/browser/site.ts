/**
 * The local web site that the browser opens: a page and 50 resources, each of which leaves a trace in the page once it has loaded. Forms and
 * WebSockets get back what they send.
 */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

const IMAGES = 30;
const SCRIPTS = 10;
const STYLES = 10;
export const RESOURCE_COUNT = IMAGES + SCRIPTS + STYLES;

/** Run in the page: how many resources have taken effect. */
export const COUNT_LOADED = `
  [...document.images].filter((image) => image.complete && image.naturalWidth > 0).length +
  window.scriptsRun.size +
  [...document.querySelectorAll('[data-style]')].filter((each) => getComputedStyle(each).borderTopWidth === '3px').length`;

/** Of what is posted there. */
export const ECHO_PATH = '/echo';
/** RFC 6455 §1.3. */
const WEB_SOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

interface Resource {
  readonly type: string;
  readonly body: string;
}

export class Site {
  readonly port: number;
  /** Paths that were asked for. */
  readonly requests = new Set<string>();
  readonly #server: Server;
  readonly #resources = resourcesByPath();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on('upgrade', echoWebSocket);
    server.on('request', (request, response) => {
      const { url = '' } = request;
      this.requests.add(url);
      if (url === ECHO_PATH) {
        echo(request, response);
        return;
      }
      const resource = this.#resources.get(url);
      response.statusCode = resource === undefined ? 404 : 200;
      response.setHeader('content-type', resource?.type ?? 'text/plain');
      response.end(resource?.body);
    });
  }

  static async start(): Promise<Site> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address: AddressInfo | string | null = server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return new Site(server, address.port);
  }

  /** The resources' paths, without the page itself. */
  get resourcePaths(): string[] {
    return [...this.#resources.keys()].filter((path) => path !== '/');
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function echo(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('content-type', request.headers['content-type'] ?? 'text/plain');
  request.pipe(response);
}

/** Sends the first short frame back unmasked, as RFC 6455 §5 has it, and no more. */
function echoWebSocket({ headers }: IncomingMessage, socket: Duplex): void {
  const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${WEB_SOCKET_GUID}`).digest('base64');
  const fields = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields.join('\r\n')}\r\n\r\n`);
  socket.on('error', () => socket.destroy());
  socket.once('data', (frame: Buffer) => {
    const [kind, masked] = frame;
    const mask = frame.subarray(2, 6);
    const length = masked & 0x7f;
    const text = Buffer.from(frame.subarray(6, 6 + length)).map((byte, i) => byte ^ mask[i % 4]);
    socket.write(Buffer.concat([Buffer.of(kind, length), text]));
  });
}

function resourcesByPath(): Map<string, Resource> {
  const resources = new Map<string, Resource>();
  const add = (count: number, path: (index: number) => string, make: (index: number) => Resource) => {
    for (let index = 0; index < count; index++) resources.set(path(index), make(index));
  };
  add(IMAGES, imagePath, image);
  add(SCRIPTS, scriptPath, (index) => ({ type: 'text/javascript', body: `scriptsRun.add(${index});` }));
  add(STYLES, stylePath, (index) => ({
    type: 'text/css',
    body: `[data-style="${index}"] { border: 3px solid hsl(${index * 36} 70% 45%); }`,
  }));
  resources.set('/', { type: 'text/html; charset=utf-8', body: page() });
  return resources;
}

const imagePath = (index: number) => `/image-${index}.svg`;
const scriptPath = (index: number) => `/script-${index}.js`;
const stylePath = (index: number) => `/style-${index}.css`;

function image(index: number): Resource {
  const square = `<rect width="64" height="64" rx="12" fill="hsl(${index * 12} 65% 55%)"/>`;
  const label = `<text x="32" y="40" font-size="22" text-anchor="middle" fill="white">${index}</text>`;
  const body = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">${square}${label}</svg>`;
  return { type: 'image/svg+xml', body };
}

function page(): string {
  const each = (count: number, make: (index: number) => string) =>
    Array.from({ length: count }, (_, i) => make(i)).join('\n');
  return `<!doctype html>
<title>Through umbra</title>
<script>window.scriptsRun = new Set();</script>
${each(STYLES, (index) => `<link rel="stylesheet" href="${stylePath(index)}">`)}
<h1>Through umbra</h1>
<p>${each(IMAGES, (index) => `<img src="${imagePath(index)}" alt="">`)}</p>
${each(STYLES, (index) => `<span data-style="${index}">style ${index}</span>`)}
${each(SCRIPTS, (index) => `<script src="${scriptPath(index)}"></script>`)}`;
}
