/**
 * A client or server that could not start for a reason its user can act on (a port in use, a library missing). It has a
 * class of its own so that the command line prints its one sentence and no stack.
 */
export class StartError extends Error {
  override readonly name = 'StartError';
}
