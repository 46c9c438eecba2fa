/** Batches of datagrams over the loopback interface: payloads, peers, cuts, errors. */

import { expect } from 'chai';
import { EPOLLERR, EPOLLIN, MSG_DONTWAIT } from '../../../native-bindings/constants.js';
import { DatagramBatch } from '../../../native-bindings/datagram.js';
import { EAGAIN, EBADF, ECONNREFUSED } from '../../../native-bindings/errno.js';
import { liveRegions } from '../../../native-bindings/memory.js';
import { connectInet } from '../../../native-bindings/socket.js';
import { awaitReady, Descriptors, LOOPBACK } from '../../support/loopback-sockets.js';

describe('a batch of datagrams', () => {
  const descriptors = new Descriptors();
  const batches: DatagramBatch[] = [];

  function batchOf(slots: number, slotSize: number): DatagramBatch {
    const batch = new DatagramBatch(slots, slotSize);
    batches.push(batch);
    return batch;
  }

  function put(batch: DatagramBatch, slot: number, text: string, bytes: Uint8Array | undefined, port: number): void {
    const payload = new TextEncoder().encode(text);
    batch.region.bytes.set(payload, batch.payloadOffset(slot));
    batch.prepare(slot, payload.length, bytes, port);
  }

  function payload(batch: DatagramBatch, slot: number): string {
    const at = batch.payloadOffset(slot);
    return new TextDecoder().decode(batch.region.bytes.slice(at, at + batch.length(slot)));
  }

  afterEach(() => {
    for (const batch of batches.splice(0)) batch.release();
    descriptors.closeAll();
  });

  for (const family of [4, 6] as const) {
    it(`goes out and comes in in one call each, with its peers, over IPv${family}`, () => {
      const sender = descriptors.datagram(family);
      const receiver = descriptors.datagram(family);
      const out = batchOf(3, 64);
      for (const [slot, text] of ['one', '', 'three'].entries()) put(out, slot, text, LOOPBACK[family], receiver.port);
      expect(out.send(sender.fd, 0, 3, 0)).to.equal(3);
      expect(out.length(2)).to.equal(5);
      awaitReady(receiver.fd, EPOLLIN);
      const into = batchOf(8, 64);
      expect(into.receive(receiver.fd, MSG_DONTWAIT)).to.equal(3);
      expect([0, 1, 2].map((slot) => payload(into, slot))).to.deep.equal(['one', '', 'three']);
      for (const slot of [0, 1, 2]) {
        expect(into.peer(slot)).to.deep.equal({ family, bytes: LOOPBACK[family], port: sender.port });
      }
      expect(into.receive(receiver.fd, 0)).to.equal(-EAGAIN);
    });
  }

  it('can go to several destinations, from any slot on', () => {
    const sender = descriptors.datagram();
    const receivers = [descriptors.datagram(), descriptors.datagram()];
    const out = batchOf(4, 16);
    put(out, 2, 'left', LOOPBACK[4], receivers[0].port);
    put(out, 3, 'right', LOOPBACK[4], receivers[1].port);
    expect(out.send(sender.fd, 2, 2, 0)).to.equal(2);
    const into = batchOf(2, 16);
    ['left', 'right'].forEach((text, i) => {
      awaitReady(receivers[i].fd, EPOLLIN);
      expect(into.receive(receivers[i].fd, 0)).to.equal(1);
      expect(payload(into, 0)).to.equal(text);
    });
  });

  it('takes what there is room for, and the rest with the next call', () => {
    const sender = descriptors.datagram();
    const receiver = descriptors.datagram();
    const out = batchOf(5, 16);
    for (let slot = 0; slot < 5; slot++) put(out, slot, `${slot}`, LOOPBACK[4], receiver.port);
    expect(out.send(sender.fd, 0, 5, 0)).to.equal(5);
    const into = batchOf(3, 16);
    expect(into.receive(receiver.fd, 0)).to.equal(3);
    expect(into.receive(receiver.fd, 0)).to.equal(2);
    expect([payload(into, 0), payload(into, 1)]).to.deep.equal(['3', '4']);
  });

  it('cuts a payload at the size of a slot, and the next slot keeps its own', () => {
    const sender = descriptors.datagram();
    const receiver = descriptors.datagram();
    const out = batchOf(2, 100);
    put(out, 0, 'x'.repeat(100), LOOPBACK[4], receiver.port);
    put(out, 1, 'short', LOOPBACK[4], receiver.port);
    out.send(sender.fd, 0, 2, 0);
    // Sizes are rounded up to 16, so that slots stay aligned.
    const into = batchOf(2, 20);
    expect(into.slotSize).to.equal(32);
    expect(into.receive(receiver.fd, 0)).to.equal(2);
    expect([payload(into, 0), payload(into, 1)]).to.deep.equal(['x'.repeat(32), 'short']);
  });

  it('carries the largest datagram', () => {
    const sender = descriptors.datagram();
    const receiver = descriptors.datagram();
    const out = batchOf(1, 65_507);
    const text = 'y'.repeat(65_507);
    put(out, 0, text, LOOPBACK[4], receiver.port);
    expect(out.send(sender.fd, 0, 1, 0)).to.equal(1);
    const into = batchOf(1, 65_536);
    expect(into.receive(receiver.fd, 0)).to.equal(1);
    expect(payload(into, 0)).to.equal(text);
  });

  it('needs no destination on a connected socket, and tells an error of the one before', () => {
    const receiver = descriptors.datagram();
    const sender = descriptors.datagram();
    expect(connectInet(sender.fd, LOOPBACK[4], receiver.port)).to.equal(0);
    const out = batchOf(1, 16);
    put(out, 0, 'connected', undefined, 0);
    expect(out.send(sender.fd, 0, 1, 0)).to.equal(1);
    const into = batchOf(1, 16);
    expect(into.receive(receiver.fd, 0)).to.equal(1);
    expect(payload(into, 0)).to.equal('connected');
    descriptors.close(receiver.fd);
    expect(out.send(sender.fd, 0, 1, 0)).to.equal(1);
    awaitReady(sender.fd, EPOLLERR);
    expect(out.send(sender.fd, 0, 1, 0)).to.equal(-ECONNREFUSED);
  });

  it('answers a negative errno', () => {
    const batch = batchOf(1, 16);
    put(batch, 0, 'x', LOOPBACK[4], 9);
    expect(batch.send(1_000_000, 0, 1, 0)).to.equal(-EBADF);
    expect(batch.receive(1_000_000, 0)).to.equal(-EBADF);
  });

  it('refuses payloads and slots that it does not have', () => {
    const batch = batchOf(2, 16);
    expect(() => batch.prepare(0, 17, LOOPBACK[4], 1)).to.throw(RangeError, '17 bytes do not fit a slot of 16');
    expect(() => batch.send(0, 1, 2, 0)).to.throw(RangeError, 'a batch of 2 slots has none at 2');
  });

  it('gives its memory back', () => {
    const before = liveRegions();
    const batch = new DatagramBatch(64, 2048);
    expect(liveRegions()).to.equal(before + 1);
    batch.release();
    expect(liveRegions()).to.equal(before);
    expect(() => batch.send(0, 0, 1, 0)).to.throw(RangeError, 'released');
  });
});
