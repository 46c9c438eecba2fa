/** JSON with comments whose every value knows its line and column, so that a mistake in a file can be pointed at. */

import { getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';

import { ConfigError } from './config-error.js';

export type JsonPath = readonly (string | number)[];

export interface JsonProperty {
  readonly key: string;
  /** `file:line:column` of the key. */
  readonly place: string;
  readonly value: Node;
}

export class JsonDocument {
  readonly root: Node;
  readonly #file: string;
  readonly #lineStarts: readonly number[];

  /**
   * @param file the name that errors have in front
   * @throws ConfigError with the place of the first syntax error
   */
  constructor(file: string, text: string) {
    this.#file = file;
    this.#lineStarts = lineStarts(text);
    const errors: ParseError[] = [];
    const root = parseTree(text, errors, { allowTrailingComma: true });
    const first = errors[0];
    if (first !== undefined) throw new ConfigError([`${this.at(first.offset)}: ${syntaxSentence(first)}.`]);
    if (root?.type !== 'object') {
      throw new ConfigError([`${this.at(root?.offset ?? 0)}: the configuration must be one JSON object, { … }.`]);
    }
    this.root = root;
  }

  /** `file:line:column`, counted from 1, of an offset in the text. */
  at(offset: number): string {
    let line = this.#lineStarts.length - 1;
    while (this.#lineStarts[line] > offset) line--;
    return `${this.#file}:${line + 1}:${offset - this.#lineStarts[line] + 1}`;
  }

  /** `file:line:column` of a value, or of the nearest object around it where the value is absent. */
  placeOf(path: JsonPath): string {
    let node = this.root;
    for (const step of path) {
      const child = childAt(node, step);
      if (child === undefined) break;
      node = child;
    }
    return this.at(node.offset);
  }

  propertiesOf(object: Node): JsonProperty[] {
    return (object.children ?? []).flatMap(({ children }) => {
      if (children?.length !== 2) return [];
      const [key, value] = children;
      return [{ key: String(key.value), place: this.at(key.offset), value }];
    });
  }

  /** The value without the properties that are `null`: other implementations write `null` for "not set". */
  value(): unknown {
    return withoutNulls(getNodeValue(this.root));
  }
}

function childAt(node: Node, step: string | number): Node | undefined {
  if (typeof step === 'number') return node.type === 'array' ? node.children?.[step] : undefined;
  return node.children?.find(({ children }) => children?.[0].value === step)?.children?.[1];
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === null ? [] : [[key, withoutNulls(inner)]])),
  );
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

const SYNTAX_SENTENCES: Readonly<Record<string, string>> = {
  InvalidSymbol: 'this is not JSON (text must be in double quotes)',
  InvalidNumberFormat: 'this is not a number',
  PropertyNameExpected: 'a key in double quotes is expected here',
  ValueExpected: 'a value is expected here',
  ColonExpected: 'a colon is missing before this',
  CommaExpected: 'a comma is missing before this',
  CloseBraceExpected: 'a closing } is missing',
  CloseBracketExpected: 'a closing ] is missing',
  EndOfFileExpected: 'nothing may follow the closing }',
  UnexpectedEndOfComment: 'this comment has no end',
  UnexpectedEndOfString: 'this text has no closing double quote',
  InvalidUnicode: 'this \\u escape needs four hexadecimal digits',
  InvalidEscapeCharacter: 'a backslash may not stand before this character',
  InvalidCharacter: 'this character may not stand in a text',
};

function syntaxSentence({ error }: ParseError): string {
  const code = printParseErrorCode(error);
  return SYNTAX_SENTENCES[code] ?? code;
}
