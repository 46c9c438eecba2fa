/** Asks for a password without showing it, or reads it from a pipe. */

import { UsageError } from './usage-error.js';

/** No password is longer; it bounds what a pipe can make us keep. */
const MAX_LENGTH = 4096;

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const BACKSPACES: ReadonlySet<string> = new Set(['\b', '\u007f']);

/** @throws UsageError where nothing is given, or the person presses Ctrl-C */
export async function readPassword(prompt = 'Password: '): Promise<string> {
  const { stdin } = process;
  if (stdin.isTTY) {
    // Before the prompt: nothing that is typed after it may be shown.
    stdin.setRawMode(true);
    process.stderr.write(prompt);
  }
  stdin.setEncoding('utf8');
  try {
    const password = await readLine(stdin);
    if (password === '') throw new UsageError('No password was given: run again and give one.');
    return password;
  } finally {
    if (stdin.isTTY) {
      stdin.setRawMode(false);
      process.stderr.write('\n');
    }
    stdin.pause();
  }
}

async function readLine(input: NodeJS.ReadStream): Promise<string> {
  let line = '';
  for await (const text of input.iterator({ destroyOnReturn: false })) {
    for (const character of String(text)) {
      if (character === '\n' || character === '\r' || character === CTRL_D) return line;
      if (character === CTRL_C) throw new UsageError('No password was given.');
      // The array is cut by code points, so that a backspace takes a whole character.
      line = BACKSPACES.has(character) ? [...line].slice(0, -1).join('') : line + character;
      if (line.length > MAX_LENGTH)
        throw new UsageError(`A password has at most ${MAX_LENGTH} characters: give a shorter one.`);
    }
  }
  return line;
}
