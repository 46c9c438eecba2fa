/** `sslocal`: `umbra local` under the name that shadowsocks-rust has for it. */

import { runCommand } from './command.js';
import { localCommand } from './local.js';
import { main } from './main.js';

await main('sslocal', (args) => runCommand('sslocal', localCommand, args));
