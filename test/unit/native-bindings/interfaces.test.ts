import { networkInterfaces } from 'node:os';

import { expect } from 'chai';

import { interfaceIndex } from '../../../native-bindings/interfaces.js';

describe('network interfaces', () => {
  it('have the numbers that the kernel says', () => {
    expect(interfaceIndex('lo')).to.equal(1);
    for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
      for (const address of addresses) {
        // Only a link-local address has the number of its interface with it.
        if (address.family === 'IPv6' && address.scopeid !== 0) expect(interfaceIndex(name)).to.equal(address.scopeid);
      }
    }
  });

  it('that do not exist have none, nor has what is no name', () => {
    for (const name of ['', 'no-such-one', 'lo'.padEnd(16, 'o'), 'x'.repeat(4096)]) {
      expect(interfaceIndex(name), name).to.equal(0);
    }
  });
});
