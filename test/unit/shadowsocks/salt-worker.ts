/** A thread that adds the salts 0, 1, 2, … to a memory which others add them to as well, and says how many were new to it. */

import { parentPort, workerData } from 'node:worker_threads';
import { type SaltMemory, SharedSalts } from '../../../src/shadowsocks/salt-memory.js';

const { memory, count } = workerData as { readonly memory: SaltMemory; readonly count: number };
const salts = new SharedSalts(memory);
const salt = new Uint8Array(32);
const view = new DataView(salt.buffer);
let added = 0;
for (let i = 0; i < count; i++) {
  view.setUint32(28, i);
  if (salts.add(salt, 0, 32)) added++;
}
parentPort?.postMessage(added);
