/** v2ray, whose Go code shares nothing with libev's. Of our methods it lacks aes-192-gcm and xchacha20-ietf-poly1305. */

import { umbra, v2ray } from './peers.js';
import { describeBothWays } from './suite.js';

describeBothWays(v2ray, umbra, { method: 'aes-256-gcm', amount: 64 * 2 ** 20 });
