/** Where a configuration file is looked for when nobody says, and how it is read. */

import { closeSync, existsSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { ConfigError } from './config-error.js';

export type Mode = 'local' | 'server';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A file of thousands of servers is well below it; a device or a disk image named by mistake is not. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;

/**
 * The first that exists of `local.json` or `server.json`, then `config.json`, in the working directory, the user's
 * configuration directory and the system's.
 */
export function findConfigFile(
  modes: readonly Mode[],
  environment: Environment,
  workingDirectory: string,
): string | undefined {
  const userDirectory = environment['XDG_CONFIG_HOME'] || join(environment['HOME'] || homedir(), '.config');
  const directories = [workingDirectory, join(userDirectory, 'umbra'), '/etc/umbra'];
  const names = [...modes.map((mode) => `${mode}.json`), 'config.json'];
  return directories
    .flatMap((directory) => names.map((name) => join(directory, name)))
    .find((path) => existsSync(path));
}

export interface FileText {
  readonly text: string;
  /** Group or others may read it. */
  readonly readableByOthers: boolean;
}

/** @throws ConfigError with a sentence for what a user can have done wrong */
export function readTextFile(path: string): FileText {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const status = fstatSync(descriptor);
    if (status.size > MAX_FILE_BYTES)
      throw new ConfigError([`${path} is larger than 16 MiB, which no configuration is.`]);
    return { text: readFileSync(descriptor, 'utf8'), readableByOthers: status.isFile() && (status.mode & 0o044) !== 0 };
  } catch (error) {
    throw error instanceof ConfigError ? error : new ConfigError([unreadable(path, error)]);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function unreadable(path: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return `There is no file ${path}: check the path, or make the file.`;
  if (code === 'EACCES') return `You may not read ${path}: change its permissions, or run as its owner.`;
  if (code === 'EISDIR') return `${path} is a directory: name the file in it.`;
  return `${path} cannot be read (${String(code ?? error)}): check the path.`;
}
