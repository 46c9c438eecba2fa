/** Many datagrams a call over the loopback interface, both ways: payloads, peers, runs, refusals. */

import { expect } from 'chai';
import { EPOLLERR, EPOLLIN, SOCK_DGRAM, SOL_SOCKET } from '../../../native-bindings/constants.js';
import {
  DatagramReceiver,
  LONGEST_DATAGRAM,
  receiveLocalAddresses,
  receiveRuns,
} from '../../../native-bindings/datagram-receiver.js';
import { DatagramSender } from '../../../native-bindings/datagram-sender.js';
import { EAGAIN, EBADF, ECONNREFUSED, EINVAL, EMSGSIZE, errnoName } from '../../../native-bindings/errno.js';
import { liveRegions } from '../../../native-bindings/memory.js';
import { encodeInet } from '../../../native-bindings/sockaddr.js';
import { bind, connectInet, setOption, socket } from '../../../native-bindings/socket.js';
import { awaitReady, Descriptors, LOOPBACK, portOf } from '../../support/loopback-sockets.js';

/** <asm-generic/socket.h>: without checksums the kernel refuses runs, as it does where they do not fit the path. */
const SO_NO_CHECK = 11;

function nameOf(family: 4 | 6, port: number): Uint8Array {
  const name = new Uint8Array(28);
  return name.subarray(0, encodeInet(name, 0, LOOPBACK[family], port));
}

describe('many datagrams a call', () => {
  const descriptors = new Descriptors();
  const ends: (() => void)[] = [];
  const refused: string[] = [];
  const watcher = {
    handleUnsent: (packets: number, errno: number): unknown => refused.push(`${packets} ${errnoName(errno)}`),
  } as const;

  function senderOf(maxPackets = 64): DatagramSender {
    const sender = new DatagramSender(maxPackets, LONGEST_DATAGRAM);
    ends.push(() => sender.release());
    return sender;
  }

  function receiverOf(slots = 8, headroom = 64): DatagramReceiver {
    const receiver = new DatagramReceiver(slots, headroom);
    ends.push(() => receiver.release());
    return receiver;
  }

  function add(sender: DatagramSender, text: string, name: Uint8Array | undefined): void {
    const payload = Buffer.from(text);
    const at = sender.nextAt + 5;
    sender.region.bytes.set(payload, at);
    sender.add(at, payload.length, name);
  }

  /** What one call receives, slot by slot, runs cut into their datagrams. */
  function received(receiver: DatagramReceiver, fd: number): string[][] {
    awaitReady(fd, EPOLLIN);
    const count = receiver.receive(fd);
    return Array.from({ length: Math.max(0, count) }, (_, slot) => {
      const at = receiver.payloadOffset(slot);
      const text = Buffer.from(receiver.region.bytes.slice(at, at + receiver.length(slot))).toString();
      const segment = receiver.segmentLength(slot);
      const parts = [text.slice(0, segment)];
      for (let from = segment; from < text.length; from += segment) parts.push(text.slice(from, from + segment));
      return parts;
    });
  }

  afterEach(() => {
    for (const end of ends.splice(0)) end();
    descriptors.closeAll();
    refused.length = 0;
  });

  for (const family of [4, 6] as const) {
    it(`go out and come in in one call each, with their peers, over IPv${family}`, () => {
      const [from, to] = [descriptors.datagram(family), descriptors.datagram(family)];
      const sender = senderOf();
      const name = nameOf(family, to.port);
      for (const text of ['one', '', 'three']) add(sender, text, name);
      expect(sender.send(from.fd, watcher)).to.equal(3);
      const receiver = receiverOf();
      expect(received(receiver, to.fd)).to.deep.equal([['one'], [''], ['three']]);
      for (const slot of [0, 1, 2]) {
        expect(receiver.peer(slot)).to.deep.equal({ family, bytes: LOOPBACK[family], port: from.port });
        const at = receiver.nameOffset(slot);
        const bytes = receiver.region.bytes.slice(at, at + receiver.nameLength(slot));
        expect(bytes).to.deep.equal(nameOf(family, from.port));
      }
      expect(receiver.receive(to.fd)).to.equal(-EAGAIN);
    });
  }

  it('go to several destinations in the order in which they were added', () => {
    const from = descriptors.datagram();
    const to = [descriptors.datagram(), descriptors.datagram()];
    const names = to.map(({ port }) => nameOf(4, port));
    const sender = senderOf();
    for (let i = 0; i < 6; i++) add(sender, `${i}`, names[i % 2]);
    expect(sender.send(from.fd, watcher)).to.equal(6);
    const receiver = receiverOf();
    expect(received(receiver, to[0].fd).flat()).to.deep.equal(['0', '2', '4']);
    expect(received(receiver, to[1].fd).flat()).to.deep.equal(['1', '3', '5']);
  });

  it('of equal length to one place are a run, which a shorter one ends, for who does not ask for runs and who does', () => {
    const from = descriptors.datagram();
    const texts = ['aaaa', 'bbbb', 'cc', 'dddd', 'eeee', 'ffffff', 'gggggg'];
    for (const runs of [false, true]) {
      const to = descriptors.datagram();
      if (runs) receiveRuns(to.fd);
      const sender = senderOf();
      const name = nameOf(4, to.port);
      for (const text of texts) add(sender, text, name);
      expect(sender.send(from.fd, watcher)).to.equal(texts.length);
      const got = received(receiverOf(), to.fd);
      expect(got.flat()).to.deep.equal(texts);
      expect(got).to.have.length(runs ? 3 : texts.length);
    }
  });

  it('that do not fit a call come with the next one, and what is full says so', () => {
    const [from, to] = [descriptors.datagram(), descriptors.datagram()];
    const sender = senderOf(5);
    for (let i = 0; i < 5; i++) {
      expect(sender.full).to.equal(false);
      add(sender, `${i}`.repeat(i + 1), nameOf(4, to.port));
    }
    expect(sender.full).to.equal(true);
    expect(() => add(sender, 'x', undefined)).to.throw(RangeError);
    expect(sender.send(from.fd, watcher)).to.equal(5);
    expect([sender.full, sender.count]).to.deep.equal([false, 0]);
    const receiver = receiverOf(3);
    expect(received(receiver, to.fd).flat()).to.deep.equal(['0', '11', '222']);
    expect(received(receiver, to.fd).flat()).to.deep.equal(['3333', '44444']);
  });

  it('of the largest size get through, with room in front', () => {
    const [from, to] = [descriptors.datagram(), descriptors.datagram()];
    const sender = senderOf();
    const text = 'y'.repeat(65_507);
    for (let i = 0; i < 3; i++) {
      add(sender, text, nameOf(4, to.port));
      if (sender.full) sender.send(from.fd, watcher);
    }
    sender.send(from.fd, watcher);
    const receiver = receiverOf(4, 1300);
    expect(received(receiver, to.fd).flat()).to.deep.equal([text, text, text]);
    expect(receiver.payloadOffset(0)).to.be.at.least(1300);
    expect(receiver.payloadOffset(1) - receiver.payloadOffset(0)).to.be.at.least(65_507 + 1300);
  });

  for (const family of [4, 6] as const) {
    it(`tell which address they were sent to over IPv${family}, and are sent from the one that is given, as runs as well`, () => {
      const asked = family === 4 ? Uint8Array.of(127, 0, 0, 7) : LOOPBACK[6];
      const [from, port] = [descriptors.datagram(family), descriptors.keep(socket(family, SOCK_DGRAM))];
      bind(port, { family, bytes: new Uint8Array(asked.length), port: 0 });
      receiveRuns(port);
      receiveLocalAddresses(port, family);
      const sender = senderOf();
      const question = new Uint8Array(28);
      const name = question.subarray(0, encodeInet(question, 0, asked, portOf(port)));
      for (const text of ['aaaa', 'bbbb', 'c']) add(sender, text, name);
      add(sender, 'alone', name);
      sender.send(from.fd, watcher);
      const receiver = receiverOf();
      expect(received(receiver, port)).to.deep.equal([['aaaa', 'bbbb', 'c'], ['alone']]);
      const localAt = receiver.localOffset(0);
      const local = receiver.region.bytes.slice(localAt, localAt + asked.length);
      expect([local, receiver.localOffset(1) > localAt]).to.deep.equal([asked, true]);
      const back = nameOf(family, from.port);
      for (const text of ['1111', '2222', 'three', 'x']) {
        const at = sender.nextAt;
        sender.region.bytes.set(Buffer.from(text), at);
        sender.add(at, text.length, back, local);
      }
      expect(sender.send(port, watcher)).to.equal(4);
      const answers = receiverOf();
      expect(received(answers, from.fd).flat()).to.deep.equal(['1111', '2222', 'three', 'x']);
      for (const slot of [0, 3]) expect(answers.peer(slot)).to.deep.include({ bytes: asked });
      expect(answers.localOffset(0)).to.equal(-1);
    });
  }

  it('that are too large are told, and the others go', () => {
    const [from, to] = [descriptors.datagram(), descriptors.datagram()];
    const sender = senderOf();
    for (const length of [3, 65_508, 4]) add(sender, 'z'.repeat(length), nameOf(4, to.port));
    expect(sender.send(from.fd, watcher)).to.equal(2);
    expect(refused).to.deep.equal([`1 ${errnoName(EMSGSIZE)}`]);
    expect(received(receiverOf(), to.fd).flat()).to.deep.equal(['zzz', 'zzzz']);
  });

  it('go one by one where the kernel takes no run, and no longer as runs then', () => {
    const [from, to] = [descriptors.datagram(), descriptors.datagram()];
    setOption(from.fd, SOL_SOCKET, SO_NO_CHECK, 1);
    receiveRuns(to.fd);
    const sender = senderOf();
    for (let round = 0; round < 2; round++) {
      for (const text of ['first', 'again', 'third']) add(sender, text, nameOf(4, to.port));
      expect(sender.send(from.fd, watcher)).to.equal(3);
      expect(received(receiverOf(), to.fd)).to.deep.equal([['first'], ['again'], ['third']]);
    }
    expect(refused).to.deep.equal([]);
  });

  it('need no destination on a connected socket, and tell an error of those before', () => {
    const [from, to] = [descriptors.datagram(), descriptors.datagram()];
    expect(connectInet(from.fd, LOOPBACK[4], to.port)).to.equal(0);
    const sender = senderOf();
    add(sender, 'connected', undefined);
    expect(sender.send(from.fd, watcher)).to.equal(1);
    expect(received(receiverOf(), to.fd).flat()).to.deep.equal(['connected']);
    descriptors.close(to.fd);
    add(sender, 'nobody', undefined);
    expect(sender.send(from.fd, watcher)).to.equal(1);
    awaitReady(from.fd, EPOLLERR);
    add(sender, 'nobody', undefined);
    add(sender, 'told once', undefined);
    sender.send(from.fd, watcher);
    expect(refused).to.deep.equal([`1 ${errnoName(ECONNREFUSED)}`]);
  });

  it('that cannot be sent or received at all answer an errno', () => {
    const sender = senderOf();
    add(sender, 'x', nameOf(4, 9));
    expect(sender.send(1_000_000, watcher)).to.equal(0);
    expect(refused).to.deep.equal([`1 ${errnoName(EBADF)}`]);
    expect(receiverOf().receive(1_000_000)).to.equal(-EBADF);
    add(sender, 'x', Uint8Array.of(1, 2, 3));
    sender.send(descriptors.datagram().fd, watcher);
    expect(refused[1]).to.equal(`1 ${errnoName(EINVAL)}`);
  });

  it('give their memory back', () => {
    const before = liveRegions();
    senderOf();
    receiverOf();
    expect(liveRegions()).to.equal(before + 2);
    for (const end of ends.splice(0)) end();
    expect(liveRegions()).to.equal(before);
  });
});
