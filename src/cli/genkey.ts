/** `umbra genkey`: a secret that nobody guesses, good as a password and as a raw key. */

import { randomBytes } from 'node:crypto';

import { checkMethod } from '../config/methods.js';
import { DEFAULTS } from '../config/types.js';
import { METHODS } from '../crypto/methods.js';
import type { Command } from './command.js';
import { GENKEY_FLAGS } from './flags.js';
import { UsageError } from './usage-error.js';

export const genkeyCommand: Command = {
  summary: 'Print a fresh random secret in base64, as long as the key of the method: a "password" or a "key".',
  flags: GENKEY_FLAGS,
  async run(_program, values) {
    const checked = checkMethod(values.text('encrypt-method') ?? DEFAULTS.method, true);
    if ('problem' in checked) throw new UsageError(`--encrypt-method ${checked.problem}.`);
    const { keyLength } = METHODS[checked.method];
    if (keyLength === 0) throw new UsageError(`--encrypt-method ${checked.method} needs no key.`);
    process.stdout.write(`${randomBytes(keyLength).toString('base64')}\n`);
    return 0;
  },
};
