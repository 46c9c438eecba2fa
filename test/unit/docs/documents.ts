/** The documents, and what can be taken out of Markdown without understanding more of it than is needed. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** @param path from the root */
export function readDocument(path: string): string {
  return readFileSync(`${ROOT}${path}`, 'utf8');
}

export interface CodeBlock {
  /** What follows the fence: `sh`, `js`, …; empty where nothing does. */
  readonly language: string;
  readonly lines: readonly string[];
}

export function codeBlocks(text: string): CodeBlock[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, body]) => ({
    language,
    lines: body.trimEnd().split('\n'),
  }));
}

/** The targets of links and images that are no URLs, without their anchors. */
export function linkedPaths(text: string): { readonly path: string; readonly anchor: string }[] {
  return [...prose(text).matchAll(/\]\(([^()\s]+)\)/g)]
    .map(([, target]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path, anchor = ''] = target.split('#');
      return { path, anchor };
    });
}

/** `src/relay/relay.ts`, `test/unit/` and the like: inline code that begins with a folder of this repository. */
export function mentionedPaths(text: string, folders: readonly string[]): string[] {
  return [...prose(text).matchAll(/`([\w./-]+)`/g)]
    .map(([, path]) => path)
    .filter((path) => folders.some((folder) => path.startsWith(`${folder}/`)));
}

/** As GitHub makes them of headings. */
export function anchors(text: string): string[] {
  return [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}

/** The cells of the table rows of a text, without heads. */
export function tableRows(text: string): string[][] {
  return [...text.matchAll(/^\|(?!\s*:?-)(.+)\|$/gm)].map(([, row]) => row.split('|').map((cell) => cell.trim()));
}

/** A document from one heading of the second order to the next. */
export function section(text: string, title: string): string {
  const [, rest] = text.split(`\n## ${title}\n`);
  if (rest === undefined) throw new Error(`there is no section "${title}"`);
  return rest.split('\n## ')[0];
}

/** Without code blocks. */
function prose(text: string): string {
  return text.replace(/^```.*?^```$/gms, '');
}

/** Splits a line of a shell as far as documents need: words, quotes, a comment, redirections and what follows `&&`. */
export function shellCommands(line: string): string[][] {
  const commands: string[][] = [[]];
  for (const [word] of line.matchAll(/"[^"]*"|'[^']*'|\$\([^)]*\)|[^\s"']+/g)) {
    if (word.startsWith('#')) break;
    if (word === '&&' || word === ';' || word === '|') commands.push([]);
    else commands[commands.length - 1].push(word.replace(/^(["'])(.*)\1$/, '$2'));
  }
  return commands.map((words) => {
    const redirected = words.findIndex((word) => /^[<>]/.test(word));
    const command = redirected === -1 ? words : words.slice(0, redirected);
    // NAME=value in front of a command.
    return command.slice(command.findIndex((word) => !/^[A-Z_]+=/.test(word)));
  });
}
