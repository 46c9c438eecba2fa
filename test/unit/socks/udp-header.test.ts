/** The header of SOCKS5 datagrams, against the npm `socks` package's. */

import { expect } from 'chai';
import { SocksClient } from 'socks';
import { BAD_UDP_HEADER, readUdpHeader, UDP_HEADER_LENGTH, writeUdpHeader } from '../../../src/socks/udp-header.js';

function frame(host: string, data: string): Buffer {
  return SocksClient.createUDPFrame({ remoteHost: { host, port: 53 }, data: Buffer.from(data) });
}

describe('the header of a SOCKS5 datagram', () => {
  for (const [host, length] of [
    ['127.0.0.1', 7],
    ['2001:db8::1', 19],
    ['a', 5],
    ['a'.repeat(255), 259],
  ] as const) {
    it(`has an address of ${length} bytes for ${host.slice(0, 20)}`, () => {
      for (const data of ['', 'payload']) {
        const bytes = Buffer.concat([Buffer.of(1, 2), frame(host, data), Buffer.of(3)]);
        expect(readUdpHeader(bytes, 2, bytes.length - 1)).to.equal(length);
      }
      const bytes = frame(host, '');
      for (let end = 0; end < bytes.length; end++) {
        expect(readUdpHeader(bytes, 0, end), `${end} bytes`).to.equal(BAD_UDP_HEADER.malformed);
      }
    });
  }

  it('is of no use where it is a fragment’s, or what is reserved is in use, or the kind of address is unknown', () => {
    for (const [at, value, expected] of [
      [0, 1, BAD_UDP_HEADER.malformed],
      [1, 255, BAD_UDP_HEADER.malformed],
      [2, 1, BAD_UDP_HEADER.fragment],
      [2, 0x81, BAD_UDP_HEADER.fragment],
      [3, 0, BAD_UDP_HEADER.address],
      [3, 2, BAD_UDP_HEADER.address],
      [3, 0x11, BAD_UDP_HEADER.address],
    ] as const) {
      const bytes = frame('127.0.0.1', 'x');
      bytes[at] = value;
      expect(readUdpHeader(bytes, 0, bytes.length), `${at}: ${value}`).to.equal(expected);
    }
    expect(readUdpHeader(Buffer.of(0, 0, 0, 3, 0, 0, 80, 1), 0, 8)).to.equal(BAD_UDP_HEADER.address);
  });

  it('is written in front of an address', () => {
    const bytes = frame('127.0.0.1', 'x');
    const expected = Buffer.from(bytes);
    bytes.fill(0xee, 0, UDP_HEADER_LENGTH);
    expect(writeUdpHeader(bytes, UDP_HEADER_LENGTH)).to.equal(0);
    expect(bytes).to.deep.equal(expected);
  });
});
