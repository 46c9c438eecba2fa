/** Datagram programs as tests need them, by Node's own sockets: what came and from where, an echo, a SOCKS5 association by the npm `socks` package. */

import dgram from 'node:dgram';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SocksClient, type SocksRemoteHost } from 'socks';

const PATIENCE_MS = 5000;
/** How long nothing has to come, to be taken for nothing. */
const SILENCE_MS = 100;

export interface Received {
  readonly data: Buffer;
  readonly from: AddressInfo;
}

/** A UDP socket that keeps what it receives. */
export class UdpPeer {
  readonly socket: dgram.Socket;
  readonly #queue: Received[] = [];
  #wake: () => void = () => {};

  private constructor(socket: dgram.Socket) {
    this.socket = socket;
    socket.on('message', (data, { address, family, port }) => {
      this.#queue.push({ data, from: { address, family, port } });
      this.#wake();
    });
    socket.on('error', () => {});
  }

  static async open(address = '127.0.0.1', port = 0): Promise<UdpPeer> {
    const type = address.includes(':') ? 'udp6' : 'udp4';
    const socket = dgram.createSocket({ type, recvBufferSize: 4_000_000, sendBufferSize: 1_000_000 });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, address, resolve);
    });
    return new UdpPeer(socket);
  }

  /** One that sends back whatever comes. */
  static async echo(address?: string): Promise<UdpPeer> {
    const peer = await UdpPeer.open(address);
    peer.socket.removeAllListeners('message');
    peer.socket.on('message', (data, { address: to, port }) => peer.socket.send(data, port, to));
    return peer;
  }

  get port(): number {
    return this.socket.address().port;
  }

  send(data: Uint8Array | string, port: number, address = '127.0.0.1'): void {
    this.socket.send(data, port, address);
  }

  /** The next datagram, however long ago it came. */
  async next(): Promise<Received> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (this.#queue.length === 0) {
      const left = deadlineMs - performance.now();
      if (left <= 0) throw new Error(`no datagram came in ${PATIENCE_MS} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#queue.shift() as Received;
  }

  async nextText(): Promise<string> {
    return (await this.next()).data.toString();
  }

  /** So many datagrams, in the order in which they came. */
  async take(count: number): Promise<Received[]> {
    const taken: Received[] = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }

  /** Nothing comes for a while. @throws Error where something does */
  async silence(ms = SILENCE_MS): Promise<void> {
    await delay(ms);
    if (this.#queue.length > 0) throw new Error(`${this.#queue.length} datagrams came`);
  }

  close(): void {
    this.socket.close();
  }
}

/** A program with an association: a control connection, and a socket to send from. */
export class AssociatedProgram {
  readonly control: Socket;
  /** Where it was told to send to. */
  readonly relay: SocksRemoteHost;
  readonly peer: UdpPeer;

  private constructor(control: Socket, relay: SocksRemoteHost, peer: UdpPeer) {
    this.control = control;
    this.relay = relay;
    this.peer = peer;
  }

  /** @param from its own address @param destination DST of its request */
  static async begin(
    inlet: { readonly host: string; readonly port: number },
    from = inlet.host,
    destination: SocksRemoteHost = { host: '0.0.0.0', port: 0 },
  ): Promise<AssociatedProgram> {
    const client = new SocksClient({
      proxy: { host: inlet.host, port: inlet.port, type: 5 },
      command: 'associate',
      destination,
    });
    const established = new Promise<{ socket: Socket; remoteHost?: SocksRemoteHost }>((resolve, reject) => {
      client.on('established', resolve);
      client.on('error', reject);
    });
    client.connect();
    const { socket, remoteHost } = await established;
    if (remoteHost === undefined) throw new Error('no address to send to');
    socket.on('error', () => {});
    socket.resume();
    return new AssociatedProgram(socket, remoteHost, await UdpPeer.open(from));
  }

  send(data: Uint8Array | string, port: number, host = '127.0.0.1'): void {
    this.sendRaw(SocksClient.createUDPFrame({ remoteHost: { host, port }, data: Buffer.from(data) }));
  }

  sendRaw(frame: Uint8Array): void {
    this.peer.send(frame, this.relay.port, this.relay.host);
  }

  /** The next answer, and where it says that it comes from. */
  async next(): Promise<{ readonly text: string; readonly data: Buffer; readonly from: SocksRemoteHost }> {
    const { data } = await this.peer.next();
    const frame = SocksClient.parseUDPFrame(data);
    return { text: frame.data.toString(), data: frame.data, from: frame.remoteHost };
  }

  close(): void {
    this.control.destroy();
    this.peer.close();
  }
}
