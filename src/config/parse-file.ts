/**
 * From the text of a configuration file to a typed value: unknown keys are errors with a guess at what was meant, known ones
 * that are not served yet are warnings, wrong types are errors. Everything is said with file, line and column, and in one go.
 */

import type { Node } from 'jsonc-parser';
import type * as z from 'zod';

import { Findings } from './config-error.js';
import { FILE_SHAPE, type FileConfig } from './file-shape.js';
import { JsonDocument, type JsonPath } from './json-document.js';
import { LATER_ARRAYS } from './later-keys.js';
import { type Level, laterKeys, servedKeys, TOP_LEVEL } from './levels.js';
import { didYouMean, nearest } from './nearest.js';

export interface ParsedFile {
  readonly config: FileConfig;
  /** Sentences, each with its place. */
  readonly warnings: readonly string[];
  /** `file:line:column` of a value. */
  placeOf(path: JsonPath): string;
}

/** Keys whose values are never printed. */
const SECRET_KEYS: ReadonlySet<string> = new Set(['password', 'key', 'port_password']);

/**
 * @param file the name that messages have in front
 * @param text the file's whole text: JSON, comments and trailing commas allowed
 * @throws ConfigError
 */
export function parseFile(file: string, text: string): ParsedFile {
  const document = new JsonDocument(file, text.replace(/^\uFEFF/, ''));
  const findings = new Findings();
  checkKeys(document, document.root, TOP_LEVEL, findings);
  const value = document.value();
  const parsed = FILE_SHAPE.safeParse(value);
  for (const issue of parsed.error?.issues ?? []) findings.problem(typeSentence(document, value, issue));
  findings.throwIfAny();
  if (!parsed.success) throw parsed.error;
  return { config: parsed.data, warnings: findings.warnings, placeOf: (path) => document.placeOf(path) };
}

function checkKeys(document: JsonDocument, object: Node, level: Level, findings: Findings): void {
  const seen = new Set<string>();
  for (const { key, place, value } of document.propertiesOf(object)) {
    if (seen.has(key)) findings.problem(`${place}: "${key}" is given twice: remove one of the two.`);
    seen.add(key);
    const isLater = Object.hasOwn(level.later, key) || level.laterPrefixes.some((prefix) => key.startsWith(prefix));
    if (!isLater && !Object.hasOwn(level.served, key)) {
      findings.problem(`${place}: unknown key "${key}"${guess(key, level)}.`);
    } else if (isLater && level.later[key] !== '' && asksForSomething(value)) {
      findings.warn(`${place}: "${key}" is not served yet and has no effect.`);
    }
    if (Object.hasOwn(level.below, key)) checkBelow(document, value, level.below[key], findings);
  }
}

function checkBelow(document: JsonDocument, value: Node, level: Level, findings: Findings): void {
  if (value.type === 'object') checkKeys(document, value, level, findings);
  if (value.type !== 'array') return;
  for (const item of value.children ?? []) {
    if (item.type === 'object') checkKeys(document, item, level, findings);
  }
}

/** `"fast_open": false` and `"plugin": ""` ask for what happens anyway. */
function asksForSomething({ type, value }: Node): boolean {
  return type === 'object' || type === 'array' || (value !== false && value !== '' && value !== null);
}

function guess(key: string, level: Level): string {
  const here = [...servedKeys(level), ...laterKeys(level)];
  if (nearest(key, here) !== undefined) return didYouMean(key, here);
  const home = otherLevels(level).find((other) => Object.hasOwn(other.served, key));
  return home === undefined ? '' : ` here (it belongs to ${home.title.replaceAll('`', '')})`;
}

function otherLevels(level: Level, from: Level = TOP_LEVEL): Level[] {
  const below = Object.values(from.below).flatMap((next) => otherLevels(level, next));
  return from === level ? below : [from, ...below];
}

function typeSentence(document: JsonDocument, value: unknown, issue: z.core.$ZodIssue): string {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  const name = formatPath(path);
  const found = valueAt(value, path);
  const beginning = `${document.placeOf(path)}: "${name}"`;
  if (Array.isArray(found) && Object.hasOwn(LATER_ARRAYS, name)) {
    return `${beginning} as an array is not served yet: ${LATER_ARRAYS[name]}.`;
  }
  return `${beginning} must be ${issue.message}, not ${shown(found, path)}.`;
}

/** `servers[1].port` */
function formatPath(path: JsonPath): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('');
}

function valueAt(value: unknown, path: JsonPath): unknown {
  return path.reduce<unknown>(
    (inner, step) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, step) : undefined),
    value,
  );
}

function shown(value: unknown, path: JsonPath): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (typeof value === 'object') return 'an object';
  if (value === '') return 'an empty string';
  const isSecret = path.some((step) => SECRET_KEYS.has(String(step)));
  return isSecret ? `a ${typeof value}` : JSON.stringify(value);
}
