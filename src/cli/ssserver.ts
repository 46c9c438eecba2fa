/** `ssserver`: `umbra server` under the name that shadowsocks-rust has for it. */

import { runCommand } from './command.js';
import { main } from './main.js';
import { serverCommand } from './server.js';

await main('ssserver', (args) => runCommand('ssserver', serverCommand, args));
