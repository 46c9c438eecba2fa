/** Says what a released region answers; run as a program without the debug mode, which cannot be left once it is on. */

import { Region } from '../../../native-bindings/memory.js';

const region = new Region(1);
region.release();
try {
  region.at(0, 1);
  process.stdout.write('not noticed');
} catch (error) {
  process.stdout.write(String(error));
}
