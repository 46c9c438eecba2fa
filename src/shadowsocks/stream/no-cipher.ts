/** The cipher of `none` and `plain`: what comes in goes out. */

import type { Region } from '../../../native-bindings/memory.js';
import type { StreamCipher } from '../../crypto/stream-cipher.js';

export const NO_CIPHER: StreamCipher = {
  begin() {},
  apply(input: Region, inputAt: number, length: number, output: Region, outputAt: number): void {
    input.at(inputAt, length);
    output.at(outputAt, length);
    output.bytes.set(input.bytes.subarray(inputAt, inputAt + length), outputAt);
  },
  free() {},
};
