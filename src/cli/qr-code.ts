/** A QR code of text, two rows of it in one line of a terminal. */

import { renderUnicodeCompact } from 'uqr';

/** Modules of quiet zone, without which many cameras see nothing (ISO/IEC 18004 asks for four; two do, on a terminal). */
const BORDER = 2;

/** White on black whatever the terminal's own colours are: a code of exchanged colours is none to many readers. */
const COLOURS = '\u001b[97;40m';
const RESET = '\u001b[0m';

/** @param inColour for a terminal; without, the light modules are characters, as on paper they would be white */
export function qrCode(text: string, inColour: boolean): string {
  const lines = renderUnicodeCompact(text, { ecc: 'L', border: BORDER }).split('\n');
  return lines.map((line) => `${inColour ? COLOURS : ''}${line}${inColour ? RESET : ''}\n`).join('');
}
