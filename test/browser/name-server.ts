/** A name server for made-up names that no other server knows, so that a page under such a name shows who resolved it. */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { decode, encode } from 'dns-packet';

const AUTHORITATIVE_ANSWER = 1 << 10;
const NXDOMAIN = 3;
const TTL_S = 60;

export class NameServer {
  /** Every name that was asked for, in order. */
  readonly queries: string[] = [];
  readonly port: number;
  readonly #socket: Socket;
  readonly #addresses: Readonly<Record<string, string>>;

  private constructor(socket: Socket, addresses: Readonly<Record<string, string>>) {
    this.#socket = socket;
    this.#addresses = addresses;
    this.port = socket.address().port;
    socket.on('message', (message, peer) => this.#answer(message, peer));
  }

  /** Listens on UDP at 127.0.0.1. `addresses` are IPv4, by name; any other name does not exist. */
  static async start(addresses: Readonly<Record<string, string>>): Promise<NameServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new NameServer(socket, addresses);
  }

  stop(): void {
    this.#socket.close();
  }

  #answer(message: Buffer, peer: RemoteInfo): void {
    const { id = 0, questions = [] } = decode(message);
    const [question] = questions;
    if (question === undefined) return;
    this.queries.push(question.name);
    const address = this.#addresses[question.name];
    const reply = encode({
      type: 'response',
      id,
      flags: AUTHORITATIVE_ANSWER | (address === undefined ? NXDOMAIN : 0),
      questions,
      // A known name without an address of the wanted family: no answers, no error.
      answers:
        address !== undefined && question.type === 'A'
          ? [{ type: 'A', name: question.name, ttl: TTL_S, data: address }]
          : [],
    });
    this.#socket.send(reply, peer.port, peer.address);
  }
}
