import { expect } from 'chai';
import { type ForwardRequest, interpretRequest } from '../../../src/http-proxy/request.js';
import { interpretResponse, type ResponseOutcome } from '../../../src/http-proxy/response.js';
import { SocksCredentials } from '../../../src/socks/credentials.js';
import { latin1, readHead } from '../../support/http-messages.js';

const NOBODY = new SocksCredentials([]);

function request(line = 'GET http://a/ HTTP/1.1', ...fields: readonly string[]): ForwardRequest {
  const { head } = readHead([latin1([line, 'Host: a', ...fields, '', ''].join('\r\n'))]);
  const outcome = interpretRequest(head ?? expect.fail(), NOBODY);
  return outcome.kind === 'forward' ? outcome.request : expect.fail(JSON.stringify(outcome));
}

function respond(lines: readonly string[], to = request()): ResponseOutcome {
  const { head, fault } = readHead([latin1([...lines, '', ''].join('\r\n'))], true);
  return interpretResponse(head ?? expect.fail(fault), to);
}

function final(lines: readonly string[], to = request()) {
  const outcome = respond(lines, to);
  if (outcome.kind !== 'final') expect.fail(JSON.stringify(outcome));
  const text = Buffer.from(outcome.bytes).toString('latin1');
  expect(text.endsWith('\r\n\r\n')).to.equal(true);
  return { ...outcome, lines: text.slice(0, -4).split('\r\n') };
}

describe('a response', () => {
  it('goes on as one of HTTP/1.1, without the fields of one hop', () => {
    const { lines } = final([
      'HTTP/1.0 200 All right',
      'Server: x',
      'Connection: keep-alive, X-One',
      'X-One: 1',
      'Keep-Alive: timeout=5',
      'Proxy-Authenticate: Basic realm="elsewhere"',
      'Trailer: a',
      'Upgrade: h2c',
      'Set-Cookie: a=b',
      'Set-Cookie: c=d',
      'Content-Length: 3',
    ]);
    expect(lines).to.deep.equal([
      'HTTP/1.1 200 All right',
      'Server: x',
      'Set-Cookie: a=b',
      'Set-Cookie: c=d',
      'Content-Length: 3',
    ]);
  });

  it('may have no reason, or one beyond ASCII', () => {
    expect(final(['HTTP/1.1 204']).lines).to.deep.equal(['HTTP/1.1 204 ']);
    expect(final(['HTTP/1.1 204 ']).lines).to.deep.equal(['HTTP/1.1 204 ']);
    expect(final(['HTTP/1.1 999 na\xefve', 'Content-Length: 0']).lines[0]).to.equal('HTTP/1.1 999 na\xefve');
  });

  it('keeps its framing, whatever Connection names', () => {
    const { framing, lines } = final(['HTTP/1.1 200 OK', 'Connection: content-length', 'Content-Length: 3']);
    expect([framing, lines[1]]).to.deep.equal([{ kind: 'length', length: 3 }, 'Content-Length: 3']);
  });

  it('of unknown length goes on in chunks, or to the end of the connection with HTTP/1.0', () => {
    for (const fields of [['Transfer-Encoding: chunked'], []]) {
      expect(final(['HTTP/1.1 200 OK', ...fields]).lines).to.deep.equal([
        'HTTP/1.1 200 OK',
        'Transfer-Encoding: chunked',
      ]);
      expect(final(['HTTP/1.1 200 OK', ...fields], request('GET http://a/ HTTP/1.0')).lines).to.deep.equal([
        'HTTP/1.1 200 OK',
        'Connection: close',
      ]);
    }
  });

  it('says that the connection ends where the program wants it', () => {
    const { lines } = final(['HTTP/1.1 200 OK', 'Content-Length: 0'], request(undefined, 'Connection: close'));
    expect(lines).to.include('Connection: close');
  });

  it('has no body for HEAD, 204 and 304, and keeps the length that a body would have', () => {
    const head = request('HEAD http://a/ HTTP/1.1');
    for (const [line, to] of [
      ['HTTP/1.1 200 OK', head],
      ['HTTP/1.1 304 Not Modified', request()],
    ] as const) {
      const { framing, lines } = final([line, 'Content-Length: 77'], to);
      expect([framing.kind, lines[1]], line).to.deep.equal(['none', 'Content-Length: 77']);
      expect(final([line, 'Transfer-Encoding: chunked'], to)).to.deep.include({
        framing: { kind: 'none' },
        lines: [line],
      });
      expect(final([line], to)).to.deep.include({ framing: { kind: 'none' }, lines: [line], originKeeps: true });
    }
    expect(final(['HTTP/1.1 204 No Content', 'Content-Length: 0']).lines).to.deep.equal(['HTTP/1.1 204 No Content']);
  });

  it('is interim for 1xx, and kept from HTTP/1.0', () => {
    const lines = ['HTTP/1.1 103 Early Hints', 'Link: </a>', 'Connection: x', 'Content-Length: 5'];
    const outcome = respond(lines);
    expect(outcome.kind === 'interim' && Buffer.from(outcome.bytes).toString()).to.equal(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
    );
    const toOld = respond(lines, request('GET http://a/ HTTP/1.0'));
    expect(toOld.kind === 'interim' && toOld.bytes.length).to.equal(0);
  });

  for (const [keeps, ...lines] of [
    [true, 'HTTP/1.1 200 OK', 'Content-Length: 0'],
    [true, 'HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'],
    [false, 'HTTP/1.1 200 OK', 'Content-Length: 0', 'Connection: close'],
    [false, 'HTTP/1.1 200 OK'],
    [false, 'HTTP/1.0 200 OK', 'Content-Length: 0'],
    [true, 'HTTP/1.0 200 OK', 'Content-Length: 0', 'Connection: Keep-Alive'],
    [false, 'HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Content-Length: 5'],
  ] as const) {
    it(`${keeps ? 'leaves' : 'ends'} the origin server's connection for ${lines.join(', ')}`, () => {
      expect(final(lines).originKeeps).to.equal(keeps);
    });
  }

  for (const [reason, ...lines] of [
    ['bad-status-line', 'HTTP/2 200 OK'],
    ['bad-status-line', 'HTTP/1.1 20 OK'],
    ['bad-status-line', 'HTTP/1.1 2000 OK'],
    ['bad-status-line', 'HTTP/1.1 099 OK'],
    ['bad-status-line', 'HTTP/1.1 200OK'],
    ['bad-status-line', 'ICY 200 OK'],
    ['bad-status-line', 'HTTP/1.1 200 O\0K'],
    ['unasked-upgrade', 'HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket'],
    ['different-lengths', 'HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 2'],
    ['bad-length', 'HTTP/1.1 200 OK', 'Content-Length: many'],
    ['unknown-encoding', 'HTTP/1.1 200 OK', 'Transfer-Encoding: gzip'],
  ]) {
    it(`is refused as ${reason} for ${lines.join(', ')}`, () => {
      expect(respond(lines)).to.deep.equal({ kind: 'bad', reason });
    });
  }
});
