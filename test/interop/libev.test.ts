/** shadowsocks-libev, which has all five AEAD-2017 methods. */

import { AEAD_2017_METHODS } from '../../src/config/types.js';
import { libev, umbra } from './peers.js';
import { describeInterop } from './suite.js';

for (const method of AEAD_2017_METHODS) {
  describeInterop(libev, umbra, method);
  describeInterop(umbra, libev, method);
}
