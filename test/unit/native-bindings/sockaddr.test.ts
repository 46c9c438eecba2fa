/** The bytes of socket addresses, as the kernel's headers lay them out. */

import { expect } from 'chai';
import { AF_INET6, AF_UNIX } from '../../../native-bindings/constants.js';
import { decodeSocketAddress, encodeInet, encodeUnix } from '../../../native-bindings/sockaddr.js';

const V6 = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34);

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe('socket addresses', () => {
  it('of IPv4 are 16 bytes: family, port in network order, address, zeros', () => {
    const into = new Uint8Array(20).fill(0xff);
    expect(encodeInet(into, 2, Uint8Array.of(192, 0, 2, 7), 8080)).to.equal(16);
    expect(hex(into)).to.equal('ffff' + '0200' + '1f90' + 'c0000207' + '0000000000000000' + 'ffff');
    expect(decodeSocketAddress(into, 2, 16)).to.deep.equal({
      family: 4,
      bytes: Uint8Array.of(192, 0, 2, 7),
      port: 8080,
    });
  });

  it('of IPv6 are 28 bytes: family, port, no flow, address, no scope', () => {
    const into = new Uint8Array(32).fill(0xff);
    expect(encodeInet(into, 2, V6, 65535)).to.equal(28);
    expect(hex(into)).to.equal(`ffff0a00ffff00000000${hex(V6)}00000000ffff`);
    expect(decodeSocketAddress(into, 2, 28)).to.deep.equal({ family: 6, bytes: V6, port: 65535 });
  });

  it('of IPv6 have the number of an interface as their scope, in the order of the machine', () => {
    const into = new Uint8Array(32).fill(0xff);
    expect(encodeInet(into, 2, V6, 53, 0x81020304)).to.equal(28);
    expect(hex(into)).to.equal(`ffff0a00003500000000${hex(V6)}04030281ffff`);
    expect(encodeInet(into, 0, Uint8Array.of(192, 0, 2, 7), 53, 1)).to.equal(16);
    expect(hex(into.subarray(0, 16))).to.equal('02000035c00002070000000000000000');
  });

  it('that are decoded own their bytes', () => {
    const into = new Uint8Array(16);
    encodeInet(into, 0, Uint8Array.of(127, 0, 0, 1), 1);
    const address = decodeSocketAddress(into, 0, 16);
    into.fill(0xff);
    expect(address).to.deep.equal({ family: 4, bytes: Uint8Array.of(127, 0, 0, 1), port: 1 });
  });

  it('of a unix path end with its NUL', () => {
    const into = new Uint8Array(128).fill(0xff);
    expect(encodeUnix(into, 0, '/tmp/s')).to.equal(2 + 6 + 1);
    expect(hex(into.subarray(0, 10))).to.equal('0100' + '2f746d702f73' + '00' + 'ff');
    expect(decodeSocketAddress(into, 0, 9)).to.deep.equal({ family: 'unix', path: '/tmp/s' });
    // The kernel may count the NUL or not.
    expect(decodeSocketAddress(into, 0, 8)).to.deep.equal({ family: 'unix', path: '/tmp/s' });
  });

  it('of an abstract unix name are counted, with its NULs', () => {
    const into = new Uint8Array(128);
    expect(encodeUnix(into, 0, '\0umbra')).to.equal(2 + 6);
    expect(decodeSocketAddress(into, 0, 8)).to.deep.equal({ family: 'unix', path: '\0umbra' });
  });

  it('of an unnamed unix socket are the family alone', () => {
    const into = new Uint8Array(128).fill(0xff);
    expect(encodeUnix(into, 0, '')).to.equal(2);
    expect(decodeSocketAddress(into, 0, 2)).to.deep.equal({ family: 'unix', path: '' });
    // As recvfrom says for a peer that is not bound: nothing was written.
    into.set([AF_UNIX, 0]);
    expect(decodeSocketAddress(into, 0, 0)).to.deep.equal({ family: 'unix', path: '' });
  });

  it('of a unix path hold 107 bytes and no more', () => {
    const into = new Uint8Array(128);
    expect(encodeUnix(into, 0, 'x'.repeat(107))).to.equal(110);
    expect(decodeSocketAddress(into, 0, 110)).to.deep.equal({ family: 'unix', path: 'x'.repeat(107) });
    expect(() => encodeUnix(into, 0, 'x'.repeat(108))).to.throw(RangeError, 'at most 107 bytes; this one has 108: xxx');
    expect(() => encodeUnix(into, 0, 'é'.repeat(54))).to.throw(RangeError, 'this one has 108');
  });

  it('of other families are not decoded', () => {
    expect(decodeSocketAddress(Uint8Array.of(17, 0, 0, 0), 0, 4)).to.equal(undefined);
    expect(decodeSocketAddress(Uint8Array.of(AF_INET6, 1, 0, 0), 0, 4)).to.equal(undefined);
  });
});
