/**
 * Which keys each level of a configuration file may have: the one table that the checks, the JSON schema and the test of
 * docs/CONFIGURATION.md go by.
 */

import type * as z from 'zod';

import {
  DESTINATION_SHAPE,
  LOCAL_SHAPE,
  LOG_FORMAT_SHAPE,
  LOG_SHAPE,
  RUNTIME_SHAPE,
  SERVER_SHAPE,
  TOP_SHAPE,
  USER_SHAPE,
} from './file-shape.js';
import {
  LATER_LOCAL_KEYS,
  LATER_LOCAL_PREFIXES,
  LATER_LOG_KEYS,
  LATER_NESTED_KEYS,
  LATER_RUNTIME_KEYS,
  LATER_SERVER_KEYS,
  LATER_TOP_KEYS,
  type LaterKeys,
} from './later-keys.js';

export interface Level {
  /** As a heading or an error names it. */
  readonly title: string;
  readonly served: Readonly<Record<string, z.ZodType>>;
  readonly later: LaterKeys;
  /** A key that starts with one of these is a known one that is not served yet. */
  readonly laterPrefixes: readonly string[];
  /** Levels below, by key; the items of an array are of the level of its key. */
  readonly below: Readonly<Record<string, Level>>;
}

/** An object that is not served: its keys are known words and nothing more. */
function laterObject(path: string): Level {
  const served: Record<string, z.ZodType> = {};
  const later = Object.fromEntries(LATER_NESTED_KEYS[path].map((key) => [key, '']));
  const below = Object.fromEntries(
    Object.keys(LATER_NESTED_KEYS)
      .filter((known) => known.startsWith(`${path}.`) && !known.slice(path.length + 1).includes('.'))
      .map((known) => [known.slice(path.length + 1), laterObject(known)]),
  );
  return { title: `\`${path}\``, served, later, laterPrefixes: [], below };
}

const USER_LEVEL: Level = {
  title: '`users[]`',
  served: USER_SHAPE,
  later: {},
  laterPrefixes: [],
  below: {},
};

const DESTINATION_LEVEL: Level = {
  title: '`destinations[]`',
  served: DESTINATION_SHAPE,
  later: {},
  laterPrefixes: [],
  below: {},
};

const SERVER_LEVEL: Level = {
  title: '`servers[]`',
  served: SERVER_SHAPE,
  later: LATER_SERVER_KEYS,
  laterPrefixes: [],
  below: { users: USER_LEVEL, destinations: DESTINATION_LEVEL },
};

const LOCAL_LEVEL: Level = {
  title: '`locals[]`',
  served: LOCAL_SHAPE,
  later: LATER_LOCAL_KEYS,
  laterPrefixes: LATER_LOCAL_PREFIXES,
  below: {},
};

const LOG_FORMAT_LEVEL: Level = {
  title: '`log.format`',
  served: LOG_FORMAT_SHAPE,
  later: {},
  laterPrefixes: [],
  below: {},
};

const LOG_LEVEL: Level = {
  title: '`log`',
  served: LOG_SHAPE,
  later: LATER_LOG_KEYS,
  laterPrefixes: [],
  below: { format: LOG_FORMAT_LEVEL },
};

const RUNTIME_LEVEL: Level = {
  title: '`runtime`',
  served: RUNTIME_SHAPE,
  later: LATER_RUNTIME_KEYS,
  laterPrefixes: [],
  below: {},
};

export const TOP_LEVEL: Level = {
  title: 'the top level',
  served: TOP_SHAPE,
  later: LATER_TOP_KEYS,
  laterPrefixes: [],
  below: {
    servers: SERVER_LEVEL,
    shadowsocks: SERVER_LEVEL,
    locals: LOCAL_LEVEL,
    users: USER_LEVEL,
    destinations: DESTINATION_LEVEL,
    log: LOG_LEVEL,
    runtime: RUNTIME_LEVEL,
    security: laterObject('security'),
    balancer: laterObject('balancer'),
    online_config: laterObject('online_config'),
  },
};

/** The levels with served keys, in the order of the documentation. */
export const SERVED_LEVELS: readonly Level[] = [
  TOP_LEVEL,
  SERVER_LEVEL,
  USER_LEVEL,
  DESTINATION_LEVEL,
  LOCAL_LEVEL,
  LOG_LEVEL,
  LOG_FORMAT_LEVEL,
  RUNTIME_LEVEL,
];

export function servedKeys(level: Level): readonly string[] {
  return Object.keys(level.served);
}

export function laterKeys(level: Level): readonly string[] {
  return Object.keys(level.later);
}
