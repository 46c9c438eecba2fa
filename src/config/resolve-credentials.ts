/** Method, password and key of one server: what is written next to it, else what holds for all, else the environment. */

import { METHODS, type Method } from '../crypto/methods.js';
import type { Findings } from './config-error.js';
import type { Mode } from './find-file.js';
import type { JsonPath } from './json-document.js';
import { checkMethod, keyChainProblem, keyProblem } from './methods.js';
import { type ConfigSources, environmentName, mergedConfig, nameOf } from './sources.js';
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

/** Whose they are. */
export interface CredentialsOwner {
  readonly mode: Mode;
  /** The server, for the sentence that asks for a password. */
  readonly address: string;
  /** It has users, whose own passwords may be all that it needs. */
  readonly hasUsers: boolean;
}

export function resolveCredentials(
  sources: ConfigSources,
  written: WrittenCredentials,
  owner: CredentialsOwner,
  findings: Findings,
): Credentials | undefined {
  const checked = checkMethod(
    written.method?.text ?? DEFAULTS.method,
    mergedConfig(sources).allow_insecure_ciphers === true,
  );
  if ('problem' in checked) {
    findings.problem(`${written.method?.name ?? '"method"'} ${checked.problem}.`);
    return undefined;
  }
  const { method } = checked;
  const facts: Method = METHODS[method];
  if (facts.family === 'plain' || (facts.family === 'aead-2017' && owner.hasUsers)) return { method, password: '' };
  if (written.key !== undefined && facts.family !== 'aead-2022') {
    const problem = keyProblem(written.key.text, method);
    if (problem !== undefined) findings.problem(`${written.key.name} ${problem}.`);
    return problem !== undefined ? undefined : { method, password: '', key: written.key.text };
  }
  // The password of a 2022 method is the key; whoever wrote it as one meant the same.
  const secret = written.key ?? written.password;
  const password =
    secret === undefined
      ? passwordOfNobody(sources, owner.address, method, findings)
      : passwordWritten(sources, secret, findings);
  if (password === undefined) return undefined;
  if (facts.family === 'aead-2022') {
    const problem = (owner.mode === 'local' ? keyChainProblem : keyProblem)(password, method);
    if (problem !== undefined) {
      findings.problem(`${secret?.name ?? `The password for ${owner.address}`} ${problem}.`);
      return undefined;
    }
  } else if (owner.mode === 'server') {
    warnOfShort(secret?.name ?? `The password for ${owner.address}`, password, findings);
  }
  return { method, password };
}

/** Below it a password of words or letters is within reach of somebody who recorded a connection and tries all. */
const GOOD_PASSWORD_LENGTH = 16;

/** On the server's side, which is where passwords are made. */
export function warnOfShort(name: string, password: string, findings: Findings): void {
  if (password.length >= GOOD_PASSWORD_LENGTH) return;
  findings.warn(
    `${name} has fewer than ${GOOD_PASSWORD_LENGTH} characters: whoever records traffic can try all of that length. "umbra genkey" makes one that nobody guesses.`,
  );
}

/** @returns what is written, or what the environment variable holds that it names */
export function passwordWritten(
  { environment }: ConfigSources,
  written: Written,
  findings: Findings,
): string | undefined {
  const variable = environmentName(written.text);
  if (variable === undefined && written.text !== '') return written.text;
  const value = variable === undefined ? undefined : environment[variable];
  if (value) return value;
  const complaint =
    variable === undefined ? 'is empty: give a password' : `needs the environment variable ${variable}: set it`;
  findings.problem(`${written.name} ${complaint}.`);
  return undefined;
}

function passwordOfNobody(
  { file, environment }: ConfigSources,
  whose: string,
  method: MethodName,
  findings: Findings,
): string | undefined {
  const fromEnvironment = PASSWORD_VARIABLES.map((name) => environment[name]).find(Boolean);
  if (fromEnvironment !== undefined) return fromEnvironment;
  const inFile = file === undefined ? '' : `add "password" to ${file.path}, `;
  findings.missingPassword(
    `No password is given for ${whose}: ${inFile}use -k PASSWORD, or set ${PASSWORD_VARIABLES[0]} ("umbra genkey -m ${method}" makes a good one).`,
  );
  return undefined;
}
