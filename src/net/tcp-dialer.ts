/**
 * Connects to a target by name or address. A name may have several addresses: they are tried as Happy Eyeballs does (RFC 8305), the
 * families taking turns, each attempt given a head start over the next, the first to connect winning.
 */

import { EPOLLERR, EPOLLHUP, EPOLLOUT, SOCK_STREAM } from '../../native-bindings/constants.js';
import { EINPROGRESS, errnoName } from '../../native-bindings/errno.js';
import { close, connectInet, takeError, trySocket } from '../../native-bindings/socket.js';
import type { EventHandler, Reactor } from '../reactor/reactor.js';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';
import type { EgressPolicy } from './egress-policy.js';
import type { IpAddress } from './ip-address.js';
import type { Lookup, NameResolver, ResolvedName } from './name-resolver.js';
import type { Target } from './target.js';
import { CONNECT_INTEREST } from './tcp-socket.js';
import { setTcpOptions, type TcpOptions } from './tcp-listener.js';

/** RFC 8305 §5 recommends 250 ms between attempts. */
const ATTEMPT_DELAY_MS = 250;
/** A name may come with dozens of addresses; past these the dial has timed out anyway. */
const MAX_CANDIDATES = 16;

/** Why there is no connection: an errno name, a look-up failure, or `EGRESS` where policy refuses every address. */
export type DialFailure = string;

export interface DialHandler {
  /** @param fd connected, registered for CONNECT_INTEREST; take it by `TcpSocket.connected` before returning */
  handleConnected(fd: number, address: IpAddress): void;
  handleDialFailure(failure: DialFailure): void;
  /** A bug below; end the session. */
  handleFailure(error: unknown): void;
}

export interface DialerOptions extends TcpOptions {
  readonly connectTimeoutMs: number;
  readonly ipv6First: boolean;
}

export class TcpDialer {
  readonly reactor: Reactor;
  readonly resolver: NameResolver;
  /** Undefined: any address may be connected to. */
  readonly egress: EgressPolicy | undefined;
  readonly options: DialerOptions;

  constructor(reactor: Reactor, resolver: NameResolver, egress: EgressPolicy | undefined, options: DialerOptions) {
    this.reactor = reactor;
    this.resolver = resolver;
    this.egress = egress;
    this.options = options;
  }

  /** The handler is called once, perhaps before this returns, unless the dial is cancelled. */
  dial(target: Target, handler: DialHandler): Dial {
    const dial = new Dial(this, target, handler);
    dial.start();
    return dial;
  }
}

/** One socket that is connecting. */
class Attempt implements EventHandler {
  readonly #dial: Dial;
  readonly fd: number;
  readonly address: IpAddress;

  constructor(dial: Dial, fd: number, address: IpAddress) {
    this.#dial = dial;
    this.fd = fd;
    this.address = address;
  }

  handleEvents(events: number): void {
    if ((events & (EPOLLERR | EPOLLHUP)) !== 0) this.#dial.attemptFailed(this, errnoName(takeError(this.fd)));
    else if ((events & EPOLLOUT) !== 0) this.#dial.attemptConnected(this);
  }

  handleFailure(error: unknown): void {
    this.#dial.handleFailure(error);
  }
}

export class Dial implements TimeoutHandler {
  readonly #dialer: TcpDialer;
  readonly #target: Target;
  readonly #handler: DialHandler;
  readonly #deadline: Timer = new Timer(this);
  readonly #nextAttempt: Timer = new Timer(this);
  readonly #attempts: Attempt[] = [];
  #candidates: readonly IpAddress[] = [];
  #nextCandidate = 0;
  #lookup: Lookup | undefined = undefined;
  #lastFailure: DialFailure = 'ETIMEDOUT';
  #over = false;

  constructor(dialer: TcpDialer, target: Target, handler: DialHandler) {
    this.#dialer = dialer;
    this.#target = target;
    this.#handler = handler;
  }

  start(): void {
    this.#dialer.reactor.arm(this.#deadline, this.#dialer.options.connectTimeoutMs);
    if (this.#target.kind === 'ip') {
      this.#connectTo([this.#target.address]);
      return;
    }
    const lookup = this.#dialer.resolver.resolve(this.#target.name, (answer) => this.#resolved(answer));
    if (!this.#over && this.#candidates.length === 0) this.#lookup = lookup;
  }

  #resolved(answer: ResolvedName): void {
    this.#lookup = undefined;
    if (this.#over) return;
    if (answer.status === 'ok') this.#connectTo(interleaveFamilies(answer.addresses, this.#dialer.options.ipv6First));
    else this.#fail(answer.code);
  }

  #connectTo(addresses: readonly IpAddress[]): void {
    const { egress } = this.#dialer;
    // Checked here, after the look-up, on the very addresses that will be connected to: a name cannot change in between.
    this.#candidates = egress === undefined ? addresses : addresses.filter((address) => egress.allows(address));
    if (this.#candidates.length === 0) this.#fail('EGRESS');
    else this.#tryNext();
  }

  /** Starts attempts until one is under way. */
  #tryNext(): void {
    while (!this.#over && this.#nextCandidate < this.#candidates.length) {
      if (this.#tryOne(this.#candidates[this.#nextCandidate++])) {
        if (this.#nextCandidate < this.#candidates.length) this.#dialer.reactor.arm(this.#nextAttempt, ATTEMPT_DELAY_MS);
        return;
      }
    }
    if (this.#attempts.length === 0) this.#fail(this.#lastFailure);
  }

  #tryOne(address: IpAddress): boolean {
    const { reactor, options } = this.#dialer;
    const fd = trySocket(address.family, SOCK_STREAM);
    if (fd < 0) {
      this.#lastFailure = errnoName(-fd);
      return false;
    }
    setTcpOptions(fd, options);
    const result = connectInet(fd, address.bytes, this.#target.port);
    if (result < 0 && result !== -EINPROGRESS) {
      close(fd);
      this.#lastFailure = errnoName(-result);
      return false;
    }
    const attempt = new Attempt(this, fd, address);
    this.#attempts.push(attempt);
    reactor.register(fd, CONNECT_INTEREST, attempt);
    return true;
  }

  attemptFailed(attempt: Attempt, failure: DialFailure): void {
    this.#attempts.splice(this.#attempts.indexOf(attempt), 1);
    this.#dialer.reactor.closeDescriptor(attempt.fd);
    this.#lastFailure = failure;
    this.#dialer.reactor.cancel(this.#nextAttempt);
    this.#tryNext();
  }

  attemptConnected(attempt: Attempt): void {
    this.#attempts.splice(this.#attempts.indexOf(attempt), 1);
    this.#end();
    this.#handler.handleConnected(attempt.fd, attempt.address);
  }

  handleTimeout(timer: Timer): void {
    if (timer === this.#nextAttempt) this.#tryNext();
    else this.#fail('ETIMEDOUT');
  }

  handleFailure(error: unknown): void {
    this.#end();
    this.#handler.handleFailure(error);
  }

  #fail(failure: DialFailure): void {
    if (this.#over) return;
    this.#end();
    this.#handler.handleDialFailure(failure);
  }

  /** Gives up: the handler will not be called any more. Idempotent. */
  cancel(): void {
    if (!this.#over) this.#end();
  }

  #end(): void {
    this.#over = true;
    const { reactor } = this.#dialer;
    reactor.cancel(this.#deadline);
    reactor.cancel(this.#nextAttempt);
    this.#lookup?.cancel();
    this.#lookup = undefined;
    for (const attempt of this.#attempts) reactor.closeDescriptor(attempt.fd);
    this.#attempts.length = 0;
  }
}

/** RFC 8305 §4: the families take turns, the preferred one first, the order within a family kept. */
export function interleaveFamilies(addresses: readonly IpAddress[], ipv6First: boolean): readonly IpAddress[] {
  if (addresses.length === 1) return addresses;
  const first = addresses.filter((address) => (address.family === 6) === ipv6First);
  const second = addresses.filter((address) => (address.family === 6) !== ipv6First);
  const ordered: IpAddress[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    if (i < first.length) ordered.push(first[i]);
    if (i < second.length) ordered.push(second[i]);
  }
  return ordered.slice(0, MAX_CANDIDATES);
}
