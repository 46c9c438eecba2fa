/** `ssurl`: `umbra url` under the name that shadowsocks-rust has for it. */

import { runCommand } from './command.js';
import { main } from './main.js';
import { urlCommand } from './url.js';

await main('ssurl', (args) => runCommand('ssurl', urlCommand, args));
