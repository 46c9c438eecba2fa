/** Method, password and key of one server: what is written next to it, else what holds for all, else the environment. */

import type { Findings } from './config-error.js';
import type { JsonPath } from './json-document.js';
import { checkMethod, keyProblem } from './methods.js';
import { type ConfigSources, environmentName, nameOf } from './sources.js';
import { DEFAULTS, type MethodName } from './types.js';

/** Environment variables that hold a password, the first one that is set counts; the second is that of shadowsocks-rust. */
export const PASSWORD_VARIABLES = ['UMBRA_PASSWORD', 'SS_SERVER_PASSWORD'] as const;

/** A value and the name that a sentence about it starts with. */
export interface Written {
  readonly text: string;
  readonly name: string;
}

export interface WrittenCredentials {
  readonly method?: Written | undefined;
  readonly password?: Written | undefined;
  readonly key?: Written | undefined;
}

export interface Credentials {
  readonly method: MethodName;
  readonly password: string;
  readonly key?: string;
}

/** What an object of the file has of `method`, `password` and `key`. */
export function writtenAt(
  sources: ConfigSources,
  object: {
    readonly method?: string | undefined;
    readonly password?: string | undefined;
    readonly key?: string | undefined;
  },
  path: JsonPath,
): WrittenCredentials {
  const written = (key: 'method' | 'password' | 'key'): Written | undefined =>
    object[key] === undefined ? undefined : { text: object[key], name: nameOf(sources, [...path, key]) };
  return { method: written('method'), password: written('password'), key: written('key') };
}

/** What flags have of them. */
export function writtenInFlags({ flags }: ConfigSources): WrittenCredentials {
  const written = (text: string | undefined, name: string): Written | undefined =>
    text === undefined ? undefined : { text, name };
  return {
    method: written(flags.method, '--encrypt-method'),
    password: written(flags.password, '--password'),
    key: written(flags.key, '--key'),
  };
}

/**
 * `first` where it says something, else `second`. A password and a key are one thing with two spellings: one of them in `first` hides
 * both of `second`.
 */
export function orElse(first: WrittenCredentials, second: WrittenCredentials): WrittenCredentials {
  const secret = first.password === undefined && first.key === undefined ? second : first;
  return { method: first.method ?? second.method, password: secret.password, key: secret.key };
}

/** @param whose the server, for the sentence that asks for a password */
export function resolveCredentials(
  sources: ConfigSources,
  written: WrittenCredentials,
  whose: string,
  findings: Findings,
): Credentials | undefined {
  const checked = checkMethod(written.method?.text ?? DEFAULTS.method);
  if ('problem' in checked) {
    findings.problem(`${written.method?.name ?? '"method"'} ${checked.problem}.`);
  }
  const method = 'method' in checked ? checked.method : undefined;
  if (written.key !== undefined) {
    const problem = method === undefined ? undefined : keyProblem(written.key.text, method);
    if (problem !== undefined) findings.problem(`${written.key.name} ${problem}.`);
    return method === undefined || problem !== undefined ? undefined : { method, password: '', key: written.key.text };
  }
  const password = resolvePassword(sources, written.password, whose, findings);
  return method === undefined || password === undefined ? undefined : { method, password };
}

function resolvePassword(
  { file, environment }: ConfigSources,
  written: Written | undefined,
  whose: string,
  findings: Findings,
): string | undefined {
  if (written !== undefined) {
    const variable = environmentName(written.text);
    if (variable === undefined && written.text !== '') return written.text;
    const value = variable === undefined ? undefined : environment[variable];
    if (value) return value;
    const complaint =
      variable === undefined ? 'is empty: give a password' : `needs the environment variable ${variable}: set it`;
    findings.problem(`${written.name} ${complaint}.`);
    return undefined;
  }
  const fromEnvironment = PASSWORD_VARIABLES.map((name) => environment[name]).find(Boolean);
  if (fromEnvironment !== undefined) return fromEnvironment;
  const inFile = file === undefined ? '' : `add "password" to ${file.path}, `;
  findings.missingPassword(
    `No password is given for ${whose}: ${inFile}use -k PASSWORD, or set ${PASSWORD_VARIABLES[0]} ("umbra genkey" makes a good one).`,
  );
  return undefined;
}
