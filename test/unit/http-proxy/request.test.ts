import { expect } from 'chai';
import type { ProxyUsers } from '../../../src/http-proxy/basic-auth.js';
import {
  type ForwardRequest,
  faultAnswer,
  interpretRequest,
  type RequestOutcome,
} from '../../../src/http-proxy/request.js';
import { formatTarget } from '../../../src/net/target.js';
import { SocksCredentials } from '../../../src/socks/credentials.js';
import { latin1, readHead } from '../../support/http-messages.js';

const NOBODY = new SocksCredentials([]);
const ANN = new SocksCredentials([{ user: 'ann', password: 'se:cret' }]);

/** @param lines request line and fields; a Host is added where there is none */
function outcome(lines: readonly string[], users: ProxyUsers = NOBODY): RequestOutcome {
  const withHost = lines.some((line) => /^host:/i.test(line)) ? lines : [...lines, 'Host: from.the.program'];
  return exact(withHost, users);
}

function exact(lines: readonly string[], users: ProxyUsers = NOBODY): RequestOutcome {
  const { head, fault } = readHead([latin1([...lines, '', ''].join('\r\n'))]);
  return interpretRequest(head ?? expect.fail(fault), users);
}

function forwarded(...lines: readonly string[]): ForwardRequest {
  const result = outcome(lines);
  return result.kind === 'forward' ? result.request : expect.fail(JSON.stringify(result));
}

/** The head as the origin server gets it, line by line. */
function written(...lines: readonly string[]): string[] {
  const text = Buffer.from(forwarded(...lines).head).toString('latin1');
  expect(text.endsWith('\r\n\r\n')).to.equal(true);
  return text.slice(0, -4).split('\r\n');
}

/** `400 close` or `200 keep`. */
function answered(result: RequestOutcome): string {
  if (result.kind !== 'answer') return result.kind;
  const text = Buffer.from(result.answer.bytes).toString('latin1');
  expect(text.startsWith(`HTTP/1.1 ${result.answer.status} `)).to.equal(true);
  expect(text.includes('Connection: close\r\n')).to.equal(result.answer.closes);
  return `${result.answer.status} ${result.answer.closes ? 'close' : 'keep'}`;
}

describe('a request to forward', () => {
  it('goes on in origin-form, with its Host from the target, and nothing of the proxy’s', () => {
    expect(
      written('GET http://example.com/path?query HTTP/1.1', 'Host: other', 'Accept: */*', 'X-A: b, c'),
    ).to.deep.equal(['GET /path?query HTTP/1.1', 'Host: example.com', 'Accept: */*', 'X-A: b, c']);
  });

  for (const [target, to, line, host] of [
    ['http://example.com', 'example.com:80', '/', 'example.com'],
    ['http://example.com:80/', 'example.com:80', '/', 'example.com'],
    ['http://example.com:/', 'example.com:80', '/', 'example.com'],
    ['HTTP://example.com:8080?q', 'example.com:8080', '/?q', 'example.com:8080'],
    ['http://user:pass@example.com/a@b', 'example.com:80', '/a@b', 'example.com'],
    ['http://a@b@example.com/', 'example.com:80', '/', 'example.com'],
    ['http://192.0.2.7:65535/%20', '192.0.2.7:65535', '/%20', '192.0.2.7:65535'],
    ['http://[2001:db8::1]:81/x', '[2001:db8::1]:81', '/x', '[2001:db8::1]:81'],
    ['http://[2001:db8::1]', '[2001:db8::1]:80', '/', '[2001:db8::1]'],
    ['http://a/http://b/', 'a:80', '/http://b/', 'a'],
    ['http://a/\xfc', 'a:80', '/\xfc', 'a'],
  ]) {
    it(`for ${target} goes to ${to}`, () => {
      const lines = [`GET ${target} HTTP/1.1`];
      expect(formatTarget(forwarded(...lines).target)).to.equal(to);
      expect(written(...lines)).to.deep.equal([`GET ${line} HTTP/1.1`, `Host: ${host}`]);
    });
  }

  it('is about the whole server where OPTIONS has no path', () => {
    expect(written('OPTIONS http://example.com HTTP/1.1')[0]).to.equal('OPTIONS * HTTP/1.1');
    expect(written('OPTIONS http://example.com/ HTTP/1.1')[0]).to.equal('OPTIONS / HTTP/1.1');
    expect(written('OPTIONS http://example.com?a HTTP/1.1')[0]).to.equal('OPTIONS /?a HTTP/1.1');
  });

  it('loses the fields of one hop, and those that Connection and Proxy-Connection name', () => {
    expect(
      written(
        'GET http://a/ HTTP/1.1',
        'Connection: keep-alive, X-One',
        'CONNECTION: x-two',
        'Proxy-Connection: X-Three , ,close-not',
        'X-One: 1',
        'x-TWO: 2',
        'X-Three: 3',
        'X-Four: 4',
        'Keep-Alive: timeout=5',
        'TE: trailers',
        'Trailer: X-Four',
        'Upgrade: websocket',
        'Proxy-Authorization: Basic YTpi',
        'Proxy-Authenticate: Basic',
        'Proxy-Authentication-Info: a',
      ),
    ).to.deep.equal(['GET / HTTP/1.1', 'Host: a', 'X-Four: 4']);
  });

  it('keeps its host and its framing, whatever Connection names', () => {
    expect(
      written('POST http://a/ HTTP/1.1', 'Connection: host, content-length', 'Host: b', 'Content-Length: 3'),
    ).to.deep.equal(['POST / HTTP/1.1', 'Host: a', 'Content-Length: 3']);
    expect(
      written('POST http://a/ HTTP/1.1', 'Connection: transfer-encoding', 'Transfer-Encoding: chunked'),
    ).to.deep.equal(['POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked']);
  });

  it('says the length of its body once', () => {
    expect(written('POST http://a/ HTTP/1.1', 'Content-Length: 3', 'content-length: 3, 3')).to.deep.equal([
      'POST / HTTP/1.1',
      'Host: a',
      'Content-Length: 3',
    ]);
  });

  it('passes Expect on', () => {
    expect(written('PUT http://a/ HTTP/1.1', 'Expect: 100-continue', 'Content-Length: 3')).to.include(
      'Expect: 100-continue',
    );
  });

  it('of HTTP/1.0 goes on as one of HTTP/1.1, and ends both connections', () => {
    const request = forwarded('GET http://a/ HTTP/1.0', 'Connection: keep-alive');
    expect([request.isVersion11, request.keeps]).to.deep.equal([false, false]);
    expect(written('GET http://a/ HTTP/1.0')).to.deep.equal(['GET / HTTP/1.1', 'Host: a', 'Connection: close']);
    const result = exact(['GET http://a/ HTTP/1.0']);
    expect(result.kind, 'without a Host').to.equal('forward');
  });

  it('keeps the connection unless told otherwise', () => {
    expect(forwarded('GET http://a/ HTTP/1.1').keeps).to.equal(true);
    for (const field of ['Connection: close', 'connection: x, Close', 'Proxy-Connection: close']) {
      expect(forwarded('GET http://a/ HTTP/1.1', field).keeps, field).to.equal(false);
      expect(written('GET http://a/ HTTP/1.1', field)).to.include('Connection: close');
    }
  });

  it('may be sent again where it changes nothing and has no body', () => {
    const repeatable = (line: string, ...fields: string[]) =>
      forwarded(`${line} http://a/ HTTP/1.1`, ...fields).isRepeatable;
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
      expect(repeatable(method)).to.equal(true);
    for (const method of ['POST', 'PATCH', 'get', 'X']) expect(repeatable(method), method).to.equal(false);
    expect(repeatable('GET', 'Content-Length: 1')).to.equal(false);
    expect(repeatable('PUT', 'Transfer-Encoding: chunked')).to.equal(false);
    expect(repeatable('PUT', 'Content-Length: 0')).to.equal(true);
  });

  it('counts Max-Forwards down for TRACE and OPTIONS alone', () => {
    expect(written('OPTIONS http://a/ HTTP/1.1', 'Max-Forwards: 3')).to.include('Max-Forwards: 2');
    expect(written('TRACE http://a/ HTTP/1.1', 'Max-Forwards: 1')).to.include('Max-Forwards: 0');
    expect(written('GET http://a/ HTTP/1.1', 'Max-Forwards: 0')).to.include('Max-Forwards: 0');
    expect(answered(outcome(['TRACE http://a/ HTTP/1.1', 'Max-Forwards: x']))).to.equal('400 close');
  });

  it('is answered by the proxy where Max-Forwards is 0', () => {
    expect(answered(outcome(['OPTIONS http://a/ HTTP/1.1', 'Max-Forwards: 0']))).to.equal('200 keep');
    const trace = outcome([
      'TRACE http://a/ HTTP/1.1',
      'Max-Forwards: 0',
      'Cookie: secret',
      'X: y',
      'Authorization: z',
    ]);
    expect(answered(trace)).to.equal('200 keep');
    const text = trace.kind === 'answer' ? Buffer.from(trace.answer.bytes).toString() : '';
    const [, body] = text.split('\r\n\r\n');
    expect(text).to.include('Content-Type: message/http\r\n');
    expect(body).to.equal('TRACE http://a/ HTTP/1.1\r\nMax-Forwards: 0\r\nX: y\r\nHost: from.the.program');
    expect(text).to.include(`Content-Length: ${body.length + 4}\r\n`);
  });
});

describe('CONNECT', () => {
  for (const [text, to] of [
    ['example.com:443', 'example.com:443'],
    ['192.0.2.7:1', '192.0.2.7:1'],
    ['[2001:db8::1]:65535', '[2001:db8::1]:65535'],
  ]) {
    it(`takes ${text}`, () => {
      const result = outcome([`CONNECT ${text} HTTP/1.1`]);
      expect(result.kind === 'connect' && formatTarget(result.target)).to.equal(to);
    });
  }

  for (const text of [
    'example.com',
    'example.com:',
    'example.com:0',
    'example.com:65536',
    'example.com:999999',
    'example.com:http',
    'example.com:+80',
    ':443',
    '2001:db8::1:443',
    '[2001:db8::1]',
    '[2001:db8::g]:443',
    '[192.0.2.7]:443',
    '[]:443',
    'example.com:443/',
    'http://example.com:443',
    'user@example.com:443',
    'exam\x7fple.com:443',
    'ex%41mple.com:443',
    `${'a'.repeat(256)}:443`,
    '/',
    '*',
  ]) {
    it(`refuses ${text.slice(0, 40)}`, () => {
      expect(answered(outcome([`CONNECT ${text} HTTP/1.1`]))).to.equal('400 close');
    });
  }

  it('has no body', () => {
    expect(answered(outcome(['CONNECT a:1 HTTP/1.1', 'Content-Length: 3']))).to.equal('400 close');
    expect(answered(outcome(['CONNECT a:1 HTTP/1.1', 'Transfer-Encoding: chunked']))).to.equal('400 close');
    expect(answered(outcome(['CONNECT a:1 HTTP/1.1', 'Content-Length: 0']))).to.equal('connect');
  });

  it('needs one Host with HTTP/1.1, and none with HTTP/1.0', () => {
    expect(answered(exact(['CONNECT a:1 HTTP/1.1']))).to.equal('400 close');
    expect(answered(exact(['CONNECT a:1 HTTP/1.1', 'Host: a', 'host: a']))).to.equal('400 close');
    expect(answered(exact(['CONNECT a:1 HTTP/1.0']))).to.equal('connect');
    expect(answered(exact(['CONNECT a:1 HTTP/1.0', 'Host: a', 'host: a']))).to.equal('400 close');
  });
});

describe('a request that is refused', () => {
  for (const [line, expected] of [
    ['GET / HTTP/1.1', '400 close'],
    ['OPTIONS * HTTP/1.1', '400 close'],
    ['GET example.com/ HTTP/1.1', '400 close'],
    ['GET http:/example.com/ HTTP/1.1', '400 close'],
    ['GET https://example.com/ HTTP/1.1', '501 close'],
    ['GET ftp://example.com/ HTTP/1.1', '501 close'],
    ['GET ws://example.com/ HTTP/1.1', '501 close'],
    ['GET http:/// HTTP/1.1', '400 close'],
    ['GET http://:80/ HTTP/1.1', '400 close'],
    ['GET http://user@/ HTTP/1.1', '400 close'],
    ['GET http://a:0/ HTTP/1.1', '400 close'],
    ['GET http://a:65536/ HTTP/1.1', '400 close'],
    ['GET http://a:b/ HTTP/1.1', '400 close'],
    ['GET http://a\\b/ HTTP/1.1', '400 close'],
    ['GET http://a<b/ HTTP/1.1', '400 close'],
    ['GET http://[::1/ HTTP/1.1', '400 close'],
    ['GET http://a/#fragment HTTP/1.1', '400 close'],
    ['GET http://a#fragment HTTP/1.1', '400 close'],
    ['GET  http://a/ HTTP/1.1', '400 close'],
    ['GET http://a/ b HTTP/1.1', '400 close'],
    ['GET http://a/\t HTTP/1.1', '400 close'],
    ['GET http://a/  HTTP/1.1', '400 close'],
    ['GET http://a/ HTTP/1.1 ', '400 close'],
    [' GET http://a/ HTTP/1.1', '400 close'],
    ['GET http://a/', '400 close'],
    ['GET http://a/ http/1.1', '400 close'],
    ['GET http://a/ HTTP/1.10', '400 close'],
    ['GET http://a/ HTTP/1', '400 close'],
    ['G(T http://a/ HTTP/1.1', '400 close'],
    ['PRI * HTTP/2.0', '505 close'],
    ['GET http://a/ HTTP/0.9', '505 close'],
  ]) {
    it(`"${line}" is answered by ${expected}`, () => {
      expect(answered(outcome([line]))).to.equal(expected);
    });
  }

  const smuggled: Readonly<Record<string, readonly string[]>> = {
    'a length and an encoding': ['Content-Length: 5', 'Transfer-Encoding: chunked'],
    'two lengths': ['Content-Length: 5', 'Content-Length: 6'],
    'an encoding twice': ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
    'two hosts': ['Host: a', 'Host: b'],
  };
  for (const [what, fields] of Object.entries(smuggled)) {
    it(`has ${what}, and its connection ends`, () => {
      expect(answered(outcome(['POST http://a/ HTTP/1.1', ...fields]))).to.equal('400 close');
    });
  }

  it('has an encoding that nobody knows', () => {
    expect(answered(outcome(['POST http://a/ HTTP/1.1', 'Transfer-Encoding: gzip, chunked']))).to.equal('501 close');
  });

  it('has no Host, or (by a head that is none) a fault of its own', () => {
    expect(answered(exact(['GET http://a/ HTTP/1.1']))).to.equal('400 close');
    expect(faultAnswer('too-large').status).to.equal(431);
    expect([faultAnswer('folded-line').status, faultAnswer('folded-line').closes]).to.deep.equal([400, true]);
  });
});

describe('a request where a password is asked for', () => {
  const basic = (text: string) => `Proxy-Authorization: Basic ${Buffer.from(text, 'latin1').toString('base64')}`;
  const GET = 'GET http://a/ HTTP/1.1';

  it('is served with it, and does not pass it on', () => {
    for (const field of [basic('ann:se:cret'), basic('ann:se:cret').replace('Basic ', 'bASIC  ')]) {
      const result = outcome([GET, field], ANN);
      expect(result.kind === 'forward' && Buffer.from(result.request.head).toString()).to.equal(
        'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
      );
      expect(outcome(['CONNECT a:1 HTTP/1.1', field], ANN).kind).to.equal('connect');
    }
  });

  it('is asked for it with realm and charset, on a connection that stays open', () => {
    for (const line of [GET, 'CONNECT a:1 HTTP/1.1', 'HEAD http://a/ HTTP/1.1']) {
      const result = outcome([line], ANN);
      expect(answered(result)).to.equal('407 keep');
      const text = result.kind === 'answer' ? Buffer.from(result.answer.bytes).toString() : '';
      expect(text).to.include('\r\nProxy-Authenticate: Basic realm="umbra", charset="UTF-8"\r\n');
      const [, body] = text.split('\r\n\r\n');
      expect(body === '', 'an answer to HEAD has no body').to.equal(line.startsWith('HEAD'));
    }
  });

  it('is asked for it on a connection that ends, where a body follows that nobody reads', () => {
    expect(answered(outcome(['POST http://a/ HTTP/1.1', 'Content-Length: 5'], ANN))).to.equal('407 close');
    expect(answered(outcome(['POST http://a/ HTTP/1.1', 'Content-Length: 0'], ANN))).to.equal('407 keep');
    expect(answered(outcome(['GET http://a/ HTTP/1.0'], ANN))).to.equal('407 close');
  });

  it('learns nothing about its target before', () => {
    expect(answered(outcome(['GET ftp://a/ HTTP/1.1'], ANN))).to.equal('407 keep');
  });

  for (const [what, ...fields] of [
    ['another password', basic('ann:secret')],
    ['another user', basic('bob:se:cret')],
    ['no colon', basic('annse')],
    ['nothing', 'Proxy-Authorization:'],
    ['another scheme', basic('ann:se:cret').replace('Basic', 'Bearer')],
    ['no scheme', basic('ann:se:cret').replace('Basic ', '')],
    ['characters that base64 has not', 'Proxy-Authorization: Basic YW5uOnNlOmNy!ZXQ='],
    ['more behind it', `${basic('ann:se:cret')} x`],
    ['two fields', basic('ann:se:cret'), basic('ann:se:cret')],
    ['a password that is too long', basic(`ann:${'a'.repeat(256)}`)],
    ['the right one for the origin server', basic('ann:se:cret').replace('Proxy-', '')],
  ]) {
    it(`is not served with ${what}`, () => {
      expect(answered(outcome([GET, ...fields], ANN))).to.equal('407 keep');
    });
  }

  it('may have a user and a password beyond ASCII', () => {
    const users = new SocksCredentials([{ user: 'zoë', password: 'пароль' }]);
    const encoded = Buffer.from('zoë:пароль').toString('base64');
    expect(outcome([GET, `Proxy-Authorization: Basic ${encoded}`], users).kind).to.equal('forward');
  });
});
