import { expect } from 'chai';
import { requestFraming, responseFraming } from '../../../src/http-proxy/framing.js';
import type { Field } from '../../../src/http-proxy/message-head.js';
import { latin1, readHead } from '../../support/http-messages.js';

function fields(...lines: readonly string[]): readonly Field[] {
  const { head, fault } = readHead([latin1(['A', ...lines, '', ''].join('\r\n'))]);
  return head?.fields ?? expect.fail(fault);
}

/** In one word. */
function requested(...lines: readonly string[]): string {
  const framing = requestFraming(fields(...lines), true);
  return typeof framing === 'string'
    ? `fault: ${framing}`
    : framing.kind === 'length'
      ? `length ${framing.length}`
      : framing.kind;
}

function responded(...lines: readonly string[]): string {
  const framing = responseFraming(fields(...lines));
  return typeof framing === 'string'
    ? `fault: ${framing}`
    : framing.kind === 'length'
      ? `length ${framing.length}`
      : framing.kind;
}

describe('the framing of a body', () => {
  it('of a request is none, a length, or chunked', () => {
    expect(requested('Host: a')).to.equal('none');
    expect(requested('Content-Length: 0')).to.equal('length 0');
    expect(requested('content-length: 12')).to.equal('length 12');
    expect(requested('Content-Length: 9007199254740991')).to.equal('length 9007199254740991');
    expect(requested('Transfer-Encoding: chunked')).to.equal('chunked');
    expect(requested('TRANSFER-ENCODING: CHUNKED')).to.equal('chunked');
    expect(requested('Transfer-Encoding: , chunked ,')).to.equal('chunked');
  });

  it('of a response lasts to the end of the connection where nothing is said', () => {
    expect(responded('Server: a')).to.equal('until-close');
    expect(responded('Content-Length: 7')).to.equal('length 7');
    expect(responded('Transfer-Encoding: chunked')).to.equal('chunked');
  });

  it('takes a length that is said several times for one', () => {
    expect(requested('Content-Length: 5', 'Content-Length: 5')).to.equal('length 5');
    expect(requested('Content-Length: 5, 5')).to.equal('length 5');
    expect(responded('Content-Length: 5, 5', 'Content-Length: 5')).to.equal('length 5');
  });

  for (const [fault, ...lines] of [
    ['length-and-encoding', 'Content-Length: 5', 'Transfer-Encoding: chunked'],
    ['length-and-encoding', 'Transfer-Encoding: chunked', 'Content-Length: 0'],
    ['different-lengths', 'Content-Length: 5', 'Content-Length: 6'],
    ['different-lengths', 'Content-Length: 5, 6'],
    ['different-lengths', 'Content-Length: 5, 05'],
    ['bad-length', 'Content-Length: +5'],
    ['bad-length', 'Content-Length: -5'],
    ['bad-length', 'Content-Length: 0x5'],
    ['bad-length', 'Content-Length: 5 5'],
    ['bad-length', 'Content-Length: 5;a=b'],
    ['bad-length', 'Content-Length: 1e3'],
    ['bad-length', 'Content-Length:'],
    ['bad-length', 'Content-Length: ,'],
    ['bad-length', 'Content-Length: 9007199254740992'],
    ['bad-encoding', 'Transfer-Encoding:'],
    ['bad-encoding', 'Transfer-Encoding: chunked, chunked'],
    ['bad-encoding', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
    ['unknown-encoding', 'Transfer-Encoding: gzip, chunked'],
    ['unknown-encoding', 'Transfer-Encoding: chunked, identity'],
    ['unknown-encoding', 'Transfer-Encoding: xchunked'],
    ['unknown-encoding', 'Transfer-Encoding: "chunked"'],
    ['unknown-encoding', 'Transfer-Encoding: chunked;a=b'],
  ] as const) {
    it(`of a request is refused for ${lines.join(' and ')}`, () => {
      expect(requested(...lines)).to.equal(`fault: ${fault}`);
    });
  }

  it('of HTTP/1.0 is never chunked', () => {
    expect(requestFraming(fields('Transfer-Encoding: chunked'), false)).to.equal('bad-encoding');
  });

  it('of a response is by its encoding where a length stands beside it', () => {
    expect(responded('Content-Length: 5', 'Transfer-Encoding: chunked')).to.equal('chunked');
    expect(responded('Content-Length: 5', 'Transfer-Encoding: gzip')).to.equal('fault: unknown-encoding');
    expect(responded('Content-Length: 5', 'Content-Length: 6')).to.equal('fault: different-lengths');
  });
});
