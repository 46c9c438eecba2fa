/** Socket calls over the loopback interface and over unix sockets. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  EPOLLIN,
  EPOLLOUT,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  SHUT_WR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_RCVBUF,
  SO_REUSEPORT,
  SO_SNDBUF,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_KEEPIDLE,
  TCP_NODELAY,
} from '../../../native-bindings/constants.js';
import { EAGAIN, EBADF, ECONNREFUSED, EINPROGRESS, EINVAL, SysError } from '../../../native-bindings/errno.js';
import { interfaceIndex } from '../../../native-bindings/interfaces.js';
import { Region } from '../../../native-bindings/memory.js';
import * as sockets from '../../../native-bindings/socket.js';
import {
  awaitReady,
  Descriptors,
  LOOPBACK,
  portOf,
  receiveBytes,
  receiveText,
  sendBytes,
  sendText,
  tryReceive,
  trySend,
} from '../../support/loopback-sockets.js';

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof SysError) return `${error.syscall} ${error.code}`;
    throw error;
  }
  return 'nothing thrown';
}

describe('sockets', () => {
  const descriptors = new Descriptors();
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'umbra-'));
  });

  after(() => rmSync(folder, { recursive: true }));

  afterEach(() => descriptors.closeAll());

  for (const family of [4, 6] as const) {
    it(`connect, name both ends and carry bytes over IPv${family}`, () => {
      const listener = descriptors.listen(family);
      const client = descriptors.connect(listener.port, family);
      awaitReady(listener.fd, EPOLLIN);
      const server = descriptors.keep(sockets.accept(listener.fd));
      const address = { family, bytes: LOOPBACK[family], port: portOf(client) };
      expect(sockets.acceptedPeer()).to.deep.equal(address);
      expect(sockets.localAddress(client)).to.deep.equal(address);
      expect(sockets.peerAddress(server)).to.deep.equal(address);
      expect(sockets.peerAddress(client)).to.deep.equal({ ...address, port: listener.port });
      sendText(client, 'there');
      expect(receiveText(server, 5)).to.equal('there');
      sendText(server, 'and back');
      expect(receiveText(client, 8)).to.equal('and back');
    });
  }

  it('connect over a unix path', () => {
    const path = join(folder, 'socket');
    const listener = descriptors.keep(sockets.socket('unix', SOCK_STREAM));
    sockets.bind(listener, { family: 'unix', path });
    sockets.listen(listener, 1);
    expect(existsSync(path)).to.equal(true);
    expect(sockets.localAddress(listener)).to.deep.equal({ family: 'unix', path });
    const client = descriptors.keep(sockets.socket('unix', SOCK_STREAM));
    expect(sockets.connect(client, { family: 'unix', path })).to.equal(0);
    const server = descriptors.keep(sockets.accept(listener));
    expect(sockets.acceptedPeer()).to.deep.equal({ family: 'unix', path: '' });
    expect(sockets.peerAddress(client)).to.deep.equal({ family: 'unix', path });
    sendText(client, 'by path');
    expect(receiveText(server, 7)).to.equal('by path');
  });

  it('connect over an abstract unix name, and are named by the kernel where they ask for it', () => {
    const name = `\0umbra-test-${process.pid}`;
    const listener = descriptors.keep(sockets.socket('unix', SOCK_STREAM));
    sockets.bind(listener, { family: 'unix', path: name });
    sockets.listen(listener, 1);
    expect(sockets.localAddress(listener)).to.deep.equal({ family: 'unix', path: name });
    const client = descriptors.keep(sockets.socket('unix', SOCK_STREAM));
    sockets.bind(client, { family: 'unix', path: '' });
    expect(sockets.localAddress(client))
      .to.have.property('path')
      .that.matches(/^\0[0-9a-f]{5}$/);
    expect(sockets.connect(client, { family: 'unix', path: name })).to.equal(0);
  });

  it('connect by any address with one call', () => {
    const listener = descriptors.listen();
    const client = descriptors.keep(sockets.socket(4, SOCK_STREAM));
    const result = sockets.connect(client, { family: 4, bytes: LOOPBACK[4], port: listener.port });
    expect(result).to.be.oneOf([0, -EINPROGRESS]);
    awaitReady(client, EPOLLOUT);
    expect(sockets.takeError(client)).to.equal(0);
  });

  it('are non-blocking and close on exec, accepted ones too', () => {
    const { client, server } = descriptors.pair();
    for (const fd of [client, server]) {
      const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
      // O_NONBLOCK and O_CLOEXEC, as in <fcntl.h>.
      expect(Number.parseInt(flags ?? '0', 8) & 0o2004000).to.equal(0o2004000);
      expect(tryReceive(fd)).to.equal(-EAGAIN);
    }
  });

  it('answer EAGAIN where nobody waits to be accepted and where the buffers are full', () => {
    const { fd } = descriptors.listen();
    expect(sockets.accept(fd)).to.equal(-EAGAIN);
    const { client } = descriptors.pair();
    const block = new Uint8Array(64 * 1024);
    let result = 0;
    for (let i = 0; i < 1000 && result >= 0; i++) result = trySend(client, block);
    expect(result).to.equal(-EAGAIN);
  });

  it('may send a part, and carry much', () => {
    const { client, server } = descriptors.pair();
    const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i * 7);
    sendBytes(client, bytes);
    expect(receiveBytes(server, bytes.length)).to.deep.equal(bytes);
  });

  it('read and write at the offset that they are told', () => {
    const { client, server } = descriptors.pair();
    const region = new Region(4096);
    region.bytes.set(new TextEncoder().encode('-middle-'), 100);
    expect(sockets.send(client, region, 101, 6, 0)).to.equal(6);
    awaitReady(server, EPOLLIN);
    expect(sockets.recv(server, region, 200, 50, 0)).to.equal(6);
    expect(new TextDecoder().decode(region.bytes.subarray(199, 207))).to.equal('\0middle\0');
    region.release();
  });

  it('pass a half-close on and stay open the other way', () => {
    const { client, server } = descriptors.pair();
    expect(sockets.shutdown(client, SHUT_WR)).to.equal(0);
    expect(receiveText(server, 1)).to.equal('');
    sendText(server, 'the answer');
    expect(receiveText(client, 10)).to.equal('the answer');
    expect(trySend(client, Uint8Array.of(1))).to.equal(-32);
  });

  it('keep their options', () => {
    const fd = descriptors.keep(sockets.socket(4, SOCK_STREAM));
    for (const [level, option, value] of [
      [SOL_SOCKET, SO_REUSEPORT, 1],
      [SOL_SOCKET, SO_KEEPALIVE, 1],
      [IPPROTO_TCP, TCP_NODELAY, 1],
      [IPPROTO_TCP, TCP_KEEPIDLE, 77],
    ] as const) {
      sockets.setOption(fd, level, option, value);
      expect(sockets.getOption(fd, level, option)).to.equal(value);
    }
    // The kernel doubles buffer sizes, for its own bookkeeping (socket(7)).
    sockets.setOption(fd, SOL_SOCKET, SO_SNDBUF, 20_000);
    sockets.setOption(fd, SOL_SOCKET, SO_RCVBUF, 20_000);
    expect(sockets.getOption(fd, SOL_SOCKET, SO_SNDBUF)).to.equal(40_000);
    expect(sockets.getOption(fd, SOL_SOCKET, SO_RCVBUF)).to.equal(40_000);
    sockets.setOptionPair(fd, SOL_SOCKET, SO_LINGER, 1, 5);
    expect(sockets.getOption(fd, SOL_SOCKET, SO_LINGER)).to.equal(1);
  });

  it('of IPv6 keep to IPv6 where they are told', () => {
    const fd = descriptors.keep(sockets.socket(6, SOCK_STREAM));
    sockets.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    expect(sockets.getOption(fd, IPPROTO_IPV6, IPV6_V6ONLY)).to.equal(1);
  });

  it('tell the error of a refused connection once', () => {
    const listener = descriptors.listen();
    descriptors.close(listener.fd);
    expect(() => descriptors.connect(listener.port)).to.throw('connect: ECONNREFUSED');
    const fd = descriptors.keep(sockets.trySocket(4, SOCK_STREAM));
    sockets.connectInet(fd, LOOPBACK[4], listener.port);
    awaitReady(fd, EPOLLOUT);
    expect([sockets.takeError(fd), sockets.takeError(fd)]).to.deep.equal([ECONNREFUSED, 0]);
  });

  it('connect to a link-local address by its interface alone', () => {
    const linkLocal = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    const fd = descriptors.keep(sockets.socket(6, SOCK_DGRAM));
    expect(sockets.connectInet(fd, linkLocal, 53)).to.equal(-EINVAL);
    // Whether there is a way to it depends on the machine.
    expect(sockets.connectInet(fd, linkLocal, 53, interfaceIndex('lo'))).to.not.equal(-EINVAL);
  });

  it('throw a SysError from the calls that set them up', () => {
    const { fd, port } = descriptors.listen();
    const other = descriptors.keep(sockets.socket(4, SOCK_STREAM));
    const datagram = descriptors.keep(sockets.socket(4, SOCK_DGRAM));
    const taken = { family: 4, bytes: LOOPBACK[4], port } as const;
    expect(codeOf(() => sockets.bind(other, taken))).to.equal('bind EADDRINUSE');
    expect(codeOf(() => sockets.bind(other, { ...taken, bytes: Uint8Array.of(192, 0, 2, 254), port: 0 }))).to.equal(
      'bind EADDRNOTAVAIL',
    );
    expect(codeOf(() => sockets.listen(datagram, 1))).to.equal('listen ENOTSUP');
    expect(codeOf(() => sockets.socket(4, 99))).to.equal('socket EINVAL');
    expect(codeOf(() => sockets.setOption(fd, 9999, 1, 1))).to.equal('setsockopt ENOPROTOOPT');
    expect(codeOf(() => sockets.getOption(fd, 9999, 1))).to.match(/^getsockopt E(NOPROTOOPT|NOTSUP|OPNOTSUPP)$/);
    expect(codeOf(() => sockets.setOptionPair(fd, 9999, 1, 1, 1))).to.equal('setsockopt ENOPROTOOPT');
    expect(codeOf(() => sockets.localAddress(1_000_000))).to.equal('getsockname EBADF');
    expect(codeOf(() => sockets.close(1_000_000))).to.equal('close EBADF');
  });

  it('answer a negative errno from the calls on the path of a byte', () => {
    expect(sockets.trySocket(6, 99)).to.equal(-22);
    expect(sockets.trySetOption(1_000_000, SOL_SOCKET, SO_KEEPALIVE, 1)).to.equal(-EBADF);
    expect(sockets.accept(1_000_000)).to.equal(-EBADF);
    expect(sockets.shutdown(1_000_000, SHUT_WR)).to.equal(-EBADF);
    expect(sockets.peerAddress(1_000_000)).to.equal(undefined);
    const unconnected = descriptors.keep(sockets.socket(4, SOCK_STREAM));
    expect(sockets.peerAddress(unconnected)).to.equal(undefined);
    expect(sockets.shutdown(unconnected, SHUT_WR)).to.equal(-107);
  });
});
