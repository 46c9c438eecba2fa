import { expect } from 'chai';
import { MAX_EXTENSION_BYTES, MAX_SIZE_DIGITS } from '../../../src/http-proxy/chunked-decoder.js';
import type { Framing } from '../../../src/http-proxy/framing.js';
import { MAX_HEAD_BYTES } from '../../../src/http-proxy/message-head.js';
import { dechunked, latin1, singles, transferBody } from '../../support/http-messages.js';
import { cutAt } from '../../support/socks-handshake.js';

const CHUNKED: Framing = { kind: 'chunked' };
const UNTIL_CLOSE: Framing = { kind: 'until-close' };
const lengthOf = (length: number): Framing => ({ kind: 'length', length });
const IN_CHUNKS = '5\r\nhello\r\n8;ext="a;b"\r\n, world!\r\n0\r\nTrailer: t\r\nAnother: u\r\n\r\n';

/** As it goes on to somebody who takes no chunks. */
function plain(text: string, framing: Framing, ends = false) {
  return transferBody([latin1(text)], framing, false, ends);
}

describe('a body', () => {
  it('of a known length goes on as it is, and ends there', () => {
    expect(plain('hello, next', lengthOf(5))).to.deep.equal({ written: 'hello', done: true, leftover: ', next' });
    expect(plain('hell', lengthOf(5))).to.deep.equal({ written: 'hell', done: false, leftover: '' });
    expect(plain('next', lengthOf(0))).to.deep.equal({ written: '', done: true, leftover: 'next' });
    expect(plain('next', { kind: 'none' })).to.deep.equal({ written: '', done: true, leftover: 'next' });
    // Chunks are for what has no known length.
    expect(transferBody([latin1('hello')], lengthOf(5), true).written).to.equal('hello');
  });

  it('in chunks goes on without them where they are not understood', () => {
    expect(plain(`${IN_CHUNKS}next`, CHUNKED)).to.deep.equal({
      written: 'hello, world!',
      done: true,
      leftover: 'next',
    });
  });

  it('in chunks goes on in chunks of our own, without extensions and trailers', () => {
    const { written, leftover } = transferBody([latin1(`${IN_CHUNKS}next`)], CHUNKED, true);
    expect(written).to.match(/^0*d\r\nhello, world!\r\n0\r\n\r\n$/);
    expect(leftover).to.equal('next');
  });

  it('in chunks is the same at every cut into two, and byte by byte', () => {
    const text = `${IN_CHUNKS}next`;
    for (let cut = 0; cut <= text.length; cut++) {
      const pieces = cutAt(latin1(text), cut);
      expect(transferBody(pieces, CHUNKED, false), `cut at ${cut}`).to.deep.equal(plain(text, CHUNKED));
      const { written, leftover } = transferBody(pieces, CHUNKED, true);
      expect([dechunked(written), leftover], `cut at ${cut}`).to.deep.equal(['hello, world!', 'next']);
    }
    expect(transferBody(singles(text), CHUNKED, false)).to.deep.equal(plain(text, CHUNKED));
    expect(dechunked(transferBody(singles(text), CHUNKED, true).written)).to.equal('hello, world!');
  });

  it('in chunks waits at every truncation, and is cut short where the connection ends there', () => {
    for (let end = 0; end < IN_CHUNKS.length; end++) {
      const text = IN_CHUNKS.slice(0, end);
      expect(plain(text, CHUNKED).done, `${end} bytes`).to.equal(false);
      expect(plain(text, CHUNKED, true).written, `${end} bytes`).to.equal('cut short');
    }
  });

  it('of a known length is cut short where the connection ends before', () => {
    expect(plain('hell', lengthOf(5), true).written).to.equal('cut short');
    expect(plain('hello', lengthOf(5), true)).to.deep.equal({ written: 'hello', done: true, leftover: '' });
  });

  it('that ends with the connection becomes chunks where they are understood', () => {
    expect(plain('all of it', UNTIL_CLOSE, true)).to.deep.equal({ written: 'all of it', done: true, leftover: '' });
    const { written, done } = transferBody(cutAt(latin1('all of it'), 3), UNTIL_CLOSE, true, true);
    expect([written, done]).to.deep.equal(['3\r\nall\r\n6\r\n of it\r\n0\r\n\r\n', true]);
    expect(transferBody([], UNTIL_CLOSE, true, true).written).to.equal('0\r\n\r\n');
  });

  it('takes sizes in upper and lower case, with zeros in front and blanks behind', () => {
    expect(plain('000A \t\r\n0123456789\r\na;\r\n0123456789\r\n00\r\n\r\n', CHUNKED).written).to.equal(
      '0123456789'.repeat(2),
    );
  });

  const data = 'x'.repeat(16);
  for (const [what, text] of [
    ['no size', '\r\nhello'],
    ['a size that is no number', 'g\r\n'],
    ['a size with a sign', '-1\r\n'],
    ['a size in the usual C notation', '0x5\r\nhello\r\n'],
    ['a blank in front of a size', ' 5\r\nhello\r\n'],
    ['a size with too many digits', `${'0'.repeat(MAX_SIZE_DIGITS)}5\r\nhello\r\n`],
    ['a size line that ends with LF alone', '5\nhello\r\n'],
    ['a size line that ends with CR alone', '5\rhello\r\n'],
    ['a LF in an extension', '5;a\nb\r\nhello\r\n'],
    ['a CR in an extension', '5;a\rb\r\nhello\r\n'],
    ['an endless extension', `5;${'a'.repeat(MAX_EXTENSION_BYTES)}`],
    ['more data than the size says', `10\r\n${data}x\r\n0\r\n\r\n`],
    ['less data than the size says', `10\r\n${data.slice(1)}\r\n0\r\n\r\n`],
    ['data that ends with LF alone', `10\r\n${data}\n0\r\n\r\n`],
    ['a trailer that ends with LF alone', '0\r\nA: b\n\r\n'],
    ['an end with LF alone', '0\r\n\n'],
    ['endless trailers', `0\r\n${'A: b\r\n'.repeat(MAX_HEAD_BYTES / 4)}`],
  ]) {
    it(`in chunks is malformed for ${what}`, () => {
      expect(plain(text, CHUNKED).written).to.equal('malformed');
      expect(transferBody(singles(text), CHUNKED, true).written).to.equal('malformed');
    });
  }

  it('may have the longest of everything', () => {
    const text = `${'5'.padStart(MAX_SIZE_DIGITS, '0')};${'a'.repeat(MAX_EXTENSION_BYTES - 1)}\r\nhello\r\n0\r\n`;
    expect(plain(`${text}\r\n`, CHUNKED)).to.deep.equal({ written: 'hello', done: true, leftover: '' });
  });
});
