/** A camera sees what the terminal shows: the characters are turned into pixels and read by a decoder that is not ours. */

import { expect } from 'chai';
import jsQR from 'jsqr';
import { qrCode } from '../../../src/cli/qr-code.js';

const PIXELS_A_MODULE = 4;
/** Which of the two rows of a line are light. */
const HALVES: Readonly<Record<string, readonly [boolean, boolean]>> = {
  ' ': [false, false],
  '▀': [true, false],
  '▄': [false, true],
  '█': [true, true],
};

function read(lines: readonly string[]): string | undefined {
  const rows = lines.flatMap((line) => {
    const halves = [...line].map((character) => HALVES[character] ?? expect.fail(`"${character}"`));
    return [halves.map(([upper]) => upper), halves.map(([, lower]) => lower)];
  });
  const width = rows[0].length * PIXELS_A_MODULE;
  const height = rows.length * PIXELS_A_MODULE;
  const pixels = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const light = rows[Math.floor(y / PIXELS_A_MODULE)][Math.floor(x / PIXELS_A_MODULE)];
      pixels.fill(light ? 255 : 0, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  return jsQR.default(pixels, width, height)?.data;
}

describe('a QR code', () => {
  const link = `ss://2022-blake3-aes-256-gcm:${'a'.repeat(44)}%3D@192.0.2.1:8388#name`;

  it('can be read from the characters', () => {
    expect(read(qrCode(link, false).trimEnd().split('\n'))).to.equal(link);
  });

  it('has its own colours on a terminal, light on dark', () => {
    const [first, ...others] = qrCode(link, true).split('\n');
    expect(first.replaceAll('█', '')).to.equal('\u001b[97;40m\u001b[0m');
    expect(others.at(-1)).to.equal('');
  });
});
