/**
 * Requests that try to be two things at once, and Node's own parser as the next recipient: whatever is forwarded must be one request to it,
 * with the body that we saw.
 */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { BodyTransfer, MAX_CHUNK_GROWTH } from '../../src/http-proxy/body-transfer.js';
import { HeadReader } from '../../src/http-proxy/message-head.js';
import { interpretRequest } from '../../src/http-proxy/request.js';
import { SocksCredentials } from '../../src/socks/credentials.js';
import { latin1 } from '../support/http-messages.js';

const NOBODY = new SocksCredentials([]);

const line = fc.constantFrom(
  ...['Content-Length: 5', 'Content-Length: 05', 'Content-Length:5', 'content-length: 3', 'Content-Length: 5, 5'],
  ...['Content-Length: 5\t', 'Content-Length : 5', 'Content-Length: +5', 'Content-Length: 5 0', 'Content_Length: 5'],
  ...[
    'Transfer-Encoding: chunked',
    'Transfer-Encoding:chunked',
    'transfer-encoding: Chunked',
    'Transfer-Encoding:\tchunked',
  ],
  ...[
    'Transfer-Encoding: identity',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: x, chunked',
    'Transfer-Encoding:',
  ],
  ...[
    'Transfer-Encoding : chunked',
    ' Transfer-Encoding: chunked',
    'Transfer_Encoding: chunked',
    'Transfer-Encoding: "chunked"',
  ],
  ...[
    'Connection: content-length',
    'Connection: transfer-encoding, host',
    'Connection: close',
    'Proxy-Connection: x, host',
  ],
  ...[
    'X: y\nTransfer-Encoding: chunked',
    'X: y\rContent-Length: 5',
    'X: y\r\n z',
    'X: y\0z',
    'Trailer: Content-Length',
  ],
  ...[
    'TE: trailers',
    'Upgrade: websocket',
    'HTTP2-Settings: AAAA',
    'Host: b',
    'Expect: 100-continue',
    'Keep-Alive: 5',
    'X: y',
  ],
);
const SECOND = 'GET http://b/second HTTP/1.1\r\nHost: b\r\n\r\n';
const body = fc.constantFrom(
  ...[
    '',
    'hello',
    `hello${SECOND}`,
    '5\r\nhello\r\n0\r\n\r\n',
    `5\r\nhello\r\n0\r\n\r\n${SECOND}`,
    `0\r\n\r\n${SECOND}`,
  ],
  ...[
    `5;a=b\r\nhello\r\n00\r\nContent-Length: 9\r\n\r\n${SECOND}`,
    `5 \r\nhello\r\n0\r\n\r\n`,
    `5\nhello\n0\n\n${SECOND}`,
  ],
  ...[
    `-5\r\nhello\r\n0\r\n\r\n`,
    `0x5\r\nhello\r\n0\r\n\r\n`,
    `5\r\nhelloX0\r\n\r\n`,
    `ffffffffffffffff5\r\nhello\r\n0\r\n\r\n`,
    SECOND,
  ],
);
const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH');
const version = fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0');

interface Forwarded {
  /** As it is sent to the origin server. */
  readonly bytes: Buffer;
  /** What the body holds. */
  readonly body: string;
}

/** @returns undefined where nothing is forwarded, or not all of it has come */
function forward(text: string): Forwarded | undefined {
  const input = latin1(text);
  const outcome = new HeadReader(false).read(input, 0, input.length);
  if (outcome.kind !== 'head') return undefined;
  const asked = interpretRequest(outcome.head, NOBODY);
  if (asked.kind !== 'forward') return undefined;
  const [sent, seen] = [true, false].map((takesChunks) => {
    const transfer = new BodyTransfer(asked.request.framing, takesChunks);
    const into = Buffer.alloc(input.length + MAX_CHUNK_GROWTH);
    const length = transfer.transfer(input, outcome.length, input.length, into, 0);
    return length >= 0 && transfer.done ? into.subarray(0, length) : undefined;
  });
  if (sent === undefined || seen === undefined) return undefined;
  return { bytes: Buffer.concat([asked.request.head, sent]), body: seen.toString('latin1') };
}

describe('requests that try to be two things at once', () => {
  let server: Server;
  let seen: string[] = [];

  before(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.setEncoding('latin1').on('data', (part: string) => {
        text += part;
      });
      request.on('end', () => {
        seen.push(`${request.method} ${request.url} ${request.headers.host} ${text}`);
        response.end();
      });
    });
    server.on('clientError', (error, socket) => {
      seen.push(String(error));
      socket.destroy();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  after(() => {
    server.close();
    server.closeAllConnections();
  });

  it('are one to the next recipient, or are not forwarded', async () => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(method, version, fc.array(line, { maxLength: 4 }), body, async (verb, http, lines, rest) => {
        const forwarded = forward([`${verb} http://a/path ${http}`, 'Host: a', ...lines, '', rest].join('\r\n'));
        fc.pre(forwarded !== undefined);
        seen = [];
        const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
        socket.end(forwarded.bytes).resume();
        await once(socket, 'close');
        expect(seen).to.deep.equal([`${verb} /path a ${forwarded.body}`]);
        count++;
      }),
      { numRuns: 300 },
    );
    expect(count).to.be.greaterThan(100);
  });
});
