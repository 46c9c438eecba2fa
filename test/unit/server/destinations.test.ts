/** From the address in a datagram to where it may be sent, by a resolver and a clock that the test moves. */

import { expect } from 'chai';
import { EgressPolicy } from '../../../src/net/egress-policy.js';
import { parseIpAddress } from '../../../src/net/ip-address.js';
import type { NameResolver, ResolvedName } from '../../../src/net/name-resolver.js';
import { encodeTarget, targetFromHost, targetLength } from '../../../src/net/target.js';
import {
  type Destination,
  Destinations,
  MAX_DESTINATIONS,
  MAX_WAITING_BYTES,
  MAX_WAITING_PACKETS,
  NAME_REFRESH_MS,
  NAME_RETRY_MS,
} from '../../../src/server/destinations.js';
import { DrivenReactor } from '../../support/reactor-drive.js';

describe('the destinations of datagrams', () => {
  const driven: DrivenReactor[] = [];

  /** Answers what it is told to, when it is told to. */
  class ScriptedResolver implements NameResolver {
    readonly asked: string[] = [];
    answers: ResolvedName | undefined = undefined;
    #callbacks: ((answer: ResolvedName) => void)[] = [];

    resolve(name: string, callback: (answer: ResolvedName) => void) {
      this.asked.push(name);
      if (this.answers !== undefined) callback(this.answers);
      else this.#callbacks.push(callback);
      return {
        cancel: () => {
          this.#callbacks = this.#callbacks.filter((each) => each !== callback);
        },
      };
    }

    get waiting(): number {
      return this.#callbacks.length;
    }

    answer(answer: ResolvedName): void {
      for (const callback of this.#callbacks.splice(0)) callback(answer);
    }
  }

  function addresses(...texts: string[]): ResolvedName {
    return { status: 'ok', addresses: texts.map((text) => parseIpAddress(text) ?? expect.fail(text)) };
  }

  function stage(allow: readonly string[] = [], ipv6First = false) {
    const drive = new DrivenReactor();
    driven.push(drive);
    const resolver = new ScriptedResolver();
    const bugs: unknown[] = [];
    const policy = new EgressPolicy(allow);
    const table = new Destinations(drive.reactor, resolver, policy, ipv6First, (error) => bugs.push(error));
    const find = (host: string, port = 53): Destination => {
      const target = targetFromHost(host, port);
      const packet = new Uint8Array(3 + targetLength(target) + 4);
      encodeTarget(target, packet, 3);
      const destination = table.find(packet, 3, packet.length) ?? expect.fail('no destination');
      expect(destination.key.length).to.equal(targetLength(target));
      table.refresh(destination);
      return destination;
    };
    return { drive, resolver, table, find, bugs };
  }

  const portOf = ({ name }: Destination): number => (name === undefined ? -1 : (name[2] << 8) | name[3]);

  afterEach(() => {
    for (const { reactor } of driven.splice(0)) reactor.close();
  });

  it('are addresses at once, and the same object for the same bytes', () => {
    const { find } = stage();
    const four = find('8.8.8.8');
    expect([four.family, four.name?.length, portOf(four)]).to.deep.equal([4, 16, 53]);
    expect(find('8.8.8.8')).to.equal(four);
    expect(find('8.8.8.8', 54)).not.to.equal(four);
    const six = find('2606:4700::1111', 443);
    expect([six.family, six.name?.length, portOf(six)]).to.deep.equal([6, 28, 443]);
  });

  it('are judged in every form, and IPv4 in IPv6 is IPv4', () => {
    const { find } = stage(['10.0.0.0/8']);
    for (const host of [
      '127.0.0.1',
      '::ffff:127.0.0.1',
      '0.0.0.0',
      '::',
      '::1',
      'fe80::1',
      '224.0.0.1',
      '64:ff9b::7f00:1',
    ]) {
      const { name, refusal } = find(host);
      expect([name, refusal], host).to.deep.equal([undefined, 'egress']);
    }
    expect(find('::ffff:10.1.2.3')).to.include({ family: 4, refusal: undefined });
    expect(find('8.8.8.8', 0).refusal).to.equal('address');
  });

  it('are not made of what is no address', () => {
    const { table } = stage();
    for (const hex of ['', '01', '0108080808', '02080808080035', '0300', '030061', '0304', '0301610', '0301000035']) {
      const bytes = Buffer.from(hex, 'hex');
      expect(table.find(bytes, 0, bytes.length), hex).to.equal(undefined);
    }
  });

  it('of a name wait for it, in order, and no more than may', () => {
    const { drive, resolver, table, find } = stage();
    const destination = find('example.com');
    expect([destination.name, destination.refusal]).to.deep.equal([undefined, undefined]);
    const told: string[] = [];
    const wait = (text: string): boolean =>
      table.wait(destination, {
        payload: Buffer.from(text),
        proceed: ({ refusal }) => told.push(`${text} ${refusal}`),
      });
    for (let i = 0; i < MAX_WAITING_PACKETS; i++) expect(wait(`${i}`)).to.equal(true);
    expect(wait('one too many')).to.equal(false);
    find('example.com');
    expect(resolver.asked).to.deep.equal(['example.com']);
    resolver.answer(addresses('93.184.216.34'));
    expect(told, 'not while somebody may be at work').to.deep.equal([]);
    drive.advance(1);
    expect(told).to.deep.equal(Array.from({ length: MAX_WAITING_PACKETS }, (_, i) => `${i} undefined`));
    expect(portOf(destination)).to.equal(53);
    expect(wait('again'), 'its room is free again').to.equal(true);
  });

  it('of many names wait within one bound together', () => {
    const { table, find } = stage();
    const payload = Buffer.alloc(MAX_WAITING_BYTES / 4);
    const proceed = (): void => {};
    const taken = Array.from({ length: 5 }, (_, i) => table.wait(find(`${i}.example`), { payload, proceed }));
    expect(taken).to.deep.equal([true, true, true, true, false]);
  });

  it('keep their address while a newer answer has it, and change it when it has not', () => {
    const { drive, resolver, find } = stage();
    resolver.answers = addresses('8.8.8.8', '1.1.1.1');
    const destination = find('example.com');
    const first = destination.name;
    drive.advance(NAME_REFRESH_MS - 1);
    find('example.com');
    expect(resolver.asked).to.have.length(1);
    resolver.answers = addresses('1.1.1.1', '8.8.8.8');
    drive.advance(1);
    find('example.com');
    expect(resolver.asked).to.have.length(2);
    expect(destination.name, 'the same array').to.equal(first);
    resolver.answers = addresses('1.1.1.1');
    drive.advance(NAME_REFRESH_MS);
    expect(find('example.com').name).not.to.equal(first);
  });

  it('keep their address while it is asked for again, and where servers fail, but not where the name is gone', () => {
    const { drive, resolver, find } = stage();
    resolver.answers = addresses('8.8.8.8');
    find('example.com');
    resolver.answers = undefined;
    drive.advance(NAME_REFRESH_MS);
    expect(find('example.com').name).not.to.equal(undefined);
    resolver.answer({ status: 'failed', code: 'ETIMEDOUT' });
    expect(find('example.com').name).not.to.equal(undefined);
    drive.advance(NAME_RETRY_MS);
    find('example.com');
    resolver.answer({ status: 'failed', code: 'ENOTFOUND' });
    expect(find('example.com')).to.include({ name: undefined, refusal: 'resolve' });
    drive.advance(NAME_RETRY_MS);
    resolver.answers = addresses('8.8.4.4');
    expect(find('example.com').refusal).to.equal(undefined);
  });

  it('of a name are the first allowed address of the wanted family', () => {
    for (const [ipv6First, family] of [
      [false, 4],
      [true, 6],
    ] as const) {
      const { resolver, find } = stage([], ipv6First);
      resolver.answers = addresses('::1', '127.0.0.1', '2606:4700::1111', '8.8.8.8');
      expect(find('example.com').family).to.equal(family);
      resolver.answers = addresses('10.0.0.1', 'fd00::1');
      expect(find('inside.example').refusal).to.equal('egress');
    }
  });

  it('of a name wait for the other family where those of the first are refused', () => {
    const { drive, resolver, table, find } = stage();
    const early = (text: string): ResolvedName => ({
      status: 'ok',
      addresses: [parseIpAddress(text) ?? expect.fail(text)],
      late: { wait: (callback) => resolver.resolve('the rest', callback) },
    });
    const destination = find('example.com');
    let told = '';
    table.wait(destination, { payload: Buffer.from('x'), proceed: ({ family }) => (told = `IPv${family}`) });
    resolver.answer(early('10.0.0.1'));
    drive.advance(1);
    expect([destination.name, destination.refusal, told]).to.deep.equal([undefined, undefined, '']);
    resolver.answer(addresses('10.0.0.1', '2606:4700::1111'));
    drive.advance(1);
    expect(told).to.equal('IPv6');

    resolver.answers = early('8.8.8.8');
    expect(find('another.example'), 'nothing to wait for').to.include({ family: 4, lookup: undefined });

    resolver.answers = undefined;
    find('third.example');
    resolver.answer(early('10.0.0.1'));
    expect(resolver.waiting).to.equal(1);
    table.close();
    expect(resolver.waiting).to.equal(0);
  });

  it('are bounded, and those that go take their look-up with them', () => {
    const { drive, resolver, table, find } = stage();
    const oldest = find('example.com');
    let told = '';
    table.wait(oldest, { payload: Buffer.from('x'), proceed: ({ refusal }) => (told = `${refusal}`) });
    for (let i = 0; i < MAX_DESTINATIONS; i++) find('8.8.8.8', 1 + i);
    expect(resolver.waiting).to.equal(0);
    drive.advance(1);
    expect(told).to.equal('resolve');
    expect(find('example.com')).not.to.equal(oldest);
    table.close();
    expect(resolver.waiting).to.equal(0);
  });
});
