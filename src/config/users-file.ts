/** The files of users that `socks5_auth_config_path` and `http_auth_config_path` name, in the form of shadowsocks-rust. */

import * as z from 'zod';

import { ConfigError, type Findings } from './config-error.js';
import { readTextFile } from './find-file.js';
import { JsonDocument } from './json-document.js';
import type { LocalInlet } from './types.js';

/** RFC 1929 §2: both lengths are one byte each, and 0 is none. */
const FIELD = 'a string of 1 to 255 bytes';
const field = () => z.string(FIELD).refine((text) => text !== '' && Buffer.byteLength(text) <= 255, FIELD);

const USERS = z.object(
  {
    users: z
      .array(
        z.object({ user_name: field(), password: field() }, 'an object with "user_name" and "password"'),
        'an array of users',
      )
      .min(1),
  },
  'an object with "users"',
);

/** What the users are under: that of SOCKS5 by the name of its method, that of HTTP by its scheme. */
export type UsersKey = 'password' | 'basic';

/**
 * @param path as written in the configuration; a relative one starts at the working directory
 * @param key what the users are under
 * @param name begins the sentence about a file that cannot be read
 */
export function readUsersFile(path: string, key: UsersKey, name: string, findings: Findings): LocalInlet['users'] {
  try {
    const document = new JsonDocument(path, readTextFile(path).text);
    const shape = z.object({ [key]: USERS }, `an object with "${key}"`);
    const parsed = shape.safeParse(document.value());
    for (const issue of parsed.error?.issues ?? []) {
      const at = issue.path.filter((step) => typeof step !== 'symbol');
      findings.problem(`${document.placeOf(at)}: "${at.join('.')}" must be ${issue.message}.`);
    }
    return (parsed.data?.[key].users ?? []).map(({ user_name, password }) => ({ user: user_name, password }));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) findings.problem(`${name}: ${problem}`);
    return [];
  }
}
