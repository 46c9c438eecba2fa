/** Socket addresses survive the way to the kernel's bytes and back, at any offset, and touch nothing beside them. */

import { expect } from 'chai';
import fc from 'fast-check';
import { decodeSocketAddress, encodeInet, encodeUnix } from '../../native-bindings/sockaddr.js';

const ROOM = 160;
const FILL = 0xa5;

function expectUntouched(bytes: Uint8Array, from: number, to: number): void {
  for (let i = 0; i < bytes.length; i++) if (i < from || i >= to) expect(bytes[i]).to.equal(FILL);
}

describe('socket addresses, any', () => {
  const offset = fc.nat({ max: 40 });

  it('of IPv4 and IPv6 decode to what was encoded', () => {
    const address = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(address, fc.nat({ max: 65_535 }), offset, (bytes, port, at) => {
        const into = new Uint8Array(ROOM).fill(FILL);
        const length = encodeInet(into, at, bytes, port);
        expect(decodeSocketAddress(into, at, length)).to.deep.equal({
          family: bytes.length === 4 ? 4 : 6,
          bytes,
          port,
        });
        expectUntouched(into, at, at + length);
      }),
    );
  });

  it('of unix sockets decode to what was encoded, paths and abstract names', () => {
    const name = fc
      .string({ unit: 'binary', maxLength: 107 })
      .filter((text) => new TextEncoder().encode(text).length < 107);
    fc.assert(
      fc.property(name, fc.boolean(), offset, (text, abstract, at) => {
        // A path ends at its first NUL; an abstract name may hold any.
        const path = abstract ? `\0${text}` : text.replaceAll('\0', '');
        const into = new Uint8Array(ROOM).fill(FILL);
        const length = encodeUnix(into, at, path);
        expect(decodeSocketAddress(into, at, length)).to.deep.equal({ family: 'unix', path });
        expectUntouched(into, at, at + 110);
      }),
    );
  });
});
