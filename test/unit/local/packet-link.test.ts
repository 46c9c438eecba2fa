/** A local address's way to its server: what waits for the server's name, and what becomes of it. */

import { expect } from 'chai';
import { createSubkeyDerivation } from '../../../src/crypto/hkdf.js';
import { createRandomSource } from '../../../src/crypto/random.js';
import {
  LINK_RETRY_MS,
  MAX_WAITING_PACKETS,
  PacketLink,
  type PacketLinkOwner,
} from '../../../src/local/packet-link.js';
import type { ResolvedName } from '../../../src/net/name-resolver.js';
import { targetFromHost } from '../../../src/net/target.js';
import { RelayContext } from '../../../src/relay/context.js';
import { clientPacketProtocol, serverPacketProtocol } from '../../../src/shadowsocks/protocols.js';
import { oracleAddress } from '../../support/aead-oracle.js';
import { openDescriptors } from '../../support/open-descriptors.js';
import { PacketStage, PacketWorld } from '../../support/packets.js';
import { endpoint } from '../../support/proxy-pair.js';
import { DrivenReactor } from '../../support/reactor-drive.js';
import { PlainFilter } from '../../support/salt-filters.js';
import { UdpPeer } from '../../support/udp.js';

const METHOD = 'aes-128-gcm';
const FOUND: ResolvedName = { status: 'ok', addresses: [{ family: 4, bytes: Uint8Array.of(127, 0, 0, 1) }] };

describe('a way to the server over UDP', () => {
  const ends: (() => void)[] = [];
  const stage = new PacketStage();

  afterEach(() => {
    for (const end of ends.splice(0).reverse()) end();
  });

  after(() => stage.release());

  function means() {
    const filter = new PlainFilter();
    const replay = {
      tcp2022: filter,
      tcp2017: filter,
      udp2017: filter,
      tcpUnauthenticated: filter,
      udpUnauthenticated: filter,
    };
    return {
      derivation: createSubkeyDerivation(),
      random: createRandomSource(),
      clock: new PacketWorld().clock,
      replay,
    };
  }

  /** A link to a peer that plays the server, whose name is answered when the test says so. */
  async function open(host = 'server.example') {
    const drive = new DrivenReactor();
    const warnings: string[] = [];
    const log = { enabled: () => true, write: (_: string, message: string) => warnings.push(message) };
    const relay = new RelayContext(drive.reactor, log, 0);
    const server = await UdpPeer.open();
    let callback: ((answer: ResolvedName) => void) | undefined;
    let asked = 0;
    const resolver = {
      resolve(_name: string, found: (answer: ResolvedName) => void) {
        callback = found;
        asked++;
        return { cancel: () => (callback = undefined) };
      },
    };
    const protocol = clientPacketProtocol(endpoint(0, METHOD), means());
    const far = serverPacketProtocol(endpoint(0, METHOD), means());
    const answers: string[] = [];
    const owner: PacketLinkOwner = {
      handleAnswer(at, length) {
        answers.push(Buffer.from(relay.packets.output.bytes.slice(at, at + length)).toString('latin1'));
      },
      handleAnswersEnd() {},
      handleFailure(error) {
        throw error;
      },
    };
    const upstream = { target: targetFromHost(host, server.port), protocol };
    const link = new PacketLink({ relay, packets: relay.packets, resolver, upstream, ipv6First: false }, owner);
    ends.push(() => {
      link.close();
      for (const each of [protocol, far]) each.wipe();
      relay.release();
      drive.reactor.close();
      server.close();
    });
    return {
      drive,
      relay,
      server,
      link,
      answers,
      warnings,
      asked: () => asked,
      waitsForName: () => callback !== undefined,
      answer: (found: ResolvedName) => callback?.(found),
      send(text: string) {
        const { receiver } = relay.packets;
        const plaintext = Buffer.concat([oracleAddress('127.0.0.1', 9), Buffer.from(text)]);
        const at = receiver.payloadOffset(0);
        receiver.region.bytes.set(plaintext, at);
        link.send(receiver, at, plaintext.length);
        relay.packets.flush();
      },
      /** What the server can open of what it gets, and a way to answer. */
      async received(): Promise<string> {
        const { data, from } = await server.next();
        const opened = stage.open(far, data);
        if (typeof opened === 'string') throw new Error(opened);
        server.send(stage.seal(far.openedSession, opened), from.port);
        return opened.subarray(7).toString();
      },
    };
  }

  it('to an address is there at once, and brings answers back', async () => {
    const { drive, send, received, answers } = await open('127.0.0.1');
    for (const text of ['one', 'two']) send(text);
    expect([await received(), await received()]).to.deep.equal(['one', 'two']);
    await drive.until('both answers', () => answers.length === 2);
    expect(answers.map((text) => text.slice(7))).to.deep.equal(['one', 'two']);
  });

  it('to a name has a few packets wait for it, which go in their order and not before the turn has ended', async () => {
    const { drive, relay, server, send, received, answer } = await open();
    for (let i = 0; i <= MAX_WAITING_PACKETS; i++) send(`${i}`);
    expect(relay.packetCounters.drops.waiting).to.equal(1);
    answer(FOUND);
    await server.silence(20);
    drive.advance(1);
    send('late');
    for (let i = 0; i < MAX_WAITING_PACKETS; i++) expect(await received()).to.equal(`${i}`);
    expect(await received()).to.equal('late');
  });

  it('to a name that fails says so, and tries again a while later', async () => {
    const { drive, relay, send, received, answer, asked, warnings } = await open();
    send('lost');
    answer({ status: 'failed', code: 'ETIMEDOUT' });
    drive.advance(1);
    expect(relay.packetCounters.drops.resolve).to.equal(1);
    expect(warnings).to.deep.equal(['the server cannot be reached over UDP']);
    send('too early');
    expect([relay.packetCounters.drops.unreachable, asked()]).to.deep.equal([1, 1]);
    drive.advance(LINK_RETRY_MS);
    send('again');
    expect(asked()).to.equal(2);
    answer(FOUND);
    drive.advance(1);
    expect(await received()).to.equal('again');
  });

  it('that is closed while it waits leaves nothing behind', async () => {
    const { link, send, waitsForName, answer, drive } = await open();
    const descriptors = openDescriptors();
    send('never');
    link.close();
    link.close();
    expect(waitsForName()).to.equal(false);
    answer(FOUND);
    drive.advance(1);
    expect(openDescriptors()).to.equal(descriptors);
  });

  it('counts what the server’s machine refuses', async () => {
    const { drive, relay, server, send } = await open('127.0.0.1');
    await new Promise<void>((resolve) => server.socket.close(() => resolve()));
    server.close = () => {};
    send('nobody');
    await drive.until('the refusal', () => relay.packetCounters.drops.refused === 1);
  });
});
