import { expect } from 'chai';
import { formatIpAddress } from '../../../src/net/ip-address.js';
import type { Target } from '../../../src/net/target.js';
import {
  decodeTarget,
  encodeTarget,
  expectedTargetLength,
  formatTarget,
  MAX_TARGET_LENGTH,
  targetFromHost,
  targetLength,
} from '../../../src/net/target.js';
import { fromHex, loadVectors, toHex } from '../../support/vectors.js';

const { address: vectors } = loadVectors();

function hostOf(target: Target): string {
  return target.kind === 'name' ? target.name : formatIpAddress(target.address);
}

function encoded(target: Target): string {
  const bytes = new Uint8Array(targetLength(target));
  expect(encodeTarget(target, bytes, 0)).to.equal(bytes.length);
  return toHex(bytes);
}

describe('targets', () => {
  for (const vector of vectors.valid) {
    it(`decode and encode the vector ${vector.host.slice(0, 30)}:${vector.port}`, () => {
      const bytes = fromHex(`aaaa ${vector.bytes} bbbb`);
      const decoded = decodeTarget(bytes, 2, bytes.length);
      if (decoded.status !== 'ok') throw new Error(decoded.status);
      expect(decoded.length).to.equal(bytes.length - 4);
      expect(hostOf(decoded.target)).to.equal(vector.host);
      expect(decoded.target.port).to.equal(vector.port);
      expect(encoded(decoded.target)).to.equal(vector.bytes);
    });

    it(`ask for more at every cut of ${vector.host.slice(0, 30)}:${vector.port}`, () => {
      const bytes = fromHex(vector.bytes);
      for (let end = 0; end < bytes.length; end++) {
        expect(decodeTarget(bytes, 0, end).status, `${end} bytes`).to.equal('incomplete');
        expect(expectedTargetLength(bytes, 0, end)).to.be.within(end + 1, bytes.length);
      }
      expect(expectedTargetLength(bytes, 0, bytes.length)).to.equal(bytes.length);
    });
  }

  it('keep their address when others are decoded', () => {
    const addresses = [
      '01 7f000001 0050',
      '01 7f000001 01bb',
      '01 7f000002 0050',
      '01 7f000001 0050',
      `04 ${'0'.repeat(31)}1 0050`,
    ];
    const hosts = addresses.map((text) => {
      const bytes = fromHex(text);
      const decoded = decodeTarget(bytes, 0, bytes.length);
      if (decoded.status !== 'ok') throw new Error(decoded.status);
      bytes.fill(0xff);
      return decoded.target;
    });
    expect(hosts.map(formatTarget)).to.deep.equal([
      '127.0.0.1:80',
      '127.0.0.1:443',
      '127.0.0.2:80',
      '127.0.0.1:80',
      '[::1]:80',
    ]);
  });

  for (const vector of vectors.negative) {
    it(`are not decoded from the negative vector: ${vector.why}`, () => {
      const bytes = fromHex(vector.bytes);
      expect(decodeTarget(bytes, 0, bytes.length).status).to.equal(
        vector.why.startsWith('truncated') ? 'incomplete' : 'bad',
      );
    });
  }

  for (const [bytes, reason] of [
    ['02', 'address-type'],
    ['0300', 'empty-name'],
    ['03 03 610062 0050', 'bad-name'],
    ['03 03 610a62 0050', 'bad-name'],
    ['03 03 612062 0050', 'bad-name'],
    ['03 03 617f62 0050', 'bad-name'],
    ['03 03 61ff62 0050', 'bad-name'],
  ]) {
    it(`are bad (${reason}) in ${bytes}`, () => {
      const input = fromHex(bytes);
      expect(decodeTarget(input, 0, input.length)).to.deep.equal({ status: 'bad', reason });
      expect(expectedTargetLength(input, 0, input.length)).to.be.at.most(input.length);
    });
  }

  it('become IP targets where the name is an IP literal', () => {
    for (const [name, formatted] of [
      ['127.0.0.1', '127.0.0.1:80'],
      ['::1', '[::1]:80'],
      ['::ffff:10.0.0.1', '[::ffff:10.0.0.1]:80'],
    ]) {
      const bytes = Buffer.concat([Uint8Array.of(3, name.length), Buffer.from(name), Uint8Array.of(0, 80)]);
      const decoded = decodeTarget(bytes, 0, bytes.length);
      if (decoded.status !== 'ok') throw new Error(decoded.status);
      expect(decoded.target.kind).to.equal('ip');
      expect(formatTarget(decoded.target)).to.equal(formatted);
      expect(decoded.length).to.equal(bytes.length);
    }
  });

  it('keep names of other scripts', () => {
    const name = 'bücher.example';
    const hex = encoded({ kind: 'name', name, port: 443 });
    const bytes = fromHex(hex);
    const decoded = decodeTarget(bytes, 0, bytes.length);
    expect(decoded).to.deep.include({ status: 'ok', target: { kind: 'name', name, port: 443 } });
  });

  it('own their bytes', () => {
    const bytes = Buffer.from(fromHex('01c000020701bb'));
    const decoded = decodeTarget(bytes, 0, bytes.length);
    bytes.fill(0);
    if (decoded.status !== 'ok') throw new Error(decoded.status);
    expect(formatTarget(decoded.target)).to.equal('192.0.2.7:443');
  });

  it('are refused for encoding when too long, empty, or without room', () => {
    const into = new Uint8Array(MAX_TARGET_LENGTH);
    expect(encodeTarget({ kind: 'name', name: 'a'.repeat(255), port: 1 }, into, 0)).to.equal(MAX_TARGET_LENGTH);
    expect(() => targetLength({ kind: 'name', name: 'a'.repeat(256), port: 1 })).to.throw(RangeError);
    expect(() => targetLength({ kind: 'name', name: '', port: 1 })).to.throw(RangeError);
    expect(() => encodeTarget({ kind: 'name', name: 'ab', port: 1 }, into, MAX_TARGET_LENGTH - 5)).to.throw(RangeError);
  });

  it('are made of what a person writes as a host', () => {
    expect(targetFromHost('example.com', 80)).to.deep.equal({ kind: 'name', name: 'example.com', port: 80 });
    expect(formatTarget(targetFromHost('127.0.0.1', 80))).to.equal('127.0.0.1:80');
    expect(formatTarget(targetFromHost('::1', 80))).to.equal('[::1]:80');
    expect(targetFromHost('[::1]', 80).kind).to.equal('ip');
    expect(formatTarget(targetFromHost('example.com', 80))).to.equal('example.com:80');
  });
});
