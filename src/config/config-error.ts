/**
 * Mistakes in a configuration. They are collected and reported together, so that a person mends a file in one go instead
 * of running the program once for each mistake.
 */

/** `message` has one sentence a problem, one a line; no stack is of use to anybody. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** The only thing missing is a password, which a person at a terminal can still be asked for. */
export class MissingPasswordError extends ConfigError {}

/** What a loader found so far: errors, which end it, and warnings, which do not. */
export class Findings {
  readonly #problems = new Set<string>();
  readonly #missingPasswords = new Set<string>();
  readonly #warnings = new Set<string>();

  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  problem(sentence: string): void {
    this.#problems.add(sentence);
  }

  missingPassword(sentence: string): void {
    this.#missingPasswords.add(sentence);
  }

  warn(sentence: string): void {
    this.#warnings.add(sentence);
  }

  /** @throws ConfigError with every problem so far, if there is one */
  throwIfAny(): void {
    if (this.#problems.size + this.#missingPasswords.size === 0) return;
    // In the order of the file: the sentences start with `file:line:column`, and line 9 comes before line 10.
    const byPlace = new Intl.Collator('en', { numeric: true });
    const problems = [...this.#problems, ...this.#missingPasswords].sort(byPlace.compare);
    if (this.#problems.size > 0) throw new ConfigError(problems);
    throw new MissingPasswordError(problems);
  }
}
