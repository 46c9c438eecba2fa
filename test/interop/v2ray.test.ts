/** v2ray, whose Go code shares nothing with libev's. Of our methods it lacks aes-192-gcm and xchacha20-ietf-poly1305. */

import { umbra, v2ray } from './peers.js';
import { describeInterop } from './suite.js';

describeInterop(v2ray, umbra, 'aes-256-gcm');
describeInterop(umbra, v2ray, 'aes-256-gcm');
