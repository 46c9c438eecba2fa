import { expect } from 'chai';
import { MAX_HEAD_BYTES } from '../../../src/http-proxy/message-head.js';
import { latin1, readHead, singles } from '../../support/http-messages.js';
import { cutAt } from '../../support/socks-handshake.js';

const REQUEST = 'GET http://a/ HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX-Blanks: \t one two \t\r\n\r\n';

function strict(text: string) {
  return readHead([latin1(text)]);
}

function tolerant(text: string) {
  return readHead([latin1(text)], true);
}

function fieldsOf(text: string, isTolerant = false): string[] {
  const { head, fault } = readHead([latin1(text)], isTolerant);
  return head?.fields.map(({ key, value }) => `${key}=${value}`) ?? [`fault: ${fault}`];
}

describe('the head of a message', () => {
  it('is a start line and fields, without the blanks around values', () => {
    expect(strict(REQUEST).head).to.deep.equal({
      startLine: 'GET http://a/ HTTP/1.1',
      fields: [
        { name: 'Host', key: 'host', value: 'a' },
        { name: 'X-Empty', key: 'x-empty', value: '' },
        { name: 'X-Blanks', key: 'x-blanks', value: 'one two' },
      ],
    });
  });

  it('may have no fields, and empty lines in front', () => {
    expect(strict('GET / HTTP/1.1\r\n\r\nrest')).to.deep.equal({
      head: { startLine: 'GET / HTTP/1.1', fields: [] },
      fault: undefined,
      leftover: 'rest',
    });
    expect(strict(`\r\n\r\n${REQUEST}rest`)).to.deep.equal(strict(`${REQUEST}rest`));
  });

  it('is the same at every cut into two, and byte by byte', () => {
    for (const text of [
      `${REQUEST}body`,
      `\r\n${REQUEST}`,
      'GET / HTTP/1.1\nHost: a\n\nrest',
      'A\r\nb : c\r\n\r\n',
      'A\r\nb: c\r\n d\r\n\r\n',
    ]) {
      for (const isTolerant of [false, true]) {
        const whole = readHead([latin1(text)], isTolerant);
        for (let cut = 0; cut <= text.length; cut++) {
          expect(readHead(cutAt(latin1(text), cut), isTolerant), `cut at ${cut}`).to.deep.equal(whole);
        }
        expect(readHead(singles(text), isTolerant)).to.deep.equal(whole);
      }
    }
  });

  it('is waited for at every truncation', () => {
    for (let end = 0; end < REQUEST.length; end++) {
      const { head, fault } = strict(REQUEST.slice(0, end));
      expect([head, fault], `${end} bytes`).to.deep.equal([undefined, undefined]);
    }
  });

  it('keeps bytes beyond ASCII as they are', () => {
    expect(fieldsOf('A\r\nX: b\xfccher \x80\xff\r\n\r\n')).to.deep.equal(['x=b\xfccher \x80\xff']);
  });

  it('may be as large as the limit, and no larger, however it comes', () => {
    const fits = `GET / HTTP/1.1\r\nX: ${'a'.repeat(MAX_HEAD_BYTES - 23)}\r\n\r\n`;
    expect(fits.length).to.equal(MAX_HEAD_BYTES);
    expect(strict(fits).fault).to.equal(undefined);
    const tooLarge = fits.replace('X', 'XX');
    expect(strict(tooLarge).fault).to.equal('too-large');
    expect(readHead(cutAt(latin1(tooLarge), 100, 5000)).fault).to.equal('too-large');
    // Nothing more is waited for.
    expect(strict(tooLarge.slice(0, MAX_HEAD_BYTES)).fault).to.equal('too-large');
    expect(strict('\r\n'.repeat(MAX_HEAD_BYTES / 2)).fault).to.equal('too-large');
  });

  for (const [what, text, fault] of [
    ['a line that ends with LF alone', 'A\r\nHost: a\nB: c\r\n\r\n', 'bare-cr-or-lf'],
    ['a last line that ends with LF alone', 'A\r\nHost: a\n\r\n', 'bare-cr-or-lf'],
    ['a blank line of LF alone', 'A\r\nHost: a\r\n\n', 'bare-cr-or-lf'],
    ['a start line that ends with LF alone', 'A\n\r\n', 'bare-cr-or-lf'],
    ['a CR in a value', 'A\r\nHost: a\rX: b\r\n\r\n', 'bare-cr-or-lf'],
    ['a CR in a name', 'A\r\nHo\rst: a\r\n\r\n', 'bare-cr-or-lf'],
    ['a CR in the start line', 'A\rB\r\nHost: a\r\n\r\n', 'bare-cr-or-lf'],
    ['a line that ends with CR CR LF', 'A\r\nHost: a\r\r\n\r\n', 'bare-cr-or-lf'],
    ['a folded line', 'A\r\nX: a\r\n b\r\n\r\n', 'folded-line'],
    ['a folded line behind a tab', 'A\r\nX: a\r\n\tb\r\n\r\n', 'folded-line'],
    ['a blank in front of the first field', 'A\r\n Host: a\r\n\r\n', 'folded-line'],
    ['a line of blanks', 'A\r\nX: a\r\n \r\n\r\n', 'folded-line'],
    ['a space in front of a colon', 'A\r\nHost : a\r\n\r\n', 'space-before-colon'],
    ['a tab in front of a colon', 'A\r\nHost\t: a\r\n\r\n', 'space-before-colon'],
    ['a line without a colon', 'A\r\nHost\r\n\r\n', 'bad-field-name'],
    ['a field without a name', 'A\r\n: a\r\n\r\n', 'bad-field-name'],
    ['a name with a space', 'A\r\nHo st: a\r\n\r\n', 'bad-field-name'],
    ['a name beyond ASCII', 'A\r\nH\xf6st: a\r\n\r\n', 'bad-field-name'],
    ['a NUL in a value', 'A\r\nX: a\0b\r\n\r\n', 'bad-field-value'],
    ['a vertical tab in a value', 'A\r\nX: a\x0bb\r\n\r\n', 'bad-field-value'],
  ] as const) {
    it(`of a request is refused for ${what}`, () => {
      const record = strict(text);
      expect([record.fault, record.head]).to.deep.equal([fault, undefined]);
    });
  }

  describe('of a response', () => {
    it('may end its lines with LF alone', () => {
      expect(tolerant('HTTP/1.1 200 OK\nA: b\r\nC: d\n\nrest')).to.deep.equal({
        ...strict('HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\nrest'),
      });
    });

    it('may fold its lines, and have a space in front of a colon', () => {
      expect(fieldsOf('A\r\nX: a\r\n b\r\n\t c\r\nY : d\r\n\r\n', true)).to.deep.equal(['x=a b c', 'y=d']);
    });

    for (const [what, text, fault] of [
      ['a CR in a value', 'A\r\nX: a\rb\r\n\r\n', 'bare-cr-or-lf'],
      ['a blank in front of the first field', 'A\r\n X: a\r\n\r\n', 'folded-line'],
      ['a line without a colon', 'A\r\nX\r\n\r\n', 'bad-field-name'],
      ['a NUL', 'A\r\nX: \0\r\n\r\n', 'bad-field-value'],
    ] as const) {
      it(`is refused for ${what}`, () => {
        expect(tolerant(text).fault).to.equal(fault);
      });
    }
  });
});
