/**
 * Log lines to standard error: by pino, for people by default and as JSON where asked for. Lines that come before pino is there are
 * kept, so that a reactor need not wait for it to start.
 */

import type { LogLevel } from '../config/types.js';
import type { LogLine } from '../umbra.js';

export interface LogStyle {
  /** How many `-v`. */
  readonly verbosity: number;
  readonly json: boolean;
  readonly withoutTime: boolean;
}

type Sink = (line: LogLine) => void;

/** What the data plane is asked to make: warnings alone, a line a connection, or everything. */
export function dataPlaneLevel(verbosity: number): LogLevel {
  if (verbosity === 0) return 'warn';
  return verbosity === 1 ? 'info' : 'debug';
}

export class Log {
  readonly #style: LogStyle;
  readonly #print: (text: string) => unknown;
  #sink: Sink;
  #waiting: LogLine[] = [];

  /** @param print takes whole lines, newline included */
  constructor(style: LogStyle, print: (text: string) => unknown = (text) => process.stderr.write(text)) {
    this.#style = style;
    this.#print = print;
    this.#sink = (line) => this.#waiting.push(line);
  }

  readonly write = (line: LogLine): void => this.#sink(line);

  info(message: string, fields: LogLine['fields'] = {}): void {
    this.write({ level: 'info', message, fields });
  }

  warn(message: string): void {
    this.write({ level: 'warn', message, fields: {} });
  }

  /** Loads pino and prints what has waited. */
  async open(): Promise<void> {
    const { pino, stdTimeFunctions } = await import('pino');
    const { json, withoutTime } = this.#style;
    const print = this.#print;
    const logger = pino(
      {
        level: 'debug',
        base: null,
        timestamp: withoutTime ? false : stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        // No line has them; if one ever does, it is not to be read.
        redact: ['password', 'key', 'psk'],
      },
      { write: (text: string) => print(json ? text : humanLine(text)) },
    );
    this.#sink = ({ level, message, fields }) => logger[level](fields, message);
    for (const line of this.#waiting.splice(0)) this.#sink(line);
  }
}

/** `2026-01-31T12:00:00.000Z info listening on 127.0.0.1:1080 protocol=socks5` */
function humanLine(json: string): string {
  const { time, level, msg, ...fields }: Record<string, unknown> = JSON.parse(json);
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${quoted(String(value))}`);
  return `${[...(time === undefined ? [] : [time]), level, printable(String(msg)), ...pairs].join(' ')}\n`;
}

function quoted(text: string): string {
  return text === '' || /[\s"=]/.test(text) ? printable(JSON.stringify(text)) : printable(text);
}

/** Nothing that a peer named may break a line or drive a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
