import { expect } from 'chai';

import { checkMethod, keyProblem } from '../../../src/config/methods.js';
import { AEAD_2017_METHODS } from '../../../src/config/types.js';

function problemOf(name: string): string {
  const checked = checkMethod(name);
  return 'problem' in checked ? checked.problem : '';
}

describe('a method name', () => {
  it('is any of the AEAD methods, in upper case too', () => {
    for (const method of AEAD_2017_METHODS) {
      expect(checkMethod(method)).to.deep.equal({ method });
      expect(checkMethod(method.toUpperCase())).to.deep.equal({ method });
    }
    expect(checkMethod('AEAD_CHACHA20_POLY1305')).to.deep.equal({ method: 'chacha20-ietf-poly1305' });
  });

  it('of a legacy stream cipher is said to be unsafe and not served yet', () => {
    for (const name of [
      'rc4-md5',
      'aes-256-cfb',
      'aes-128-ctr',
      'chacha20',
      'chacha20-ietf',
      'camellia-192-cfb',
      'none',
    ]) {
      expect(problemOf(name), name).to.match(/no integrity protection and is not served yet: use one of aes-128-gcm, /);
    }
  });

  it('of 2022 is said to be not served yet', () => {
    expect(problemOf('2022-blake3-aes-256-gcm')).to.match(/a 2022 method, which is not served yet: use one of /);
  });

  it('that is unknown gets the list of methods', () => {
    expect(problemOf('aes-512-gcm')).to.equal(
      `is "aes-512-gcm", which is not a method: use one of ${AEAD_2017_METHODS.join(', ')}`,
    );
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
