/** shadowsocks-libev, which has all five AEAD-2017 methods and all stream ciphers that umbra has. */

import { AEAD_2017_METHODS, STREAM_METHODS } from '../../src/config/types.js';
import { libev, umbra } from './peers.js';
import { describeBothWays } from './suite.js';

for (const method of AEAD_2017_METHODS) describeBothWays(libev, umbra, { method, amount: 64 * 2 ** 20 });
for (const method of STREAM_METHODS) describeBothWays(libev, umbra, { method });
