/** What of a source text is code: comments and the contents of strings are blanked, so that a rule about words meets no prose. */

/** A `/` after one of these begins a regular expression, after anything else it divides. */
const BEFORE_REGEXP = /(?:^|[(,=:[!&|?{};+\-*%~<>]|\b(?:return|case|typeof|in|of))\s*$/;

/**
 * @param source TypeScript
 * @returns text of the same length and lines, in which comments, strings, regular expressions and the fixed parts of templates are spaces
 */
export function codeOf(source: string): string {
  let code = '';
  let at = 0;
  /** For each template that is open: how many braces of its `${…}` are. */
  const templates: number[] = [];
  const blank = (end: number): void => {
    code += source.slice(at, end).replace(/[^\n]/g, ' ');
    at = end;
  };
  while (at < source.length) {
    const [char, next] = [source[at], source[at + 1]];
    if (char === '/' && next === '/') blank(endOf(source, /\n|$/g, at));
    else if (char === '/' && next === '*') blank(endOf(source, /\*\/|$/g, at + 2));
    else if (char === "'" || char === '"')
      blank(endOf(source, char === "'" ? /(?:\\.|[^'\\])*(?:'|$)/gs : /(?:\\.|[^"\\])*(?:"|$)/gs, at + 1));
    else if (char === '/' && BEFORE_REGEXP.test(code))
      blank(endOf(source, /(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[])*(?:\/|$)/gs, at + 1));
    else if (char === '`' || (char === '}' && templates.at(-1) === 0)) {
      if (char === '}') templates.pop();
      const end = endOf(source, /(?:\\.|\$(?!\{)|[^`\\$])*(?:`|\$\{|$)/gs, at + 1);
      if (source.slice(0, end).endsWith('${')) templates.push(0);
      blank(end);
    } else {
      if (templates.length > 0 && (char === '{' || char === '}'))
        templates[templates.length - 1] += char === '{' ? 1 : -1;
      code += char;
      at++;
    }
  }
  return code;
}

/** Where the first match of a global pattern ends that is looked for from `from`. */
function endOf(source: string, pattern: RegExp, from: number): number {
  pattern.lastIndex = from;
  const match = pattern.exec(source);
  return match === null ? source.length : match.index + match[0].length;
}
