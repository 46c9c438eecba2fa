import { expect } from 'chai';
import { normalizeName } from '../../../src/dns/name.js';

describe('DNS names', () => {
  for (const [name, normalized] of [
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['localhost', 'localhost'],
    ['_dmarc.my_host.example', '_dmarc.my_host.example'],
    ['1.2.3.4.example', '1.2.3.4.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.example.', 'xn--bcher-kva.example'],
    ['a'.repeat(63), 'a'.repeat(63)],
    [`${'a.'.repeat(126)}b`, `${'a.'.repeat(126)}b`],
  ]) {
    it(`are one spelling: ${name.slice(0, 40)} is ${normalized.slice(0, 40)}`, () => {
      expect(normalizeName(name)).to.equal(normalized);
    });
  }

  for (const name of [
    '',
    '.',
    '..',
    '.example',
    'a..b',
    'example.com..',
    '0',
    '127.1',
    '2130706433',
    'host.123',
    'with space',
    'nul\0byte',
    'slash/ed',
    '[::1]',
    'back\\slash.example',
    'a'.repeat(64),
    `${'a.'.repeat(127)}b`,
    'xn--\u{2028}.example',
  ]) {
    it(`are not ${JSON.stringify(name.slice(0, 40))}`, () => {
      expect(normalizeName(name)).to.equal(undefined);
    });
  }
});
