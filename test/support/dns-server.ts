/** A DNS server on loopback for tests, over UDP and TCP on one port, that answers as each test tells it to. */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket as TcpSocket } from 'node:net';
import type { Answer, Packet } from 'dns-packet';
import { decode, encode } from 'dns-packet';

export interface ReceivedQuestion {
  readonly name: string;
  readonly type: string;
  readonly id: number;
  readonly transport: 'udp' | 'tcp';
  readonly sourcePort: number;
  readonly edns: boolean;
}

/**
 * Sends an answer; a packet is completed from the question, bytes go as they are. May be called never, later or often.
 */
export type Reply = (answer: Partial<Packet> | Uint8Array) => void;

export type Responder = (question: ReceivedQuestion, reply: Reply) => void;

/** The bytes of an answer to the question, changed as wanted. */
export function answerBytes(question: ReceivedQuestion, change: Partial<Packet>): Buffer {
  return encode({
    type: 'response',
    id: question.id,
    flags: 0x0180,
    questions: [{ name: question.name, type: question.type as 'A', class: 'IN' }],
    ...change,
  });
}

/** An address record for a question of either type; `a` is not used for AAAA, nor `aaaa` for A. */
export function addressRecords(question: ReceivedQuestion, a: string[], aaaa: string[], ttl = 300): Answer[] {
  const type = question.type as 'A' | 'AAAA';
  return (type === 'A' ? a : aaaa).map((data) => ({ type, name: question.name, class: 'IN', ttl, data }));
}

export class TestDnsServer {
  readonly questions: ReceivedQuestion[] = [];
  respond: Responder;
  readonly #udp: Socket;
  readonly #tcp: Server;
  readonly #connections = new Set<TcpSocket>();

  private constructor(respond: Responder, udp: Socket, tcp: Server) {
    this.respond = respond;
    this.#udp = udp;
    this.#tcp = tcp;
    udp.on('message', (bytes, remote) => this.#handleDatagram(bytes, remote));
    tcp.on('connection', (connection) => this.#handleConnection(connection));
  }

  static async start(respond: Responder, host = '127.0.0.1'): Promise<TestDnsServer> {
    for (let attempt = 0; ; attempt++) {
      const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      udp.bind(0, host);
      await once(udp, 'listening');
      const tcp = createServer();
      tcp.listen(udp.address().port, host);
      try {
        await once(tcp, 'listening');
        return new TestDnsServer(respond, udp, tcp);
      } catch (error) {
        // Somebody has this TCP port: try another pair.
        udp.close();
        if (attempt === 10) throw error;
      }
    }
  }

  get port(): number {
    return (this.#tcp.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    this.#tcp.close();
    this.#udp.close();
    await Promise.all([once(this.#tcp, 'close'), once(this.#udp, 'close')]);
  }

  #handleDatagram(bytes: Buffer, remote: RemoteInfo): void {
    this.#handleQuestion(bytes, 'udp', remote.port, (answer) => this.#udp.send(answer, remote.port, remote.address));
  }

  #handleConnection(connection: TcpSocket): void {
    this.#connections.add(connection);
    connection.on('close', () => this.#connections.delete(connection));
    connection.on('error', () => connection.destroy());
    let received = Buffer.alloc(0);
    connection.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      this.#handleQuestion(received.subarray(2), 'tcp', connection.remotePort ?? 0, (answer) => {
        if (answer.length === 0) {
          connection.end();
          return;
        }
        const prefixed = Buffer.concat([Uint8Array.of(answer.length >> 8, answer.length & 0xff), answer]);
        // In two pieces, the first of a single byte, as a slow network might bring them.
        connection.setNoDelay(true);
        connection.write(prefixed.subarray(0, 1));
        setImmediate(() => connection.write(prefixed.subarray(1)));
      });
    });
  }

  #handleQuestion(
    bytes: Buffer,
    transport: 'udp' | 'tcp',
    sourcePort: number,
    send: (answer: Uint8Array) => void,
  ): void {
    const packet = decode(bytes);
    const asked = packet.questions?.[0];
    if (asked === undefined) throw new Error('a query without a question');
    const edns = (packet.additionals?.length ?? 0) > 0;
    const question = { name: asked.name, type: asked.type, id: packet.id ?? 0, transport, sourcePort, edns };
    this.questions.push(question);
    this.respond(question, (answer) => send(answer instanceof Uint8Array ? answer : answerBytes(question, answer)));
  }
}
