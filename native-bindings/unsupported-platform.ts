/** The error of a machine that umbra cannot run on, by itself: whoever tells the user of it must not load what needs the right machine. */

/** umbra cannot run here at all; the message is one sentence for the user. */
export class UnsupportedPlatformError extends Error {
  override readonly name = 'UnsupportedPlatformError';
}
