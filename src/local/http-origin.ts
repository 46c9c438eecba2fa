/**
 * The origin servers' end of an HTTP conversation: the request that is under way, and the tunnel that it goes through. A tunnel lives on for
 * the next request where that is for the same origin server, and may be sent twice: for a kept connection may end just when a request is on
 * its way, and then nobody knows whether it has arrived (RFC 9112 §9.3.1). Any other request gets a tunnel of its own, as with Squid.
 */

import { type Answer, type Answered, answer, failureAnswer, NOT_UNDERSTOOD } from '../http-proxy/answers.js';
import { BodyTransfer } from '../http-proxy/body-transfer.js';
import type { ForwardRequest } from '../http-proxy/request.js';
import { ResponseTransfer } from '../http-proxy/response-transfer.js';
import { formatTarget } from '../net/target.js';
import type { TcpSocket } from '../net/tcp-socket.js';
import { Carry } from '../relay/carry.js';
import { FIRST_READ_CHUNKS } from '../relay/read-chunks.js';
import type { Status } from '../relay/status.js';
import { HEADROOM, MAX_READ_CHUNKS } from '../relay/workspace.js';
import type { HttpProgram } from './http-program.js';
import { HttpTunnel, type HttpTunnelOwner, TUNNEL_ENDED } from './http-tunnel.js';
import type { LocalContext, Upstream } from './local-context.js';
import { ServerDial, type ServerDialOwner } from './server-dial.js';

export interface HttpOriginOwner {
  /** Something may be received or sent. */
  originReady(): void;
  /** `receive` may yield something, although no event will say so. */
  originWaits(): void;
  /** A part of the answer is `input[0, length)`. @returns false where the conversation is over */
  deliver(length: number): boolean;
  /** The answer is complete. @param keeps the program may ask again on its connection */
  exchangeDone(keeps: boolean): void;
  /** There will be no answer from the origin server, and nothing of one has been delivered. */
  exchangeFailed(answer: Answer, reason: string): void;
  /** The answer is cut short. */
  exchangeCut(status: Status): void;
  /** A bug below; end the session. */
  handleFailure(error: unknown): void;
}

/** One request and its response. */
interface Exchange {
  readonly request: ForwardRequest;
  readonly body: BodyTransfer;
  readonly response: ResponseTransfer;
  /** It has been sent a second time. */
  isRepeated: boolean;
}

export class HttpOrigin implements ServerDialOwner, HttpTunnelOwner {
  readonly #context: LocalContext;
  readonly #owner: HttpOriginOwner;
  readonly #program: HttpProgram;
  /** What has come and has not been taken: the beginning of a head. */
  readonly #answered: Carry;
  #exchange: Exchange | undefined = undefined;
  #dial: ServerDial | undefined = undefined;
  #tunnel: HttpTunnel | undefined = undefined;
  /** Of tunnels that are gone. */
  #sealedBytes = 0;
  #openedBytes = 0;

  constructor(context: LocalContext, owner: HttpOriginOwner, program: HttpProgram) {
    this.#context = context;
    this.#owner = owner;
    this.#program = program;
    this.#answered = new Carry(context.relay.blocks);
  }

  /** A request is under way. */
  get busy(): boolean {
    return this.#exchange !== undefined;
  }

  /** The program has got a part of the answer. */
  get answering(): boolean {
    return this.#exchange?.response.begun ?? false;
  }

  /** A receive may yield something. */
  get readable(): boolean {
    return this.#tunnel?.readable ?? false;
  }

  /** The request's body goes on, and there is room for it. */
  get takesBody(): boolean {
    const tunnel = this.#tunnel;
    if (tunnel === undefined || this.#exchange === undefined) return false;
    return !this.#exchange.body.done && !tunnel.congested && !tunnel.outputBroken;
  }

  get sealedBytes(): number {
    return this.#sealedBytes + (this.#tunnel?.sealedBytes ?? 0);
  }

  get openedBytes(): number {
    return this.#openedBytes + (this.#tunnel?.openedBytes ?? 0);
  }

  /** Sends a request, with what has come of its body. */
  ask(request: ForwardRequest): void {
    const body = new BodyTransfer(request.framing, true);
    this.#exchange = { request, body, response: new ResponseTransfer(request), isRepeated: false };
    if (request.isRepeatable && this.#tunnel?.authority === formatTarget(request.target)) this.#send(this.#tunnel);
    else this.#dialAnew();
  }

  #dialAnew(): void {
    this.dropTunnel();
    this.#dial = ServerDial.begin(this.#context, this);
  }

  serverConnected(socket: TcpSocket, { protocol }: Upstream): void {
    this.#dial = undefined;
    if (this.#exchange === undefined) throw new Error('connected without a request');
    const { target } = this.#exchange.request;
    const stream = protocol.connect(target);
    this.#tunnel = new HttpTunnel(this.#context.relay, this, socket, stream, formatTarget(target));
    this.#send(this.#tunnel);
    this.#owner.originReady();
  }

  serversFailed(failure: string): void {
    this.#dial = undefined;
    this.#fail((answered) => failureAnswer(failure, answered), failure);
    this.#owner.originReady();
  }

  /** The head, and what has come of the body, in one send. */
  #send(tunnel: HttpTunnel): void {
    if (this.#exchange === undefined) throw new Error('nothing to send');
    const { body, request } = this.#exchange;
    tunnel.requests++;
    this.#context.relay.workspace.input.bytes.set(request.head, HEADROOM);
    this.#sendWith(tunnel, body, request.head.length, body.done ? 0 : this.#program.restore());
  }

  /** Sends what `output[0, end)` holds of the request's body, while `takesBody`. */
  sendBody(end: number): void {
    if (this.#tunnel === undefined || this.#exchange === undefined) throw new Error('no body is wanted');
    this.#sendWith(this.#tunnel, this.#exchange.body, 0, end);
  }

  /** Sends `length` bytes of the input buffer, and behind them what `output[0, end)` holds of the body. */
  #sendWith(tunnel: HttpTunnel, body: BodyTransfer, length: number, end: number): void {
    const { input, output } = this.#context.relay.workspace;
    const written = body.transfer(output.bytes, 0, end, input.bytes, HEADROOM + length);
    if (written < 0) {
      tunnel.abort();
      this.#fail(() => answer(400, 'the body is malformed.', NOT_UNDERSTOOD), 'bad-chunk');
      return;
    }
    if (end > 0) this.#program.keep(output, body.consumed, end, false);
    if (length + written > 0) tunnel.send(length + written);
    if (tunnel.congested) this.#program.reads.less();
    if (tunnel.outputBroken) this.#owner.originWaits();
  }

  tunnelReady(): void {
    this.#owner.originReady();
  }

  handleFailure(error: unknown): void {
    this.#owner.handleFailure(error);
  }

  /** Receives once, and delivers what comes of the answer. */
  receive(): void {
    const tunnel = this.#tunnel;
    if (tunnel === undefined) return;
    const kept = this.#answered.restore(this.#context.relay.workspace.output, 0);
    // A head grows as it is written anew, and stands in front of what is kept.
    const longest = this.answering ? MAX_READ_CHUNKS : FIRST_READ_CHUNKS;
    const opened = tunnel.receive(kept, longest);
    if (opened === TUNNEL_ENDED) this.#tunnelOver(tunnel);
    else if (opened > 0) this.#takeAnswer(kept + opened);
  }

  /** The program does not take what comes as fast as that. */
  readLess(): void {
    this.#tunnel?.reads.less();
  }

  /** Of `output[0, end)`. */
  #takeAnswer(end: number): void {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      // Nobody has asked.
      this.dropTunnel();
      return;
    }
    const { input, output } = this.#context.relay.workspace;
    const { response } = exchange;
    const written = response.transfer(output.bytes, 0, end, input.bytes, 0);
    if (written < 0) {
      this.#failGateway(`the answer is malformed (${response.fault}).`);
      return;
    }
    const isLeftOver = response.done && response.consumed < end;
    if (response.done) this.#answered.clear();
    else this.#answered.save(output, response.consumed, end);
    if (this.#owner.deliver(written) && response.done) this.#finish(exchange, isLeftOver);
  }

  #tunnelOver({ end = 'OK', requests }: HttpTunnel): void {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      this.dropTunnel();
    } else if (exchange.response.begun) {
      this.#endAnswer(exchange, end);
    } else if (requests > 1 && !exchange.isRepeated && this.#answered.length === 0) {
      exchange.isRepeated = true;
      this.#dialAnew();
    } else {
      this.#failGateway('the connection ended before an answer came.');
    }
  }

  #endAnswer(exchange: Exchange, end: Status): void {
    const written = end === 'OK' ? exchange.response.endOfInput(this.#context.relay.workspace.input.bytes, 0) : -1;
    if (written < 0) this.#owner.exchangeCut(end === 'OK' ? 'ERR_TRUNCATED' : end);
    else if (this.#owner.deliver(written)) this.#finish(exchange, true);
  }

  /** @param isOver the tunnel is of no use any more */
  #finish({ request, response, body }: Exchange, isOver: boolean): void {
    this.#exchange = undefined;
    // Where the body was not wanted to its end, nobody knows where the next request begins.
    const keeps = request.keeps && body.done;
    if (isOver || !response.originKeeps || !keeps || this.#tunnel?.outputBroken) this.dropTunnel();
    this.#owner.exchangeDone(keeps);
  }

  #failGateway(sentence: string): void {
    this.#fail((answered) => answer(502, sentence, answered), sentence);
  }

  #fail(make: (answered: Answered) => Answer, reason: string): void {
    if (this.#exchange === undefined) throw new Error('nothing to answer');
    const { request, response, body } = this.#exchange;
    if (response.begun) {
      this.#owner.exchangeCut('ERR_HTTP');
      return;
    }
    this.#exchange = undefined;
    this.dropTunnel();
    this.#owner.exchangeFailed(make({ isHead: request.isHead, keeps: request.keeps && body.done }), reason);
  }

  /** The program's request is cut short: the origin server is not to take it for the whole. */
  abort(): void {
    this.#tunnel?.abort();
  }

  /** Ends what is kept for the next request. */
  dropTunnel(): void {
    if (this.#tunnel === undefined) return;
    this.#sealedBytes += this.#tunnel.sealedBytes;
    this.#openedBytes += this.#tunnel.openedBytes;
    this.#tunnel.close();
    this.#tunnel = undefined;
    this.#answered.clear();
  }

  /** Stops, and gives everything back. Idempotent. */
  release(): void {
    this.#dial?.cancel();
    this.dropTunnel();
  }
}
