/** Regions: their size, their parts, and that nothing outside them can be named to C. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { liveRegions, Region } from '../../../native-bindings/memory.js';
import * as sockets from '../../../native-bindings/socket.js';
import { Descriptors, sendText } from '../../support/loopback-sockets.js';

const PROBE = fileURLToPath(new URL('./memory-probe.js', import.meta.url));

describe('a memory region', () => {
  const regions: Region[] = [];
  const descriptors = new Descriptors();

  function allocate(size: number): Region {
    const region = new Region(size);
    regions.push(region);
    return region;
  }

  afterEach(() => {
    for (const region of regions.splice(0)) region.release();
    descriptors.closeAll();
  });

  it('is whole pages of zeros, seen as bytes and as words', () => {
    const region = allocate(5000);
    expect(region.size).to.equal(8192);
    expect(region.bytes).to.have.length(8192);
    expect(region.bytes.every((byte) => byte === 0)).to.equal(true);
    region.words[1] = 0x04030201;
    expect([...region.bytes.subarray(4, 8)]).to.deep.equal([1, 2, 3, 4]);
  });

  it('is counted while it lives, and released once', () => {
    const before = liveRegions();
    const region = allocate(1);
    expect(liveRegions()).to.equal(before + 1);
    region.release();
    region.release();
    expect(liveRegions()).to.equal(before);
  });

  it('hands out aligned parts until it is full', () => {
    const region = allocate(4096);
    expect(region.reserve(1)).to.equal(0);
    expect(region.reserve(1)).to.equal(16);
    expect(region.reserve(8, 64)).to.equal(64);
    expect(region.reserve(1, 1)).to.equal(72);
    expect(() => region.reserve(4096)).to.throw(RangeError, 'a region of 4096 bytes has no room for 4096 more');
    expect(region.reserve(4096 - 80)).to.equal(80);
    expect(() => region.reserve(1)).to.throw(RangeError);
  });

  it('gives the addresses of parts that lie inside it', () => {
    const region = allocate(4096);
    expect(region.at(0, 4096)).to.equal(region.base);
    expect(region.at(4096, 0)).to.equal(region.base + 4096);
    expect(region.at(100, 1)).to.equal(region.base + 100);
  });

  for (const [offset, length] of [
    [0, 4097],
    [4096, 1],
    [-1, 1],
    [1, -1],
    [Number.NaN, 1],
    [0, Number.NaN],
    [4000, Number.POSITIVE_INFINITY],
  ] as const) {
    it(`refuses ${length} bytes at ${offset}`, () => {
      const region = allocate(4096);
      expect(() => region.at(offset, length)).to.throw(RangeError, 'out of bounds');
    });
  }

  it('is never written past its end by recv, nor read past it by send', () => {
    const region = allocate(4096);
    const { client, server } = descriptors.pair();
    sendText(client, 'data');
    expect(() => sockets.recv(server, region, 4095, 2, 0)).to.throw(RangeError, 'out of bounds');
    expect(() => sockets.send(server, region, -1, 2, 0)).to.throw(RangeError, 'out of bounds');
    expect(sockets.recv(server, region, 4092, 4, 0)).to.equal(4);
    expect(new TextDecoder().decode(region.bytes.subarray(4092))).to.equal('data');
  });

  it('is refused once it is released: the tests run in debug mode', () => {
    const region = allocate(4096);
    region.release();
    expect(() => region.at(0, 1)).to.throw(RangeError, 'the region has been released');
  });

  it('is not checked for that outside of the debug mode', () => {
    const { UMBRA_DEBUG: _, ...environment } = process.env;
    expect(execFileSync(process.execPath, [PROBE], { env: environment, encoding: 'utf8' })).to.equal('not noticed');
    const debug = execFileSync(process.execPath, [PROBE], {
      env: { ...environment, UMBRA_DEBUG: '1' },
      encoding: 'utf8',
    });
    expect(debug).to.contain('the region has been released');
  });

  it('cannot be larger than the address space', () => {
    expect(() => new Region(2 ** 52)).to.throw('mmap: ENOMEM');
  });
});
