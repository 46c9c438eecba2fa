import { expect } from 'chai';

import { checkMethod, insecurityWarning, keyChainProblem, keyProblem } from '../../../src/config/methods.js';
import {
  AEAD_2017_METHODS,
  AEAD_2022_METHODS,
  MAX_IDENTITY_KEYS,
  PLAIN_METHODS,
  STREAM_METHODS,
} from '../../../src/config/types.js';

const SAFE = [...AEAD_2022_METHODS, ...AEAD_2017_METHODS];

function problemOf(name: string): string {
  const checked = checkMethod(name, false);
  return 'problem' in checked ? checked.problem : '';
}

describe('a method name', () => {
  it('is any of the AEAD methods, in upper case too', () => {
    for (const method of SAFE) {
      expect(checkMethod(method, false)).to.deep.equal({ method });
      expect(checkMethod(method.toUpperCase(), false)).to.deep.equal({ method });
    }
    expect(checkMethod('AEAD_CHACHA20_POLY1305', false)).to.deep.equal({ method: 'chacha20-ietf-poly1305' });
  });

  it('of a legacy stream cipher is said to be unsafe, and what allows it all the same', () => {
    for (const name of STREAM_METHODS) {
      expect(problemOf(name), name).to.match(/no integrity protection: use one of 2022-.*, set allow_insecure_ciphers/);
    }
    for (const name of PLAIN_METHODS) expect(problemOf(name), name).to.match(/encrypts nothing: use one of 2022-/);
  });

  it('of a legacy stream cipher is right where those are allowed', () => {
    for (const method of [...STREAM_METHODS, ...PLAIN_METHODS]) {
      expect(checkMethod(method.toUpperCase(), true)).to.deep.equal({ method });
    }
  });

  it('of a legacy stream cipher is warned of by the name of the attack, and no other is', () => {
    for (const name of STREAM_METHODS) {
      expect(insecurityWarning(name)).to.include(`"${name}" authenticates nothing`).and.to.include('redirect attack');
    }
    for (const name of PLAIN_METHODS) expect(insecurityWarning(name)).to.include(`"${name}" encrypts nothing`);
    for (const name of SAFE) expect(insecurityWarning(name)).to.equal(undefined);
  });

  it('of an abandoned stream cipher is not served, allowed or not', () => {
    for (const name of ['rc4', 'table', 'bf-cfb', 'aes-256-cfb8', 'camellia-128-ofb']) {
      const checked = checkMethod(name, true);
      expect('problem' in checked && checked.problem, name).to.match(/no integrity protection and is not served/);
    }
  });

  it('of 2022 with fewer rounds is said to be not served', () => {
    expect(problemOf('2022-blake3-chacha8-poly1305')).to.match(/a 2022 method that is not served: use one of /);
  });

  it('that is unknown gets the list of methods', () => {
    expect(problemOf('aes-512-gcm')).to.equal(`is "aes-512-gcm", which is not a method: use one of ${SAFE.join(', ')}`);
  });
});

describe('a raw key', () => {
  const bytes = Buffer.alloc(32, 0xfb);

  it('is right in both alphabets, padded or not', () => {
    expect(keyProblem(bytes.toString('base64'), 'aes-256-gcm')).to.equal(undefined);
    expect(keyProblem(bytes.toString('base64url'), 'aes-256-gcm')).to.equal(undefined);
  });

  it('of the wrong length is refused with both lengths and without the key', () => {
    const key = bytes.toString('base64');
    const problem = keyProblem(key, 'aes-128-gcm') ?? '';
    expect(problem).to.match(/is 32 bytes long: aes-128-gcm needs 16 bytes/);
    expect(problem).not.to.include(key);
  });

  it('that is not base64 is refused', () => {
    expect(keyProblem('not base64!', 'aes-128-gcm')).to.match(/is not base64/);
    expect(keyProblem('', 'aes-128-gcm')).to.match(/is not base64/);
  });
});

describe('a chain of keys', () => {
  const key = Buffer.alloc(32, 0xfb).toString('base64');
  const method = '2022-blake3-aes-256-gcm';

  it('is one key, or those of the hops to the server', () => {
    for (const keys of [1, 2, MAX_IDENTITY_KEYS + 1]) {
      expect(keyChainProblem(Array(keys).fill(key).join(':'), method)).to.equal(undefined);
    }
  });

  it('says which of its keys is wrong, and shows none', () => {
    const problem = keyChainProblem(`${key}:c2hvcnQ=:${key}`, method) ?? '';
    expect(problem).to.match(/^has a key \(number 2\) that is 5 bytes long: .* needs 32 bytes/);
    expect(problem).not.to.include('c2hvcnQ');
    expect(keyChainProblem(`${key}:`, method)).to.match(/number 2\) that is not base64/);
  });

  it('has an end', () => {
    const keys = Array(MAX_IDENTITY_KEYS + 2).fill(key);
    expect(keyChainProblem(keys.join(':'), method)).to.match(/^has 10 keys: at most 9 are served/);
  });

  it('is one key for the method without identity headers', () => {
    expect(keyChainProblem(`${key}:${key}`, '2022-blake3-chacha20-poly1305')).to.match(/knows not: give one key/);
  });
});
