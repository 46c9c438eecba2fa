/** What `npm run bench` can be asked for: the whole comparison by default, or a part of it while tuning. */

import { parseArgs } from 'node:util';
import type { MethodName } from '../../src/config/types.js';

const KINDS = ['bulk', 'connections', 'pingpong', 'datagrams', 'memory', 'start'] as const;
export type Kind = (typeof KINDS)[number];

const SIDES = ['umbra', 'libev'] as const;
export type Side = (typeof SIDES)[number];

const DEFAULT_METHODS: readonly MethodName[] = ['aes-256-gcm', 'chacha20-ietf-poly1305'];

export const USAGE = `usage: npm run bench -- [options]
  --quick           one round of smaller sizes
  --rounds N        rounds (5)
  --only KIND       ${KINDS.join(' | ')}; repeatable
  --method METHOD   an AEAD-2017 method; repeatable (${DEFAULT_METHODS.join(', ')})
  --node PATH       the Node.js that runs umbra (the one that runs this)
  --umbra-only      no peer: for profiling
  --peer-only       no umbra: what the peer does on this machine
A run of everything writes docs/benchmarks.md and the table in README.md; a part only prints.
`;

export interface Options {
  readonly rounds: number;
  readonly kinds: readonly Kind[];
  readonly methods: readonly string[];
  readonly sides: readonly Side[];
  readonly node: string;
  /** The whole comparison, whose result is worth keeping in docs/. */
  readonly complete: boolean;
  readonly sizes: Sizes;
}

/** How much a round moves. Large enough that a measure takes seconds, small enough that five rounds take minutes. */
export interface Sizes {
  readonly bulkBytes: number;
  readonly connections: number;
  readonly pingPongMs: number;
  readonly datagramMs: number;
  readonly idleConnections: number;
}

/** So many slices of a round go to each proxy, by turns. Even: so that each of the two is as often the first one. */
export const SLICES = 4;

/** What one of them moves. */
export function sliceOf({ bulkBytes, connections, pingPongMs, datagramMs, idleConnections }: Sizes): Sizes {
  return {
    bulkBytes: bulkBytes / SLICES,
    connections: connections / SLICES,
    pingPongMs: pingPongMs / SLICES,
    datagramMs: datagramMs / SLICES,
    idleConnections,
  };
}

const FULL_SIZES: Sizes = {
  bulkBytes: 2 ** 30,
  connections: 24_000,
  pingPongMs: 4_000,
  datagramMs: 2_000,
  idleConnections: 2_000,
};
const QUICK_SIZES: Sizes = {
  bulkBytes: 2 ** 28,
  connections: 4_000,
  pingPongMs: 1_000,
  datagramMs: 700,
  idleConnections: 1_000,
};

/** Throws an error with a sentence for the user on an unknown option or value. */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      method: { type: 'string', multiple: true, default: [] },
      node: { type: 'string', default: process.execPath },
      'umbra-only': { type: 'boolean', default: false },
      'peer-only': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const kinds = values.only.map(asKind);
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds wants a whole number from 1');
  if (values['umbra-only'] && values['peer-only']) throw new Error('--umbra-only and --peer-only leave nothing to run');
  const sides = SIDES.filter((side) => !(side === 'libev' ? values['umbra-only'] : values['peer-only']));
  const complete = kinds.length + values.method.length === 0 && sides.length === 2 && !values.quick && rounds >= 5;
  return {
    rounds,
    kinds: kinds.length === 0 ? KINDS : kinds,
    methods: values.method.length === 0 ? DEFAULT_METHODS : values.method,
    sides,
    node: values.node,
    complete,
    sizes: values.quick ? QUICK_SIZES : FULL_SIZES,
  };
}

function asKind(text: string): Kind {
  const kind = KINDS.find((known) => known === text);
  if (kind === undefined) throw new Error(`--only wants one of ${KINDS.join(', ')}`);
  return kind;
}
