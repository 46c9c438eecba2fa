/**
 * Connects to a target by name or address. A name may have several addresses: they are tried as Happy Eyeballs does (RFC 8305), the
 * families taking turns, each attempt given a head start over the next, the first to connect winning.
 */

import { EPOLLERR, EPOLLHUP, EPOLLOUT, SOCK_STREAM } from '../../native-bindings/constants.js';
import { EINPROGRESS, EMFILE, ENFILE, errnoName, SysError } from '../../native-bindings/errno.js';
import { close, connectInet, isConnected, takeError, trySocket } from '../../native-bindings/socket.js';
import type { Reactor } from '../reactor/reactor.js';
import { type TimeoutHandler, Timer } from '../reactor/timers.js';
import type { EgressPolicy } from './egress-policy.js';
import { type IpAddress, sameIpAddress } from './ip-address.js';
import type { LateAnswer, Lookup, NameResolver, ResolvedName } from './name-resolver.js';
import type { Target } from './target.js';
import { holdHandshake, type TcpOptions } from './tcp-options.js';
import { CONNECT_INTEREST, ESTABLISHED_INTEREST, type SocketKeeper, TcpSocket } from './tcp-socket.js';
import { type DialedSocket, UsedSockets } from './used-sockets.js';

/** RFC 8305 §5 recommends 250 ms between attempts. */
export const ATTEMPT_DELAY_MS = 250;
/**
 * With all known addresses failed, how long the other family's are waited for: name servers that never answer for it are common enough, and the
 * failure is somebody's answer, or the next server's turn. In so long a name server answers, or is asked again.
 */
export const LATE_ADDRESSES_MS = 1000;
/** A name may come with dozens of addresses; past these the dial has timed out anyway. */
export const MAX_CANDIDATES = 16;

/** Why there is no connection: an errno name, a look-up failure, or `EGRESS` where policy refuses every address. */
export type DialFailure = string;

export interface DialHandler {
  /**
   * @param socket registered: its events have to be handed over before this returns
   */
  handleConnected(socket: TcpSocket): void;
  handleDialFailure(failure: DialFailure): void;
  /** A bug below; end the session. */
  handleFailure(error: unknown): void;
}

export interface DialerOptions extends Pick<TcpOptions, 'noDelay'> {
  readonly connectTimeoutMs: number;
  readonly ipv6First: boolean;
}

export class TcpDialer {
  readonly reactor: Reactor;
  readonly resolver: NameResolver;
  /** Undefined: any address may be connected to. */
  readonly egress: EgressPolicy | undefined;
  readonly options: DialerOptions;
  readonly used: UsedSockets<Attempt>;

  /** @param watched the addresses that it allows get a new socket each, see `UsedSockets` */
  constructor(
    reactor: Reactor,
    resolver: NameResolver,
    egress: EgressPolicy | undefined,
    options: DialerOptions,
    watched?: EgressPolicy,
  ) {
    this.reactor = reactor;
    this.resolver = resolver;
    this.egress = egress;
    this.options = options;
    this.used = new UsedSockets(reactor, watched);
  }

  /**
   * The handler is called once, perhaps before this returns, unless the dial is cancelled.
   * @param sendsFirst the handler has bytes for the target as soon as it is connected
   */
  dial(target: Target, handler: DialHandler, sendsFirst: boolean): Dial {
    const dial = new Dial(this, target, handler, sendsFirst);
    dial.start();
    return dial;
  }
}

/** One socket that is connecting, has connected, or is kept to connect again. */
class Attempt implements SocketKeeper, DialedSocket {
  readonly fd: number;
  readonly address: IpAddress;
  readonly port: number;
  /** What it is registered for; 0: it is not. */
  interest = 0;
  #holdsHandshake = false;
  /** Begun before this one, by the same dial, and still connecting. */
  older: Attempt | undefined = undefined;
  readonly #dialer: TcpDialer;
  /** While it connects. */
  #dial: Dial | undefined = undefined;

  constructor(dialer: TcpDialer, fd: number, address: IpAddress, port: number) {
    this.#dialer = dialer;
    this.fd = fd;
    this.address = address;
    this.port = port;
  }

  /** @returns a negative errno where the connection has failed already */
  begin(dial: Dial, sendsFirst: boolean): number {
    this.#dial = dial;
    if (this.#holdsHandshake !== sendsFirst) holdHandshake(this.fd, sendsFirst);
    this.#holdsHandshake = sendsFirst;
    return connectInet(this.fd, this.address.bytes, this.port);
  }

  /** It has connected. */
  end(): void {
    this.#dial = undefined;
    this.older = undefined;
  }

  handleEvents(events: number): void {
    if ((events & (EPOLLERR | EPOLLHUP)) !== 0) this.#dial?.attemptFailed(this, errnoName(takeError(this.fd)));
    else if ((events & EPOLLOUT) !== 0) this.#dial?.attemptConnected(this, events);
  }

  handleFailure(error: unknown): void {
    this.#dial?.handleFailure(error);
  }

  keepSocket(interest: number, movedBytes: number): boolean {
    this.interest = interest;
    return this.#dialer.used.keep(this, movedBytes);
  }
}

/** Before the name is answered. */
const NO_CANDIDATES: readonly IpAddress[] = [];

export class Dial implements TimeoutHandler {
  readonly dialer: TcpDialer;
  readonly #target: Target;
  readonly #handler: DialHandler;
  readonly #sendsFirst: boolean;
  /** Made where the connection does not stand at once. */
  #deadline: Timer | undefined = undefined;
  /** Made where there is more than one candidate, or may be. */
  #nextAttempt: Timer | undefined = undefined;
  /** The newest of those that are connecting, nearly always the only one. An array would be a literal a connection, see `IpAddress`. */
  #attempt: Attempt | undefined = undefined;
  #candidates: readonly IpAddress[] = NO_CANDIDATES;
  #nextCandidate = 0;
  /** While the name's answer is waited for, or with candidates at hand the rest of it. */
  #lookup: Lookup | undefined = undefined;
  #lastFailure: DialFailure = 'ETIMEDOUT';
  #over = false;

  constructor(dialer: TcpDialer, target: Target, handler: DialHandler, sendsFirst: boolean) {
    this.dialer = dialer;
    this.#target = target;
    this.#handler = handler;
    this.#sendsFirst = sendsFirst;
  }

  /** The handler has been called, or will not be. */
  get over(): boolean {
    return this.#over;
  }

  start(): void {
    try {
      this.#begin();
    } catch (error) {
      // The caller has no dial to cancel yet, so it must not be left with one that goes on.
      this.handleFailure(error);
    }
    if (this.#over) return;
    this.#deadline = new Timer(this);
    this.dialer.reactor.arm(this.#deadline, this.dialer.options.connectTimeoutMs);
  }

  #begin(): void {
    if (this.#target.kind === 'ip') {
      const { egress } = this.dialer;
      if (egress !== undefined && !egress.allows(this.#target.address)) this.#fail('EGRESS');
      else if (!this.#tryOne(this.#target.address)) this.#fail(this.#lastFailure);
      return;
    }
    const lookup = this.dialer.resolver.resolve(this.#target.name, (answer) => this.#resolved(answer));
    if (!this.#over && this.#candidates === NO_CANDIDATES) this.#lookup = lookup;
  }

  #resolved(answer: ResolvedName): void {
    this.#lookup = undefined;
    if (this.#over) return;
    try {
      if (answer.status === 'ok') this.#connectTo(answer.addresses, answer.late);
      else this.#fail(answer.code);
    } catch (error) {
      // It is this session's: thrown on, it would be the resolver's, whose other callers have nothing to do with it.
      this.handleFailure(error);
    }
  }

  #connectTo(addresses: readonly IpAddress[], late: LateAnswer | undefined): void {
    this.#candidates = this.#allowed(addresses);
    if (this.#candidates.length === 0) this.#lastFailure = 'EGRESS';
    this.#lookup = late?.wait((answer) => this.#resolvedLate(answer));
    this.#tryNext();
  }

  /** In the order in which to try them. */
  #allowed(addresses: readonly IpAddress[]): readonly IpAddress[] {
    const { egress, options } = this.dialer;
    const ordered = interleaveFamilies(addresses, options.ipv6First);
    // Checked here, after the look-up, on the very addresses that will be connected to: a name cannot change in between.
    return egress === undefined ? ordered : ordered.filter((address) => egress.allows(address));
  }

  /** RFC 8305 §3: addresses that come late take their places among those that have not been tried. */
  #resolvedLate(answer: ResolvedName): void {
    this.#lookup = undefined;
    if (this.#over) return;
    try {
      if (answer.status === 'ok') {
        const tried = this.#candidates.slice(0, this.#nextCandidate);
        this.#candidates = this.#allowed(answer.addresses).filter(
          (address) => !tried.some((each) => sameIpAddress(each, address)),
        );
        this.#nextCandidate = 0;
      }
      // Else the newest attempt still has its head start.
      if (this.#attempt === undefined || this.#nextAttempt?.armed !== true) this.#tryNext();
    } catch (error) {
      this.handleFailure(error);
    }
  }

  /** Starts attempts until one is under way. Where all have failed there may be late addresses. */
  #tryNext(): void {
    while (!this.#over && this.#nextCandidate < this.#candidates.length) {
      if (this.#tryOne(this.#candidates[this.#nextCandidate++])) {
        if (!this.#over && (this.#nextCandidate < this.#candidates.length || this.#lookup !== undefined)) {
          this.#armNext(ATTEMPT_DELAY_MS);
        }
        return;
      }
    }
    if (this.#attempt !== undefined) return;
    if (this.#lookup === undefined) this.#fail(this.#lastFailure);
    else this.#armNext(LATE_ADDRESSES_MS);
  }

  #armNext(durationMs: number): void {
    this.#nextAttempt ??= new Timer(this);
    this.dialer.reactor.arm(this.#nextAttempt, durationMs);
  }

  #tryOne(address: IpAddress): boolean {
    const attempt = this.dialer.used.take(address, this.#target.port) ?? this.#newAttempt(address);
    if (attempt === undefined) return false;
    // Other options wait until a connection needs them: Nagle's algorithm for a second send, keep-alive for its time (see Relay).
    const result = attempt.begin(this, this.#sendsFirst);
    if (result < 0 && result !== -EINPROGRESS) {
      this.#discard(attempt, errnoName(-result));
      return false;
    }
    // Within one machine the handshake is over before connect(2) returns, whatever it says. To know that costs less than an event.
    const connected = isConnected(attempt.fd);
    if (!this.#watch(attempt, connected ? ESTABLISHED_INTEREST : CONNECT_INTEREST)) return false;
    attempt.older = this.#attempt;
    this.#attempt = attempt;
    if (connected) this.attemptConnected(attempt, 0);
    return true;
  }

  /** @returns false where the kernel cannot watch any more descriptors */
  #watch(attempt: Attempt, interest: number): boolean {
    const { reactor } = this.dialer;
    try {
      if (attempt.interest === 0) {
        reactor.register(attempt.fd, interest, attempt);
        attempt.interest = interest;
      } else {
        reactor.watchAnew(attempt.fd, attempt);
        if ((interest & ~attempt.interest) !== 0) {
          reactor.modify(attempt.fd, interest);
          attempt.interest = interest;
        }
      }
      return true;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.#discard(attempt, error.code);
      return false;
    }
  }

  #discard(attempt: Attempt, failure: DialFailure): void {
    if (attempt.interest === 0) close(attempt.fd);
    else this.dialer.reactor.closeDescriptor(attempt.fd);
    this.#lastFailure = failure;
  }

  #newAttempt(address: IpAddress): Attempt | undefined {
    const fd = this.#newSocket(address.family);
    if (fd >= 0) return new Attempt(this.dialer, fd, address, this.#target.port);
    this.#lastFailure = errnoName(-fd);
    return undefined;
  }

  #newSocket(family: 4 | 6): number {
    const { used } = this.dialer;
    const fd = trySocket(family, SOCK_STREAM);
    if (fd >= 0 || used.size === 0 || (fd !== -EMFILE && fd !== -ENFILE)) return fd;
    // Descriptors have run out, and some are kept for connections to other addresses.
    used.close();
    return trySocket(family, SOCK_STREAM);
  }

  attemptFailed(attempt: Attempt, failure: DialFailure): void {
    this.#forget(attempt);
    this.dialer.reactor.closeDescriptor(attempt.fd);
    this.#lastFailure = failure;
    if (this.#nextAttempt !== undefined) this.dialer.reactor.cancel(this.#nextAttempt);
    this.#tryNext();
  }

  #forget(attempt: Attempt): void {
    let newer = this.#attempt;
    if (newer === attempt) {
      this.#attempt = attempt.older;
      return;
    }
    while (newer !== undefined && newer.older !== attempt) newer = newer.older;
    if (newer !== undefined) newer.older = attempt.older;
  }

  attemptConnected(attempt: Attempt, events: number): void {
    this.#end(attempt);
    const { reactor, options } = this.dialer;
    const { fd, interest } = attempt;
    attempt.end();
    try {
      this.#handler.handleConnected(TcpSocket.connected(reactor, fd, events, interest, options.noDelay, attempt));
    } catch (error) {
      // The attempt, whose event this may be, knows this dial no more: its socket may be kept by now, or another dial's.
      this.handleFailure(error);
    }
  }

  handleTimeout(timer: Timer): void {
    const isUsedUp = this.#attempt === undefined && this.#nextCandidate === this.#candidates.length;
    if (timer === this.#nextAttempt && !isUsedUp) this.#tryNext();
    else this.#fail(this.#attempt === undefined ? this.#lastFailure : 'ETIMEDOUT');
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

  /** @param winner is not closed */
  #end(winner?: Attempt): void {
    this.#over = true;
    const { reactor } = this.dialer;
    if (this.#deadline !== undefined) reactor.cancel(this.#deadline);
    if (this.#nextAttempt !== undefined) reactor.cancel(this.#nextAttempt);
    this.#lookup?.cancel();
    this.#lookup = undefined;
    for (let attempt = this.#attempt; attempt !== undefined; attempt = attempt.older) {
      if (attempt !== winner) reactor.closeDescriptor(attempt.fd);
    }
    this.#attempt = undefined;
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
