/**
 * What settings are made from: a file, flags and the environment, seen as one configuration in which flags go before the file,
 * and which can still say of each value where it was written.
 */

import type { FileConfig } from './file-shape.js';
import type { Environment } from './find-file.js';
import type { JsonPath } from './json-document.js';
import type { ParsedFile } from './parse-file.js';

/** Flags that stand for a key of the same name and take its place. */
export type FlagValues = Pick<
  FileConfig,
  | 'timeout'
  | 'idle_timeout'
  | 'drain_timeout'
  | 'probe_timeout'
  | 'egress_allow'
  | 'no_delay'
  | 'keep_alive'
  | 'dns'
  | 'ipv6_first'
  | 'workers'
  | 'mode'
  | 'udp_timeout'
  | 'udp_max_associations'
  | 'allow_insecure_ciphers'
>;

/** The command line as the configuration sees it; ranges of numbers are already checked. */
export interface FlagSettings {
  /** `HOST:PORT` of `-s`: takes the place of all servers of the file. */
  readonly server?: string | undefined;
  /** The link of `--server-url`, which does the same. */
  readonly serverUrl?: string | undefined;
  /** `HOST:PORT` of `-b`: takes the place of all listeners of the file. */
  readonly local?: string | undefined;
  /** `--protocol`, `HOST:PORT` of `-f`: with `-b` they are the one listener. */
  readonly protocol?: string | undefined;
  readonly forward?: string | undefined;
  readonly password?: string | undefined;
  readonly key?: string | undefined;
  readonly method?: string | undefined;
  readonly values?: FlagValues;
  /** How many `-v`. */
  readonly verbosity?: number | undefined;
  readonly withoutTime?: boolean | undefined;
}

export interface ConfigSources {
  readonly file?: { readonly path: string; readonly parsed: ParsedFile };
  readonly flags: FlagSettings;
  readonly environment: Environment;
}

/** File and flags as one; a flag takes the place of its key. */
export function mergedConfig({ file, flags }: ConfigSources): FileConfig {
  const config = file?.parsed.config ?? {};
  const values = Object.fromEntries(Object.entries(flags.values ?? {}).filter(([, value]) => value !== undefined));
  // A flag goes before both of the keys that say the same.
  const runtime = values['workers'] === undefined ? {} : { runtime: {} };
  return { ...config, ...runtime, ...values };
}

/** The beginning of a sentence about a value: `umbra.json:3:12: "dns"`, or `--dns`. */
export function nameOf({ file, flags }: ConfigSources, path: JsonPath): string {
  const [key] = path;
  if (
    typeof key === 'string' &&
    Object.entries(flags.values ?? {}).some(([k, value]) => k === key && value !== undefined)
  ) {
    return `--${key.replaceAll('_', '-')}`;
  }
  const last = path.findLast((step) => typeof step === 'string');
  const place = file === undefined ? '' : `${file.parsed.placeOf(path)}: `;
  return `${place}"${last}"`;
}

/** A password of the form `${NAME}`: the name. */
export function environmentName(text: string): string | undefined {
  return /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(text)?.[1];
}
