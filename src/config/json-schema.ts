/** The JSON schema of a configuration file, for the completion and the checks of an editor. */

import * as z from 'zod';

import { type Level, TOP_LEVEL } from './levels.js';

/** JSON Schema, draft 2020-12, of the whole file: served keys with their types, the others marked as not served yet. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(levelSchema(TOP_LEVEL), { io: 'input' });
  return { ...schema, title: 'umbra configuration' };
}

function levelSchema(level: Level): z.ZodType {
  const served = Object.entries(level.served).map(([key, type]) => [key, withLevelBelow(type, level.below[key])]);
  const later = Object.entries(level.later).map(([key, what]) => [
    key,
    z.unknown().meta({ description: `Not served yet: ${what}`, deprecated: true }),
  ]);
  const shape: Record<string, z.ZodType> = Object.fromEntries([...served, ...later]);
  const known = z.object(shape).partial();
  return level.laterPrefixes.length > 0 ? known.catchall(z.unknown()) : known.strict();
}

/** The shapes know served keys alone; in the schema each level gets all that it may have. */
function withLevelBelow(type: z.ZodType, below: Level | undefined): z.ZodType {
  if (below === undefined) return type;
  const inner = levelSchema(below);
  const description = type.description ?? '';
  return type instanceof z.ZodArray ? z.array(inner).min(1).describe(description) : inner.describe(description);
}
