/** The users of one server port: their names are labels, their passwords must tell them apart. */

import { METHODS, type Method } from '../crypto/methods.js';
import type { Findings } from './config-error.js';
import type { FileServer } from './file-shape.js';
import type { JsonPath } from './json-document.js';
import { hasIdentities, keyProblem } from './methods.js';
import { passwordWritten, warnOfShort } from './resolve-credentials.js';
import { type ConfigSources, nameOf } from './sources.js';
import { type EndpointUser, MAX_TRIAL_USERS, type MethodName } from './types.js';

/** What a file has of the users of a server. */
export interface WrittenUsers {
  readonly entries: NonNullable<FileServer['users']>;
  readonly path: JsonPath;
}

export function resolveUsers(
  sources: ConfigSources,
  written: WrittenUsers | undefined,
  method: MethodName,
  findings: Findings,
): readonly EndpointUser[] {
  if (written === undefined) return [];
  const name = nameOf(sources, written.path);
  const problem = methodProblem(METHODS[method], written.entries.length);
  if (problem !== undefined) {
    findings.problem(`${name} ${problem}.`);
    return [];
  }
  const users = written.entries.flatMap((entry, at) => {
    const user = resolveUser(sources, entry, [...written.path, at], method, findings);
    return user === undefined ? [] : [user];
  });
  complainOfRepeats(users, 'users', 'name', name, findings);
  complainOfRepeats(users, 'users', 'password', name, findings);
  return users;
}

function methodProblem(method: Method, count: number): string | undefined {
  if (method.family === 'aead-2022') {
    return hasIdentities(method)
      ? undefined
      : `need a method with identity headers, which ${method.name} has not: use 2022-blake3-aes-256-gcm`;
  }
  if (method.family !== 'aead-2017')
    return `cannot be told apart by ${method.name}: use an AEAD method, or a port for each`;
  if (count <= MAX_TRIAL_USERS) return undefined;
  return `are ${count}, but ${method.name} has to try each password: have at most ${MAX_TRIAL_USERS}, or use 2022-blake3-aes-256-gcm`;
}

function resolveUser(
  sources: ConfigSources,
  entry: WrittenUsers['entries'][number],
  path: JsonPath,
  method: MethodName,
  findings: Findings,
): EndpointUser | undefined {
  const { name, password: text } = entry;
  if (name === undefined || text === undefined) {
    findings.problem(`${nameOf(sources, path)}: each user needs a "name" and a "password".`);
    return undefined;
  }
  const passwordName = nameOf(sources, [...path, 'password']);
  const password = passwordWritten(sources, { text, name: passwordName }, findings);
  if (password === undefined) return undefined;
  const isKey = METHODS[method].family === 'aead-2022';
  if (!isKey) warnOfShort(passwordName, password, findings);
  const problem = isKey ? keyProblem(password, method) : undefined;
  if (problem !== undefined) findings.problem(`${passwordName} ${problem}.`);
  return problem === undefined ? { name, password } : undefined;
}

/** @param kind what they are, in the plural */
export function complainOfRepeats(
  entries: readonly EndpointUser[],
  kind: 'users' | 'destinations',
  of: keyof EndpointUser,
  name: string,
  findings: Findings,
): void {
  const seen = new Map<string, string>();
  for (const entry of entries) {
    const other = seen.get(entry[of]);
    if (other !== undefined && of === 'name') findings.problem(`${name} has two ${kind} of the name "${entry.name}".`);
    if (other !== undefined && of === 'password') {
      findings.problem(
        `${name}: "${other}" and "${entry.name}" have the same password, so nobody could tell them apart.`,
      );
    }
    seen.set(entry[of], entry.name);
  }
}
