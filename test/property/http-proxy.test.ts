import { expect } from 'chai';
import fc from 'fast-check';
import type { ForwardRequest } from '../../src/http-proxy/request.js';
import { interpretRequest } from '../../src/http-proxy/request.js';
import { interpretResponse } from '../../src/http-proxy/response.js';
import { formatTarget } from '../../src/net/target.js';
import { SocksCredentials } from '../../src/socks/credentials.js';
import { dechunked, latin1, readHead, transferBody } from '../support/http-messages.js';
import { cutAt } from '../support/socks-handshake.js';

const NOBODY = new SocksCredentials([]);
/** Sorted cut positions as fractions of the length, so that they shrink with it. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
const cutBy = (text: string, fractions: readonly number[]): Uint8Array[] =>
  cutAt(latin1(text), ...fractions.map((fraction) => Math.floor(fraction * text.length)).sort((a, b) => a - b));

const token = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}$/);
const value = fc.stringMatching(/^([!-~]([ !-~]{0,30}[!-~])?)?$/);
/** What is written anew, or concerns one hop. */
const special =
  /^(host|content-length|transfer-encoding|te|trailer|upgrade|keep-alive|max-forwards|connection|proxy-.*)$/i;
const field = fc.tuple(token, value).filter(([name]) => !special.test(name));
const fields = fc.array(field, { maxLength: 12 });
const data = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 300,
});

/** A body in chunks, as somebody may send it. */
const chunked = fc
  .array(
    fc.tuple(
      data.filter((each) => each !== ''),
      fc.boolean(),
      fc.boolean(),
    ),
    { maxLength: 5 },
  )
  .map((chunks) => ({
    data: chunks.map(([each]) => each).join(''),
    text: `${chunks
      .map(([each, isUpper, isExtended]) => {
        const size = each.length.toString(16);
        return `${isUpper ? size.toUpperCase() : size}${isExtended ? ';a="b c"' : ''}\r\n${each}\r\n`;
      })
      .join('')}0\r\n\r\n`,
  }));

const lines = (text: readonly (readonly [string, string])[]) =>
  text.map(([name, each]) => `${name}: ${each}\r\n`).join('');

describe('the HTTP proxy’s codecs, by property', () => {
  it('pass every other field of a request on, in its order, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.domain(),
        fc.integer({ min: 1, max: 65535 }),
        fc.webPath(),
        fields,
        data,
        cuts,
        (host, port, path, some, rest, fractions) => {
          const text = `GET http://${host}:${port}${path} HTTP/1.1\r\nHost: x\r\n${lines(some)}\r\n${rest}`;
          const { head, leftover } = readHead(cutBy(text, fractions));
          expect(leftover).to.equal(rest);
          const outcome = interpretRequest(head ?? expect.fail('no head'), NOBODY);
          if (outcome.kind !== 'forward') expect.fail(outcome.kind);
          expect(formatTarget(outcome.request.target)).to.equal(`${host}:${port}`);
          const hostLine = port === 80 ? host : `${host}:${port}`;
          expect(Buffer.from(outcome.request.head).toString('latin1')).to.equal(
            `GET ${path || '/'} HTTP/1.1\r\nHost: ${hostLine}\r\n${lines(some)}\r\n`,
          );
        },
      ),
    );
  });

  it('take away exactly the fields that Connection names', () => {
    const named = fc.array(fc.tuple(field, fc.boolean()), { maxLength: 10 });
    fc.assert(
      fc.property(named, (some) => {
        const options = some.filter(([, isNamed]) => isNamed).map(([[name]]) => name.toUpperCase());
        const left = some.map(([each]) => each).filter(([name]) => !options.includes(name.toUpperCase()));
        const connection = `Connection: ${options.join(', ')}\r\n`;
        const { head } = readHead([latin1(`HTTP/1.1 200 OK\r\n${lines(some.map(([each]) => each))}${connection}\r\n`)]);
        const outcome = interpretResponse(head ?? expect.fail('no head'), ASKED);
        if (outcome.kind !== 'final') expect.fail(outcome.kind);
        expect(Buffer.from(outcome.bytes).toString('latin1')).to.equal(
          `HTTP/1.1 200 OK\r\n${lines(left)}Transfer-Encoding: chunked\r\n\r\n`,
        );
      }),
    );
  });

  it('pass a body on unchanged, from any framing to any other, however it is cut', () => {
    fc.assert(
      fc.property(chunked, data, cuts, (body, rest, fractions) => {
        const plain = transferBody(cutBy(`${body.text}${rest}`, fractions), { kind: 'chunked' }, false);
        expect(plain).to.deep.equal({ written: body.data, done: true, leftover: rest });
        const anew = transferBody(cutBy(`${body.text}${rest}`, fractions), { kind: 'chunked' }, true);
        expect(dechunked(anew.written)).to.equal(body.data);
        const { length } = body.data;
        const counted = transferBody(cutBy(`${body.data}${rest}`, fractions), { kind: 'length', length }, true);
        expect(counted.written).to.equal(body.data);
        const toTheEnd = transferBody(cutBy(body.data, fractions), { kind: 'until-close' }, true, true);
        expect(dechunked(toTheEnd.written)).to.equal(body.data);
      }),
    );
  });

  it('never throw on garbage, and give the same verdict in one piece and in many', () => {
    const start = fc.constantFrom(
      '',
      'GET http://a/ HTTP/1.1\r\n',
      'GET http://a/ HTTP/1.1\r\nHost: a\r\n',
      'HTTP/1.1 200 OK\r\nA: ',
    );
    const noise = fc.string({
      unit: fc.constantFrom('\r', '\n', '\r\n', ' ', ':', 'a', 'Z', ',', '\0', '\xff'),
      maxLength: 80,
    });
    fc.assert(
      fc.property(start, noise, fc.boolean(), cuts, (head, rest, tolerant, fractions) => {
        const whole = readHead([latin1(head + rest)], tolerant);
        expect(readHead(cutBy(head + rest, fractions), tolerant)).to.deep.equal(whole);
        if (whole.head === undefined) return;
        interpretRequest(whole.head, NOBODY);
        interpretResponse(whole.head, ASKED);
      }),
      { numRuns: 1000 },
    );
  });
});

const ASKED: ForwardRequest = {
  isHead: false,
  target: { kind: 'name', name: 'a', port: 80 },
  head: new Uint8Array(0),
  framing: { kind: 'none' },
  isVersion11: true,
  keeps: true,
  isRepeatable: true,
};
