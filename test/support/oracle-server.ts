/** A Shadowsocks server with the destination behind it in one, as the other end of a client under test: it opens and seals by the oracle. */

import { decodeTarget, formatTarget } from '../../src/net/target.js';
import { OracleOpener, OracleSealer } from './aead-oracle.js';
import type { Peer } from './peer.js';

export class OracleServer {
  readonly peer: Peer;
  readonly sealer: OracleSealer;
  readonly #opener: OracleOpener;
  #opened = Buffer.alloc(0);
  #hasAnswered = false;

  constructor(peer: Peer, password: string) {
    this.peer = peer;
    this.sealer = new OracleSealer('chacha20-ietf-poly1305', password);
    this.#opener = new OracleOpener('chacha20-ietf-poly1305', password);
  }

  #open(): void {
    this.#opened = Buffer.concat([this.#opened, this.#opener.push(this.peer.take())]);
  }

  /** Where the client wants to go; empty while it has not said. */
  get target(): string {
    this.#open();
    const decoded = decodeTarget(this.#opened, 0, this.#opened.length);
    return decoded.status === 'ok' ? formatTarget(decoded.target) : '';
  }

  /** Everything that the destination has got. */
  get text(): string {
    this.#open();
    const decoded = decodeTarget(this.#opened, 0, this.#opened.length);
    return decoded.status === 'ok' ? this.#opened.toString('latin1', decoded.length) : '';
  }

  /** Sends from the destination. */
  send(text: string): void {
    const chunks = this.sealer.chunks(Buffer.from(text, 'latin1'));
    this.peer.send(this.#hasAnswered ? chunks : Buffer.concat([this.sealer.salt, chunks]));
    this.#hasAnswered = true;
  }
}
