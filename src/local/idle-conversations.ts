/** The HTTP connections of a client that are between two requests, which a stop need not wait for: browsers keep them for minutes. */

export interface IdleConversation {
  /** Ends, where nothing of the next request has come. */
  finishIdle(): void;
}

export class IdleConversations {
  readonly #waiting = new Set<IdleConversation>();
  #stopping = false;

  /** No connection is kept for another request any more. */
  get stopping(): boolean {
    return this.#stopping;
  }

  add(conversation: IdleConversation): void {
    this.#waiting.add(conversation);
  }

  delete(conversation: IdleConversation): void {
    this.#waiting.delete(conversation);
  }

  stop(): void {
    this.#stopping = true;
    for (const conversation of [...this.#waiting]) conversation.finishIdle();
  }
}
