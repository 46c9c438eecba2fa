/** Every decoder that meets bytes from outside. */

import type { FuzzTarget } from '../target.js';
import { ADDRESS_TARGETS } from './addresses.js';
import { AEAD_2017_TARGETS } from './aead-2017.js';
import { AEAD_2022_TARGETS } from './aead-2022.js';
import { HOP_TARGETS } from './hops.js';
import { HTTP_TARGETS } from './http.js';
import { NAME_TARGETS } from './names.js';
import { PACKET_TARGETS } from './packets.js';
import { SOCKS_TARGETS } from './socks.js';
import { UNAUTHENTICATED_TARGETS } from './unauthenticated.js';

export const TARGETS: readonly FuzzTarget[] = [
  ...ADDRESS_TARGETS,
  ...SOCKS_TARGETS,
  ...HTTP_TARGETS,
  ...NAME_TARGETS,
  ...AEAD_2017_TARGETS,
  ...AEAD_2022_TARGETS,
  ...HOP_TARGETS,
  ...PACKET_TARGETS,
  ...UNAUTHENTICATED_TARGETS,
];
