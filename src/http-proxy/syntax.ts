/** Characters of HTTP/1.1 (RFC 9110 §5.6). Texts here are Latin-1: one character for each byte on the wire. */

const SPACE = 0x20;
const TAB = 0x09;
const DELETE = 0x7f;
const TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** By code: 1 where the character may be part of a token. */
const isTokenCode = new Uint8Array(256);
for (const character of TOKEN_CHARACTERS) isTokenCode[character.charCodeAt(0)] = 1;

/** A method, a field's name, an option: one character at least. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (isTokenCode[text.charCodeAt(i)] !== 1) return false;
  return text.length > 0;
}

/** A field's value holds no control characters but tabs: no line break, and no NUL, which ends a text for some recipients. */
export function isFieldValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < SPACE && code !== TAB) || code === DELETE) return false;
  }
  return true;
}

/** Neither spaces nor control characters. */
export function isVisible(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= SPACE || code === DELETE) return false;
  }
  return true;
}

export function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** Without the spaces and tabs around it; `String.trim` would take more than RFC 9110 §5.5 does. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** `bytes[start, end)` as text. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

/** The other way round. */
export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
