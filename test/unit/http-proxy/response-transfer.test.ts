import { expect } from 'chai';
import type { ForwardRequest } from '../../../src/http-proxy/request.js';
import { ResponseTransfer } from '../../../src/http-proxy/response-transfer.js';
import { dechunked, latin1, singles } from '../../support/http-messages.js';
import { cutAt } from '../../support/socks-handshake.js';

const ASKED: ForwardRequest = {
  isHead: false,
  target: { kind: 'name', name: 'a', port: 80 },
  head: new Uint8Array(0),
  framing: { kind: 'none' },
  isVersion11: true,
  keeps: true,
  isRepeatable: true,
};

interface Passed {
  readonly text: string;
  readonly done: boolean;
  readonly begun: boolean;
  readonly fault: string;
  readonly leftover: string;
}

/** Passes on what comes in pieces; what is not taken is offered again. */
function pass(pieces: readonly Uint8Array[], request: Partial<ForwardRequest> = {}, ends = false): Passed {
  const transfer = new ResponseTransfer({ ...ASKED, ...request });
  let kept = Buffer.alloc(0);
  let text = '';
  for (const piece of pieces) {
    kept = Buffer.concat([kept, piece]);
    if (transfer.done || transfer.fault !== '') continue;
    const into = Buffer.alloc(2 * kept.length + 100);
    const length = transfer.transfer(kept, 0, kept.length, into, 0);
    if (length < 0) continue;
    text += into.toString('latin1', 0, length);
    kept = kept.subarray(transfer.consumed);
  }
  if (ends) {
    const into = Buffer.alloc(100);
    const length = transfer.endOfInput(into, 0);
    text += length < 0 ? '(cut short)' : into.toString('latin1', 0, length);
  }
  const { done, begun, fault } = transfer;
  return { text, done, begun, fault, leftover: done ? kept.toString('latin1') : '' };
}

describe('the response to a request', () => {
  const INTERIM = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
  const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n';

  it('is its interim ones, its head and its body, and nothing behind it', () => {
    expect(pass([latin1(`${INTERIM}${HEAD}hellonext`)])).to.deep.equal({
      text: `${INTERIM}${HEAD}hello`,
      done: true,
      begun: true,
      fault: '',
      leftover: 'next',
    });
  });

  it('is the same at every cut into two, and byte by byte', () => {
    const text = `HTTP/1.1 100 Continue\n\n${INTERIM}HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x\r\n world\r\n0\r\n\r\nnext`;
    const expected = {
      head: `HTTP/1.1 100 Continue\r\n\r\n${INTERIM}HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked`,
      body: 'hello world',
    };
    const halves = (passed: Passed) => {
      expect([passed.done, passed.leftover]).to.deep.equal([true, 'next']);
      const at = passed.text.lastIndexOf('chunked\r\n\r\n') + 7;
      return { head: passed.text.slice(0, at), body: dechunked(passed.text.slice(at + 4)) };
    };
    for (let cut = 0; cut <= text.length; cut++) {
      expect(halves(pass(cutAt(latin1(text), cut))), `cut at ${cut}`).to.deep.equal(expected);
    }
    expect(halves(pass(singles(text)))).to.deep.equal(expected);
  });

  it('has begun with the head of the final one', () => {
    expect(pass([latin1(INTERIM)])).to.include({ text: INTERIM, begun: false, done: false });
    expect(pass([latin1(HEAD)])).to.include({ text: HEAD, begun: true, done: false });
    expect(pass([latin1(HEAD.slice(0, -1))])).to.include({ text: '', begun: false });
  });

  it('ends with the connection where nothing else says so', () => {
    const text = 'HTTP/1.1 200 OK\r\n\r\nall of it';
    expect(pass([latin1(text)], {}, true).text).to.equal(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nall of it\r\n0\r\n\r\n',
    );
    const toOld = pass([latin1(text)], { isVersion11: false, keeps: false }, true);
    expect([toOld.text, toOld.done]).to.deep.equal(['HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it', true]);
  });

  it('is cut short where the connection ends before', () => {
    for (const text of ['', INTERIM, HEAD.slice(0, 20), `${HEAD}hell`]) {
      expect(pass([latin1(text)], {}, true).text, text).to.match(/\(cut short\)$/);
    }
    expect(pass([latin1(`${HEAD}hello`)], {}, true).text).to.equal(`${HEAD}hello`);
  });

  for (const [fault, text] of [
    ['bad-status-line', '220 welcome\r\n\r\n'],
    ['unasked-upgrade', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['different-lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ['bad-field-value', 'HTTP/1.1 200 OK\r\nX: \0\r\n\r\n'],
    ['bad-chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n'],
  ]) {
    it(`is refused as ${fault}, and nothing of it goes on`, () => {
      expect(pass([latin1(text)])).to.include({ text: '', fault, begun: false });
    });
  }
});
