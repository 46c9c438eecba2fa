/** A mistake on the command line; its message is one sentence that says what to do, and is all that is printed. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
