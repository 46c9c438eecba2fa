/** Connects to the servers in their order until one answers. */

import { formatTarget } from '../net/target.js';
import type { Dial, DialHandler } from '../net/tcp-dialer.js';
import type { TcpSocket } from '../net/tcp-socket.js';
import type { LocalContext, Upstream } from './local-context.js';

export interface ServerDialOwner {
  /** @param socket registered: its events have to be handed over before this returns */
  serverConnected(socket: TcpSocket, upstream: Upstream): void;
  /** None can be reached. @param failure of the last one: an errno name, or a look-up's failure */
  serversFailed(failure: string): void;
  /** A bug below; end the session. */
  handleFailure(error: unknown): void;
}

/** The failure where all servers carry UDP alone. */
const NO_SERVER = 'none carries TCP';

export class ServerDial implements DialHandler {
  readonly #context: LocalContext;
  readonly #owner: ServerDialOwner;
  #index = 0;
  #dial: Dial | undefined = undefined;

  /** The owner is called once, perhaps before this returns, unless the dial is cancelled. */
  static begin(context: LocalContext, owner: ServerDialOwner): ServerDial {
    const dial = new ServerDial(context, owner);
    if (context.upstreams.length > 0) dial.#next();
    else owner.serversFailed(NO_SERVER);
    return dial;
  }

  private constructor(context: LocalContext, owner: ServerDialOwner) {
    this.#context = context;
    this.#owner = owner;
  }

  #next(): void {
    const upstream = this.#context.upstreams[this.#index];
    // The header leaves within milliseconds.
    const dial = this.#context.dialer.dial(upstream.target, this, true);
    // One that failed at once has had its answer, and the dial of the next server may be under way.
    if (!dial.over) this.#dial = dial;
  }

  handleConnected(socket: TcpSocket): void {
    this.#dial = undefined;
    this.#owner.serverConnected(socket, this.#context.upstreams[this.#index]);
  }

  handleDialFailure(failure: string): void {
    this.#dial = undefined;
    const { target } = this.#context.upstreams[this.#index];
    this.#context.relay.log.write('warn', 'the server cannot be reached', {
      server: formatTarget(target),
      reason: failure,
    });
    this.#index++;
    if (this.#index < this.#context.upstreams.length) this.#next();
    else this.#owner.serversFailed(failure);
  }

  handleFailure(error: unknown): void {
    this.#dial = undefined;
    this.#owner.handleFailure(error);
  }

  /** Gives up: the owner will not be called any more. Idempotent. */
  cancel(): void {
    this.#dial?.cancel();
    this.#dial = undefined;
  }
}
