/** Makes a session of every connection that a listener accepts. */

import { acceptedPeer, close } from '../../native-bindings/socket.js';
import { peerText } from '../net/peer-text.js';
import type { AcceptHandler } from '../net/tcp-listener.js';
import type { RelayContext } from './context.js';

export class SessionAcceptor implements AcceptHandler {
  readonly #context: RelayContext;
  readonly #open: (fd: number, peer: string) => void;

  /** @param open makes a session, which owns the descriptor; `peer` is for the log and empty where nobody reads it */
  constructor(context: RelayContext, open: (fd: number, peer: string) => void) {
    this.#context = context;
    this.#open = open;
  }

  handleConnection(fd: number): void {
    const { log } = this.#context;
    try {
      this.#open(fd, log.enabled('info') ? peerText(acceptedPeer()) : '');
    } catch (error) {
      // The kernel refuses to watch it (out of memory or of epoll watches): nothing has been made of it yet.
      close(fd);
      log.write('warn', 'a connection could not be watched', {
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }

  handleShortage(code: string): void {
    this.#context.log.write('warn', 'accepting pauses: out of descriptors or memory', { code });
  }
}
