/**
 * Reads a command line by a table of flags. Node's own `parseArgs` cuts it into tokens, since importing yargs would double the time
 * from spawn to listening; yargs renders the help (`help.ts`).
 */

import { parseArgs } from 'node:util';

import { nearest } from '../config/nearest.js';
import { type Flag, HELP, type LaterFlag, VERSION } from './flags.js';
import { UsageError } from './usage-error.js';

/** What was given, by the flag's long name. */
export class FlagValues {
  readonly #texts: ReadonlyMap<string, readonly string[]>;

  /** @param texts the values in the order given; an empty text for each time that a flag without a value was there */
  constructor(texts: ReadonlyMap<string, readonly string[]>) {
    this.#texts = texts;
  }

  has(name: string): boolean {
    return this.#texts.has(name);
  }

  count(name: string): number {
    return this.list(name).length;
  }

  list(name: string): readonly string[] {
    return this.#texts.get(name) ?? [];
  }

  text(name: string): string | undefined {
    return this.list(name).at(-1);
  }

  /** @throws UsageError for a text that is no such number */
  number(
    name: string,
    what: string,
    range: { readonly min: number; readonly max: number; readonly whole?: true },
  ): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const number = /^\d{1,10}(?:\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
    const fits = number >= range.min && number <= range.max && (range.whole !== true || Number.isInteger(number));
    if (!fits) throw new UsageError(`--${name} must be ${what} from ${range.min} to ${range.max}, not "${text}".`);
    return number;
  }
}

/**
 * @param later flags that are refused as not served yet
 * @throws UsageError in one sentence
 */
export function parseFlags(
  args: readonly string[],
  flags: readonly Flag[],
  later: readonly LaterFlag[] = [],
): FlagValues {
  const known = new Map<string, Flag | LaterFlag>();
  for (const flag of [...flags, HELP, VERSION, ...later]) {
    for (const name of spellings(flag)) known.set(name, flag);
  }
  const texts = new Map<string, string[]>();
  for (const token of parseArgs({ args: [...args], options: parserOptions(known), strict: false, tokens: true })
    .tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') throw new UsageError(`"${token.value}" is not expected here: see --help.`);
    const flag = known.get(token.rawName);
    if (flag === undefined)
      throw new UsageError(`Unknown flag ${token.rawName}${suggestion(token.rawName, known)}: see --help.`);
    if (!('kind' in flag)) throw new UsageError(`${token.rawName} (${flag.describe}) is not served yet: leave it out.`);
    const text = textOf(token, flag, known);
    texts.set(flag.name, [...(texts.get(flag.name) ?? []), text]);
  }
  return new FlagValues(texts);
}

/** True where help or the version is asked for, wherever and with whatever else. */
export function asksFor(flag: Flag, args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? args.length : end).some((arg) => spellings(flag).includes(arg));
}

/** `-s`, `--server-addr`, … */
export function spellings(flag: Flag | LaterFlag): string[] {
  const short = flag.short === undefined ? [] : [`-${flag.short}`];
  return [...short, ...[flag.name, ...(flag.aliases ?? [])].map((name) => `--${name}`)];
}

function takesValue(flag: Flag | LaterFlag): boolean {
  return 'kind' in flag ? flag.kind === 'value' || flag.kind === 'list' : flag.takesValue;
}

function parserOptions(known: ReadonlyMap<string, Flag | LaterFlag>) {
  const options: Record<string, { type: 'string' | 'boolean'; multiple: true; short?: string }> = {};
  for (const flag of known.values()) {
    for (const name of [flag.name, ...(flag.aliases ?? [])]) {
      options[name] = { type: takesValue(flag) ? 'string' : 'boolean', multiple: true };
    }
    if (flag.short !== undefined) options[flag.name].short = flag.short;
  }
  return options;
}

interface OptionToken {
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function textOf({ rawName, value, inlineValue }: OptionToken, flag: Flag, known: ReadonlyMap<string, unknown>): string {
  if (!takesValue(flag)) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value.`);
    return '';
  }
  // A flag where a value should be: the value was forgotten. `--password=-v` still says what it means.
  if (value === undefined || (inlineValue !== true && known.has(value))) {
    throw new UsageError(`${rawName} needs a value: ${rawName} ${flag.argument ?? 'VALUE'}.`);
  }
  // `-s=x`, which the parser of shadowsocks-rust accepts.
  return rawName.startsWith('--') || inlineValue !== true ? value : value.replace(/^=/, '');
}

function suggestion(rawName: string, known: ReadonlyMap<string, unknown>): string {
  const longNames = [...known.keys()].filter((name) => name.startsWith('--')).map((name) => name.slice(2));
  const guess = rawName.startsWith('--') ? nearest(rawName.slice(2), longNames) : undefined;
  return guess === undefined ? '' : ` (did you mean --${guess}?)`;
}
