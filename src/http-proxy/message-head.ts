/**
 * The head of a message (RFC 9112 §2): a start line and fields, up to the blank line. It is taken whole or not at all, so that every way of
 * splitting the input gives the same.
 *
 * A head is where one recipient may read something else than the next one does, and requests hide in that difference. Of requests therefore
 * nothing is taken that RFC 9112 leaves to a recipient's kindness: a lone CR or LF, a folded line, a space in front of a colon. Of responses
 * it is, since old servers send such; they are written anew in any case.
 */

import { isBlank, isFieldValue, isToken, textOf, trimBlanks } from './syntax.js';

/** A head past this is refused: Node.js and others have the same limit. Trailers have it as well. */
export const MAX_HEAD_BYTES = 16 * 1024;

const CR = 0x0d;
const LF = 0x0a;

export interface Field {
  /** As sent. */
  readonly name: string;
  /** In lower case, for comparison. */
  readonly key: string;
  /** Without the blanks around it. */
  readonly value: string;
}

export interface MessageHead {
  readonly startLine: string;
  readonly fields: readonly Field[];
}

/** What is wrong with a head, for the log and for the one who sent it. */
export type HeadFault =
  | 'too-large'
  | 'bare-cr-or-lf'
  | 'folded-line'
  | 'space-before-colon'
  | 'bad-field-name'
  | 'bad-field-value';

export type HeadOutcome =
  | { readonly kind: 'more' }
  | { readonly kind: 'head'; readonly head: MessageHead; readonly length: number }
  | { readonly kind: 'bad'; readonly fault: HeadFault };

const MORE: HeadOutcome = { kind: 'more' };

/** Looks for one head after another. What a `read` leaves is offered again, with more behind it. */
export class HeadReader {
  readonly #tolerant: boolean;
  /** Offsets from the message's beginning: how far it has been looked through, and where the line begins that was reached. */
  #scanned = 0;
  #lineAt = 0;
  /** Where the start line begins: empty lines in front of it are no part of a message (RFC 9112 §2.2). */
  #headAt = 0;

  /** @param tolerant of what old servers send */
  constructor(tolerant: boolean) {
    this.#tolerant = tolerant;
  }

  /** @returns the head that begins at `start`, with its length, empty lines in front and the blank line included */
  read(bytes: Uint8Array, start: number, end: number): HeadOutcome {
    const limit = Math.min(end - start, MAX_HEAD_BYTES);
    for (let i = this.#scanned; i < limit; i++) {
      if (bytes[start + i] !== LF) continue;
      const lineAt = this.#lineAt;
      this.#lineAt = i + 1;
      const isEmpty = i === lineAt || (i === lineAt + 1 && bytes[start + lineAt] === CR);
      if (!isEmpty) continue;
      if (lineAt > this.#headAt) return this.#parse(bytes, start, lineAt, i + 1);
      this.#headAt = i + 1;
    }
    this.#scanned = limit;
    return limit === MAX_HEAD_BYTES ? { kind: 'bad', fault: 'too-large' } : MORE;
  }

  #parse(bytes: Uint8Array, start: number, linesEnd: number, length: number): HeadOutcome {
    const text = textOf(bytes, start + this.#headAt, start + linesEnd);
    const isStrictEnd = this.#tolerant || bytes[start + length - 2] === CR;
    this.#scanned = 0;
    this.#lineAt = 0;
    this.#headAt = 0;
    const head = isStrictEnd ? parseHead(text, this.#tolerant) : 'bare-cr-or-lf';
    return typeof head === 'string' ? { kind: 'bad', fault: head } : { kind: 'head', head, length };
  }
}

/** @param text lines, each with its end */
function parseHead(text: string, tolerant: boolean): MessageHead | HeadFault {
  const [startLine, ...lines] = text.split(tolerant ? /\r?\n/ : '\r\n');
  // Behind the last end of a line there is nothing, unless that end was a lone LF.
  if (lines.pop() !== '' || /[\r\n]/.test(startLine)) return 'bare-cr-or-lf';
  const fields: Field[] = [];
  for (const line of tolerant ? unfolded(lines) : lines) {
    const field = parseField(line, tolerant);
    if (typeof field === 'string') return field;
    fields.push(field);
  }
  return { startLine, fields };
}

/** RFC 9112 §5.2: a line that begins with a blank goes on with the one before it. */
function unfolded(lines: readonly string[]): string[] {
  const whole: string[] = [];
  for (const line of lines) {
    if (isBlank(line.charCodeAt(0)) && whole.length > 0) whole.push(`${whole.pop()} ${trimBlanks(line)}`);
    else whole.push(line);
  }
  return whole;
}

function parseField(line: string, tolerant: boolean): Field | HeadFault {
  if (/[\r\n]/.test(line)) return 'bare-cr-or-lf';
  if (isBlank(line.charCodeAt(0))) return 'folded-line';
  const colon = line.indexOf(':');
  const written = line.slice(0, Math.max(0, colon));
  const name = trimBlanks(written);
  if (name !== written && !tolerant) return 'space-before-colon';
  if (!isToken(name)) return 'bad-field-name';
  const value = trimBlanks(line.slice(colon + 1));
  return isFieldValue(value) ? { name, key: name.toLowerCase(), value } : 'bad-field-value';
}
