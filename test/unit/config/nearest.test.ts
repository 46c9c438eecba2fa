import { expect } from 'chai';

import { didYouMean, nearest } from '../../../src/config/nearest.js';

const KEYS = ['server', 'server_port', 'local_port', 'method', 'mode', 'timeout', 'password'];

describe('the nearest known word', () => {
  for (const [typed, meant] of [
    ['mehtod', 'method'],
    ['servr_port', 'server_port'],
    ['Server-Port', 'server_port'],
    ['local_prot', 'local_port'],
    ['passwrod', 'password'],
    ['tiemout', 'timeout'],
    ['modes', 'mode'],
  ]) {
    it(`of "${typed}" is "${meant}"`, () => {
      expect(nearest(typed, KEYS)).to.equal(meant);
    });
  }

  it('is none where nothing is near', () => {
    expect(nearest('frobnicate', KEYS)).to.equal(undefined);
    expect(nearest('x', KEYS)).to.equal(undefined);
    expect(nearest('', KEYS)).to.equal(undefined);
  });

  it('makes a phrase, or none', () => {
    expect(didYouMean('metod', KEYS)).to.equal(' (did you mean "method"?)');
    expect(didYouMean('frobnicate', KEYS)).to.equal('');
  });
});
