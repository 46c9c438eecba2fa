import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { liveRegions } from '../../../native-bindings/memory.js';
import type { ResolverOptions } from '../../../src/dns/resolver.js';
import { Resolver } from '../../../src/dns/resolver.js';
import { formatIpAddress } from '../../../src/net/ip-address.js';
import type { Lookup, ResolvedName } from '../../../src/net/name-resolver.js';
import type { ReceivedQuestion, Reply, Responder } from '../../support/dns-server.js';
import { addressRecords, answerBytes, TestDnsServer } from '../../support/dns-server.js';
import { DrivenReactor } from '../../support/reactor-drive.js';

const NXDOMAIN = 0x0183;
const SERVFAIL = 0x0182;
const REFUSED = 0x0185;
const FORMERR = 0x0181;
const TRUNCATED = 0x0380;

const found: Responder = (question, reply) => {
  reply({ answers: addressRecords(question, ['192.0.2.1'], ['2001:db8::1']) });
};
const BOTH = 'ok 192.0.2.1 2001:db8::1';
const silent: Responder = () => {};
const refusing: Responder = (_question, reply) => reply({ flags: REFUSED });

function text(answer: ResolvedName): string {
  return answer.status === 'ok' ? `ok ${answer.addresses.map(formatIpAddress).join(' ')}` : answer.code;
}

describe('the resolver', () => {
  let driven: DrivenReactor;
  let directory: string;
  let hostsPath: string;
  let resolvConfPath: string;
  let servers: TestDnsServer[];
  let resolvers: Resolver[];
  let regionsBefore: number;

  beforeEach(() => {
    driven = new DrivenReactor();
    regionsBefore = liveRegions();
    directory = mkdtempSync(join(tmpdir(), 'umbra-dns-'));
    hostsPath = join(directory, 'hosts');
    resolvConfPath = join(directory, 'resolv.conf');
    writeFileSync(hostsPath, '192.0.2.7 router router.example\n');
    writeFileSync(resolvConfPath, '');
    servers = [];
    resolvers = [];
  });

  afterEach(async () => {
    for (const resolver of resolvers) resolver.close();
    const left = {
      descriptors: driven.reactor.registered,
      timers: driven.reactor.timers.count(),
      regions: liveRegions() - regionsBefore,
    };
    driven.reactor.close();
    await Promise.all(servers.map((server) => server.close()));
    rmSync(directory, { recursive: true });
    expect(left).to.deep.equal({ descriptors: 0, timers: 0, regions: 0 });
  });

  async function serve(respond: Responder, host?: string): Promise<TestDnsServer> {
    const server = await TestDnsServer.start(respond, host);
    servers.push(server);
    return server;
  }

  function makeResolver(options: ResolverOptions = {}): Resolver {
    const resolver = new Resolver(driven.reactor, { hostsPath, resolvConfPath, ...options });
    resolvers.push(resolver);
    return resolver;
  }

  /** A resolver that asks these servers. */
  function asking(...asked: readonly TestDnsServer[]): Resolver {
    return makeResolver({ nameServers: asked.map((server) => `127.0.0.1:${server.port}`) });
  }

  /** The answer that is there before `resolve` returns, if it is. */
  function atOnce(resolver: Resolver, name: string): string | undefined {
    let answer: ResolvedName | undefined;
    const lookup = resolver.resolve(name, (given) => {
      answer = given;
    });
    if (answer === undefined) lookup.cancel();
    return answer === undefined ? undefined : text(answer);
  }

  /** @returns a list that gets the whole answer */
  function ask(resolver: Resolver, name: string): string[] {
    const answers: string[] = [];
    const take = (answer: ResolvedName): void => {
      if (answer.status === 'ok' && answer.late !== undefined) answer.late.wait(take);
      else answers.push(text(answer));
    };
    resolver.resolve(name, take);
    return answers;
  }

  /** @returns a list that gets every answer, and the look-ups that each of them is waited for with */
  function askEarly(resolver: Resolver, name: string): { answers: string[]; lookups: Lookup[] } {
    const answers: string[] = [];
    const lookups: Lookup[] = [];
    const take = (answer: ResolvedName): void => {
      answers.push(text(answer));
      if (answer.status === 'ok' && answer.late !== undefined) lookups.push(answer.late.wait(take));
    };
    lookups.unshift(resolver.resolve(name, take));
    return { answers, lookups };
  }

  async function resolved(resolver: Resolver, name: string): Promise<string> {
    const answers = ask(resolver, name);
    await driven.until(`an answer for ${name}`, () => answers.length > 0);
    return answers.join(', ');
  }

  const askedNames = (server: TestDnsServer): string[] =>
    server.questions.map(({ name, type }) => `${name} ${type}`).sort();

  describe('without asking anybody', () => {
    it('answers literals, the hosts file and localhost at once', () => {
      const resolver = makeResolver();
      expect(atOnce(resolver, '192.0.2.1')).to.equal('ok 192.0.2.1');
      expect(atOnce(resolver, '2001:DB8::1')).to.equal('ok 2001:db8::1');
      expect(atOnce(resolver, 'Router.example')).to.equal('ok 192.0.2.7');
      expect(atOnce(resolver, 'router.')).to.equal('ok 192.0.2.7');
      expect(atOnce(resolver, 'localhost')).to.equal('ok 127.0.0.1 ::1');
      expect(atOnce(resolver, 'app.localhost')).to.equal('ok 127.0.0.1 ::1');
    });

    for (const name of ['', '.', 'a..b', '0', '127.1', 'no spaces.example', `${'a'.repeat(64)}.example`]) {
      it(`says at once that ${JSON.stringify(name.slice(0, 20))} is no name`, () => {
        expect(atOnce(makeResolver(), name)).to.equal('ENOTFOUND');
      });
    }

    it('refuses a name server that is no address', () => {
      expect(() => makeResolver({ nameServers: ['dns.example'] })).to.throw(
        RangeError,
        /"dns.example" is not a name server/,
      );
    });
  });

  describe('asks', () => {
    it('for IPv4 and IPv6 side by side', async () => {
      const server = await serve(found);
      expect(await resolved(asking(server), 'www.example.com')).to.equal(BOTH);
      expect(askedNames(server)).to.deep.equal(['www.example.com A', 'www.example.com AAAA']);
    });

    it('servers over IPv6', async () => {
      const server = await serve(found, '::1');
      expect(await resolved(makeResolver({ nameServers: [`[::1]:${server.port}`] }), 'www.example.com')).to.equal(BOTH);
    });

    it('link-local servers by their interface, over UDP and TCP', async () => {
      // Where the machine has no such address, the loopback one, which takes any interface.
      const own = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
        addresses.filter(({ address }) => address.startsWith('fe80:')).map(({ address }) => `${address}%${name}`),
      );
      const host = own[0] ?? '::1%lo';
      const server = await serve((question, reply) => {
        if (question.transport === 'udp') reply({ flags: TRUNCATED });
        else found(question, reply);
      }, host);
      expect(await resolved(makeResolver({ nameServers: [`[${host}]:${server.port}`] }), 'www.example.com')).to.equal(
        BOTH,
      );
      writeFileSync(resolvConfPath, `nameserver fe80::1%no-such-one\nnameserver ${host}\n`);
      expect(await resolved(makeResolver({ port: server.port }), 'www.example.com')).to.equal(BOTH);
      expect(server.questions.map(({ transport }) => transport).sort()).to.deep.equal(
        Array.from({ length: 8 }, (_, i) => (i < 4 ? 'tcp' : 'udp')),
      );
    });

    it('for the lower-case, punycode form', async () => {
      const server = await serve(found);
      expect(await resolved(asking(server), 'BÜCHER.example.')).to.equal(BOTH);
      expect(server.questions[0]?.name).to.equal('xn--bcher-kva.example');
    });

    it('with ids and source ports that can not be guessed', async () => {
      const server = await serve(found);
      const resolver = asking(server);
      for (let i = 0; i < 20; i++) expect(await resolved(resolver, `n${i}.example`)).to.equal(BOTH);
      const ids = server.questions.map(({ id }) => id);
      const ports = server.questions.map(({ sourcePort }) => sourcePort);
      expect(new Set(ids).size).to.be.above(35);
      expect(new Set(ports).size).to.be.above(30);
      const steps = ids.slice(1).map((id, i) => id - ids[i]);
      expect(new Set(steps).size, 'steps from id to id').to.be.above(30);
    });
  });

  describe('believes', () => {
    it('no answer with another id or to another question, and waits for the right one', async () => {
      const server = await serve((question, reply) => {
        const forged = addressRecords(question, ['192.0.2.66'], ['2001:db8::66']);
        reply(answerBytes({ ...question, id: question.id ^ 1 }, { answers: forged }));
        reply(answerBytes({ ...question, name: 'evil.example' }, { answers: forged }));
        reply({ type: 'query', answers: forged });
        reply(Uint8Array.of());
        reply(Uint8Array.of(1, 2, 3));
        found(question, reply);
      });
      expect(await resolved(asking(server), 'www.example.com')).to.equal(BOTH);
    });

    it('no answer from elsewhere, though it has the right id and port', async () => {
      const forger = createSocket('udp4');
      forger.bind(0, '127.0.0.1');
      await once(forger, 'listening');
      const server = await serve((question, reply) => {
        const forged = answerBytes(question, { answers: addressRecords(question, ['192.0.2.66'], ['2001:db8::66']) });
        forger.send(forged, question.sourcePort, '127.0.0.1', () => found(question, reply));
      });
      expect(await resolved(asking(server), 'www.example.com')).to.equal(BOTH);
      forger.close();
      await once(forger, 'close');
    });
  });

  describe('when servers fail', () => {
    it('asks again after a second, with another id and port, and still takes a late answer to the first', async () => {
      const replies: Reply[] = [];
      const server = await serve((_question, reply) => replies.push(reply));
      const answers = ask(asking(server), 'www.example.com');
      await driven.until('both questions', () => server.questions.length === 2);
      driven.advance(999);
      await driven.settle();
      expect(server.questions).to.have.length(2);
      driven.advance(1);
      await driven.until('both again', () => server.questions.length === 4);
      expect(new Set(server.questions.map(({ id, sourcePort }) => `${id} ${sourcePort}`)).size).to.equal(4);
      // The first two questions are answered, the repeated ones never.
      server.questions.slice(0, 2).forEach((question, i) => {
        found(question, replies[i] as Reply);
      });
      await driven.until('the answer', () => answers.length > 0);
      expect(answers).to.deep.equal([BOTH]);
    });

    it('asks the next server, and that one first from then on', async () => {
      const dead = await serve(silent);
      const alive = await serve(found);
      const resolver = asking(dead, alive);
      const answers = ask(resolver, 'one.example');
      await driven.until('questions to the first', () => dead.questions.length === 2);
      expect(alive.questions).to.have.length(0);
      driven.advance(1000);
      await driven.until('the answer', () => answers.length > 0);
      expect(answers).to.deep.equal([BOTH]);
      expect(await resolved(resolver, 'two.example')).to.equal(BOTH);
      expect(dead.questions).to.have.length(2);
    });

    for (const [what, flags] of [
      ['REFUSED', REFUSED],
      ['SERVFAIL', SERVFAIL],
    ] as const) {
      it(`asks the next server at once after ${what}`, async () => {
        const failing = await serve((_question, reply) => reply({ flags }));
        const alive = await serve(found);
        expect(await resolved(asking(failing, alive), 'www.example.com')).to.equal(BOTH);
      });
    }

    it('asks the next server at once where nobody listens, or where the answer is broken', async () => {
      const closed = await TestDnsServer.start(silent);
      const closedPort = closed.port;
      await closed.close();
      const broken = await serve((question, reply) => reply(answerBytes(question, {}).subarray(0, 20)));
      const alive = await serve(found);
      const nameServers = [closedPort, broken.port, alive.port].map((port) => `127.0.0.1:${port}`);
      expect(await resolved(makeResolver({ nameServers }), 'www.example.com')).to.equal(BOTH);
      expect(broken.questions).to.have.length(2);
    });

    it('asks the next server at once where there is no way to one, and fails at once where there is to none', async () => {
      const alive = await serve(found);
      // connect(2) refuses a broadcast address on every machine.
      const unreachable = '255.255.255.255';
      const nameServers = [unreachable, `127.0.0.1:${alive.port}`];
      expect(await resolved(makeResolver({ nameServers }), 'www.example.com')).to.equal(BOTH);
      writeFileSync(resolvConfPath, `nameserver ${unreachable}\nsearch a.example b.example\n`);
      expect(atOnce(makeResolver(), 'www.example.com')).to.equal('EAI_AGAIN');
    });

    it('says EAI_AGAIN once all have refused, each twice', async () => {
      const one = await serve(refusing);
      const two = await serve(refusing);
      expect(await resolved(asking(one, two), 'www.example.com')).to.equal('EAI_AGAIN');
      expect([one.questions.length, two.questions.length]).to.deep.equal([4, 4]);
    });

    it('says ETIMEDOUT once nobody has answered for long enough', async () => {
      const server = await serve(silent);
      const answers = ask(asking(server), 'www.example.com');
      driven.advance(1000);
      driven.advance(4999);
      expect(answers).to.deep.equal([]);
      driven.advance(1);
      expect(answers).to.deep.equal(['ETIMEDOUT']);
      await driven.until('all questions to arrive', () => server.questions.length === 4);
    });

    it('leaves the servers twice as long in each round', async () => {
      const server = await serve(silent);
      writeFileSync(resolvConfPath, 'nameserver 127.0.0.1\noptions attempts:3 timeout:2\n');
      const answers = ask(makeResolver({ port: server.port }), 'www.example.com');
      for (const [count, durationMs] of [2, 4, 6].map((n, i) => [n, [1000, 2000, 2000][i]] as const)) {
        await driven.until(`${count} questions`, () => server.questions.length === count);
        driven.advance((durationMs ?? 0) - 1);
        await driven.settle();
        expect(server.questions).to.have.length(count);
        expect(answers).to.deep.equal([]);
        driven.advance(1);
      }
      expect(answers).to.deep.equal(['ETIMEDOUT']);
    });

    it('asks again without EDNS where the server does not understand it', async () => {
      const server = await serve((question, reply) => {
        if (question.edns) reply({ flags: FORMERR, questions: [] });
        else found(question, reply);
      });
      expect(await resolved(asking(server), 'www.example.com')).to.equal(BOTH);
      expect(server.questions.map(({ edns }) => edns)).to.have.members([true, true, false, false]);
    });
  });

  describe('over TCP', () => {
    const many = Array.from({ length: 200 }, (_, i) => `192.0.2.${i}`);
    const long: Responder = (question, reply) => {
      if (question.transport === 'udp') reply({ flags: TRUNCATED });
      else reply({ answers: addressRecords(question, many, []) });
    };

    it('gets what is too long for a datagram', async () => {
      const server = await serve(long);
      expect(await resolved(asking(server), 'www.example.com')).to.equal(`ok ${many.join(' ')}`);
      expect(server.questions.filter(({ transport }) => transport === 'tcp')).to.have.length(2);
    });

    it('falls back to the next server where the connection ends early', async () => {
      const cutting = await serve((question, reply) => {
        if (question.transport === 'udp') reply({ flags: TRUNCATED });
        else reply(new Uint8Array());
      });
      const alive = await serve(found);
      expect(await resolved(asking(cutting, alive), 'www.example.com')).to.equal(BOTH);
      expect(cutting.questions.filter(({ transport }) => transport === 'tcp')).to.have.length(2);
    });

    it('is used from the start with use-vc', async () => {
      const server = await serve(found);
      writeFileSync(resolvConfPath, 'nameserver 127.0.0.1\noptions use-vc\n');
      expect(await resolved(makeResolver({ port: server.port }), 'www.example.com')).to.equal(BOTH);
      expect(server.questions.map(({ transport }) => transport)).to.deep.equal(['tcp', 'tcp']);
    });
  });

  describe('remembers', () => {
    it('addresses for their time to live', async () => {
      const server = await serve((question, reply) => {
        reply({ answers: addressRecords(question, ['192.0.2.1'], ['2001:db8::1'], question.type === 'A' ? 60 : 90) });
      });
      const resolver = asking(server);
      expect(await resolved(resolver, 'www.example.com')).to.equal(BOTH);
      driven.advance(59_999);
      expect(atOnce(resolver, 'WWW.example.com')).to.equal(BOTH);
      expect(server.questions).to.have.length(2);
      driven.advance(1);
      expect(await resolved(resolver, 'www.example.com')).to.equal(BOTH);
      expect(askedNames(server).filter((asked) => asked.endsWith(' A'))).to.have.length(2);
      expect(askedNames(server).filter((asked) => asked.endsWith(' AAAA'))).to.have.length(1);
    });

    it('that a name does not exist, from one answer for both types', async () => {
      const server = await serve((question, reply) => {
        if (question.type === 'AAAA') return;
        reply({
          flags: NXDOMAIN,
          authorities: [
            {
              type: 'SOA',
              name: 'example.com',
              ttl: 60,
              data: {
                mname: 'ns.example.com',
                rname: 'root.example.com',
                serial: 1,
                refresh: 1,
                retry: 1,
                expire: 1,
                minimum: 60,
              },
            },
          ],
        });
      });
      const resolver = asking(server);
      expect(await resolved(resolver, 'gone.example.com')).to.equal('ENOTFOUND');
      driven.advance(59_000);
      expect(atOnce(resolver, 'gone.example.com')).to.equal('ENOTFOUND');
      await driven.settle();
      expect(askedNames(server)).to.deep.equal(['gone.example.com A', 'gone.example.com AAAA']);
      driven.advance(1_000);
      expect(atOnce(resolver, 'gone.example.com')).to.equal(undefined);
    });

    it('that a name has addresses of one family only', async () => {
      const server = await serve((question, reply) => reply({ answers: addressRecords(question, ['192.0.2.1'], []) }));
      const resolver = asking(server);
      expect(await resolved(resolver, 'v4.example.com')).to.equal('ok 192.0.2.1');
      expect(atOnce(resolver, 'v4.example.com')).to.equal('ok 192.0.2.1');
      const none = await serve((_question, reply) => reply({}));
      expect(await resolved(asking(none), 'mail.example.com')).to.equal('ENOTFOUND');
    });
  });

  describe('with several callers', () => {
    it('asks once for all of them, and tells each', async () => {
      const replies: (() => void)[] = [];
      const server = await serve((question, reply) => replies.push(() => found(question, reply)));
      const resolver = asking(server);
      const answers = Array.from({ length: 10 }, () => ask(resolver, 'www.example.com'));
      await driven.until('the questions', () => replies.length === 2);
      for (const reply of replies) reply();
      await driven.until('all answers', () => answers.every((list) => list.length > 0));
      expect(answers).to.deep.equal(Array.from({ length: 10 }, () => [BOTH]));
      expect(server.questions).to.have.length(2);
      expect(resolver.pending).to.equal(0);
    });

    it('does not call one that has cancelled, also when another one cancels it while being told', async () => {
      const server = await serve(found);
      const resolver = asking(server);
      const called: string[] = [];
      const lookups: Lookup[] = [];
      lookups.push(resolver.resolve('www.example.com', () => called.push('first')));
      lookups.push(
        resolver.resolve('www.example.com', () => {
          called.push('second');
          lookups[2]?.cancel();
        }),
      );
      lookups.push(resolver.resolve('www.example.com', () => called.push('third')));
      lookups.push(resolver.resolve('www.example.com', () => called.push('fourth')));
      lookups[0]?.cancel();
      await driven.until('the last', () => called.includes('fourth'));
      expect(called).to.deep.equal(['second', 'fourth']);
      for (const lookup of lookups) lookup.cancel();
    });

    it('gives up when the last one cancels', async () => {
      const server = await serve(silent);
      const resolver = asking(server);
      const lookups = [1, 2].map(() => resolver.resolve('www.example.com', () => expect.fail('called')));
      expect(driven.reactor.registered).to.equal(2);
      lookups[0]?.cancel();
      expect(driven.reactor.registered).to.equal(2);
      lookups[1]?.cancel();
      expect(driven.reactor.registered).to.equal(0);
      expect(resolver.pending).to.equal(0);
      lookups[1]?.cancel();
    });

    it('tells the others when the callback of one throws, and counts the failure', async () => {
      const server = await serve(found);
      const resolver = asking(server);
      resolver.resolve('www.example.com', () => {
        throw new Error('a bug');
      });
      const answers = ask(resolver, 'www.example.com');
      await driven.until('the answer', () => answers.length > 0);
      await driven.settle();
      expect(driven.reactor.statistics.failures).to.equal(1);
    });

    it('may be asked again from a callback', async () => {
      const server = await serve((question, reply) =>
        reply({ answers: addressRecords(question, [], ['2001:db8::1']) }),
      );
      const resolver = asking(server);
      const answers: string[] = [];
      resolver.resolve('www.example.com', (first) => {
        answers.push(text(first));
        resolver.resolve('www.example.com', (second) => answers.push(text(second)));
      });
      await driven.until('both answers', () => answers.length === 2);
      expect(answers).to.deep.equal(['ok 2001:db8::1', 'ok 2001:db8::1']);
      expect(server.questions).to.have.length(2);
    });
  });

  describe('with one family answered', () => {
    const EARLY = 'ok 2001:db8::1';

    /** Answers one type at once, and the other when it is told to. */
    async function serveFirst(type: string, respondLate: Responder = found) {
      const late: (() => void)[] = [];
      const server = await serve((question, reply) => {
        if (question.type === type) found(question, reply);
        else late.push(() => respondLate(question, reply));
      });
      const replyLate = (): void => {
        for (const reply of late.splice(0)) reply();
      };
      return { server, replyLate };
    }

    /** Until the first answer has come, and for so long then. */
    async function passDelay(server: TestDnsServer): Promise<void> {
      await driven.until('both questions', () => server.questions.length === 2);
      await driven.until('the delay', () => driven.reactor.timers.nextDeadlineMs() <= driven.reactor.nowMs + 50);
      driven.advance(50);
    }

    it('waits 50 ms for the preferred one, then goes on without, and tells of it later', async () => {
      const { server, replyLate } = await serveFirst('AAAA');
      const resolver = asking(server);
      const { answers } = askEarly(resolver, 'www.example.com');
      await driven.until('both questions', () => server.questions.length === 2);
      await driven.until('the delay', () => driven.reactor.timers.nextDeadlineMs() <= driven.reactor.nowMs + 50);
      driven.advance(49);
      expect(answers).to.deep.equal([]);
      driven.advance(1);
      expect(answers).to.deep.equal([EARLY]);
      expect(atOnce(resolver, 'www.example.com'), 'one who comes now').to.equal(EARLY);
      replyLate();
      await driven.until('the end', () => resolver.pending === 0);
      expect(answers).to.deep.equal([EARLY, BOTH]);
      expect(atOnce(resolver, 'www.example.com')).to.equal(BOTH);
      expect(server.questions).to.have.length(2);
    });

    for (const [ipv6First, type, early] of [
      [false, 'A', 'ok 192.0.2.1'],
      [true, 'AAAA', 'ok 2001:db8::1'],
    ] as const) {
      it(`does not wait where it is the preferred one, IPv${ipv6First ? 6 : 4}, and tells of the other later`, async () => {
        const { server, replyLate } = await serveFirst(type);
        const resolver = makeResolver({ nameServers: [`127.0.0.1:${server.port}`], ipv6First });
        const { answers } = askEarly(resolver, 'www.example.com');
        // The clock stands still.
        await driven.until('the first answer', () => answers.length > 0);
        expect(answers).to.deep.equal([early]);
        await driven.until('both questions', () => server.questions.length === 2);
        expect(driven.reactor.timers.count(), 'the other question’s').to.equal(1);
        replyLate();
        await driven.until('the end', () => resolver.pending === 0);
        expect(answers).to.deep.equal([early, BOTH]);
      });
    }

    it('gives what the cache has of the preferred one at once, and asks for the other', async () => {
      const server = await serve((question, reply) => {
        const ttl = question.type === 'A' ? 60 : 30;
        reply({ answers: addressRecords(question, ['192.0.2.1'], ['2001:db8::1'], ttl) });
      });
      const resolver = asking(server);
      expect(await resolved(resolver, 'www.example.com')).to.equal(BOTH);
      driven.advance(30_000);
      const { answers } = askEarly(resolver, 'www.example.com');
      expect(answers).to.deep.equal(['ok 192.0.2.1']);
      await driven.until('the end', () => resolver.pending === 0);
      expect(answers).to.deep.equal(['ok 192.0.2.1', BOTH]);
      expect(server.questions).to.have.length(3);
    });

    it('tells all who wait, those too who came after the first answer, but none who has cancelled', async () => {
      const { server, replyLate } = await serveFirst('AAAA');
      const resolver = asking(server);
      const callers = [1, 2].map(() => askEarly(resolver, 'www.example.com'));
      await passDelay(server);
      callers.push(askEarly(resolver, 'www.example.com'));
      callers[1]?.lookups[1]?.cancel();
      replyLate();
      await driven.until('the end', () => resolver.pending === 0);
      expect(callers.map(({ answers }) => answers)).to.deep.equal([[EARLY, BOTH], [EARLY], [EARLY, BOTH]]);
      expect(server.questions).to.have.length(2);
    });

    it('goes on for the cache where all who waited have cancelled', async () => {
      const { server, replyLate } = await serveFirst('AAAA');
      const resolver = asking(server);
      const { answers, lookups } = askEarly(resolver, 'www.example.com');
      await passDelay(server);
      for (const lookup of lookups) lookup.cancel();
      expect(resolver.pending).to.equal(1);
      replyLate();
      await driven.until('the end', () => resolver.pending === 0);
      expect(answers).to.deep.equal([EARLY]);
      expect(atOnce(resolver, 'www.example.com')).to.equal(BOTH);
    });

    for (const [what, respondLate] of [
      ['has none', (_question, reply) => reply({})],
      ['does not exist, as some servers say', (_question, reply) => reply({ flags: NXDOMAIN })],
      ['is refused', refusing],
    ] as const satisfies readonly (readonly [string, Responder])[]) {
      it(`tells the same again where the other ${what}`, async () => {
        const { server, replyLate } = await serveFirst('AAAA', respondLate);
        const resolver = asking(server);
        const { answers } = askEarly(resolver, 'www.example.com');
        await passDelay(server);
        replyLate();
        await driven.until('a second question or the end', () => server.questions.length > 2 || resolver.pending === 0);
        replyLate();
        await driven.until('the end', () => resolver.pending === 0);
        expect(answers).to.deep.equal([EARLY, EARLY]);
      });
    }

    it('tells the same again once nobody has answered for the other', async () => {
      const { server } = await serveFirst('AAAA');
      const resolver = asking(server);
      const { answers } = askEarly(resolver, 'www.example.com');
      await passDelay(server);
      driven.advance(950);
      driven.advance(5000);
      expect(answers).to.deep.equal([EARLY, EARLY]);
      expect(resolver.pending).to.equal(0);
    });

    it('tells those who wait nothing more when it is closed', async () => {
      const { server } = await serveFirst('AAAA');
      const resolver = new Resolver(driven.reactor, {
        hostsPath,
        resolvConfPath,
        nameServers: [`127.0.0.1:${server.port}`],
      });
      const { answers } = askEarly(resolver, 'www.example.com');
      await passDelay(server);
      resolver.close();
      expect(answers).to.deep.equal([EARLY]);
    });

    it('answers with it though the other one fails', async () => {
      const server = await serve((question, reply) => {
        if (question.type === 'A') refusing(question, reply);
        else found(question, reply);
      });
      expect(await resolved(asking(server), 'www.example.com')).to.equal('ok 2001:db8::1');
    });
  });

  describe('with resolv.conf', () => {
    const only =
      (name: string): Responder =>
      (question, reply) => {
        if (question.name === name) found(question, reply);
        else reply({ flags: NXDOMAIN });
      };
    const tried = (server: TestDnsServer): string[] => [...new Set(server.questions.map(({ name }) => name))];

    it('tries a short name with the search list first, then as it is', async () => {
      const server = await serve(only('host'));
      writeFileSync(resolvConfPath, 'nameserver 127.0.0.1\nsearch a.example b.example\n');
      expect(await resolved(makeResolver({ port: server.port }), 'host')).to.equal(BOTH);
      expect(tried(server)).to.deep.equal(['host.a.example', 'host.b.example', 'host']);
    });

    it('tries a name with dots as it is first', async () => {
      const server = await serve(only('www.sub.b.example'));
      writeFileSync(resolvConfPath, 'nameserver 127.0.0.1\nsearch a.example b.example\n');
      const resolver = makeResolver({ port: server.port });
      expect(await resolved(resolver, 'www.sub')).to.equal(BOTH);
      expect(tried(server)).to.deep.equal(['www.sub', 'www.sub.a.example', 'www.sub.b.example']);
      expect(atOnce(resolver, 'www.sub'), 'from the cache').to.equal(BOTH);
    });

    it('heeds ndots, and takes a name with a final dot as it is', async () => {
      const server = await serve(only('nothing'));
      writeFileSync(resolvConfPath, 'nameserver 127.0.0.1\nsearch a.example\noptions ndots:2\n');
      const resolver = makeResolver({ port: server.port });
      expect(await resolved(resolver, 'www.sub')).to.equal('ENOTFOUND');
      expect(tried(server)).to.deep.equal(['www.sub.a.example', 'www.sub']);
      expect(await resolved(resolver, 'absolute.')).to.equal('ENOTFOUND');
      expect(tried(server).slice(2)).to.deep.equal(['absolute']);
    });

    it('is not sure that a name does not exist where a server failed on the way', async () => {
      const server = await serve((question, reply) => reply({ flags: question.name === 'host' ? NXDOMAIN : SERVFAIL }));
      writeFileSync(resolvConfPath, 'nameserver 127.0.0.1\nsearch a.example\n');
      expect(await resolved(makeResolver({ port: server.port }), 'host')).to.equal('EAI_AGAIN');
    });

    it('rotates over the servers', async () => {
      const server = await serve(found);
      writeFileSync(resolvConfPath, 'nameserver 127.0.0.1\nnameserver 127.0.0.2\noptions rotate\n');
      const resolver = makeResolver({ port: server.port });
      const { servers: list } = resolver.queryContext;
      expect([list.begin(), list.begin(), list.begin()]).to.deep.equal([0, 1, 0]);
    });

    it('notices within seconds that the files have changed', async () => {
      const server = await serve(found);
      writeFileSync(resolvConfPath, 'nameserver 127.0.0.9\n');
      const resolver = makeResolver({ port: server.port });
      writeFileSync(resolvConfPath, 'nameserver 127.0.0.1\n# another network\n');
      writeFileSync(hostsPath, '192.0.2.8 new.example\n');
      driven.advance(4999);
      expect(atOnce(resolver, 'new.example')).to.equal(undefined);
      driven.advance(1);
      expect(atOnce(resolver, 'new.example')).to.equal('ok 192.0.2.8');
      expect(atOnce(resolver, 'router')).to.equal(undefined);
      expect(await resolved(resolver, 'www.example.com')).to.equal(BOTH);
      rmSync(hostsPath);
      writeFileSync(resolvConfPath, 'nameserver 127.0.0.9\n');
      driven.advance(5000);
      expect(atOnce(resolver, 'new.example'), 'no hosts file any more').to.equal(undefined);
      expect(atOnce(resolver, 'www.example.com'), 'what the old network said').to.equal(undefined);
    });
  });

  describe('within its limits', () => {
    it('lets look-ups wait for their turn', async () => {
      const replies: { readonly question: ReceivedQuestion; readonly reply: Reply }[] = [];
      const server = await serve((question, reply) => replies.push({ question, reply }));
      const nameServers = [`127.0.0.1:${server.port}`];
      const resolver = makeResolver({ nameServers, limits: { maxActive: 1, maxLookups: 4 } });
      const first = ask(resolver, 'one.example');
      const second = ask(resolver, 'two.example');
      const cancelled = resolver.resolve('three.example', () => expect.fail('called'));
      const fourth = ask(resolver, 'four.example');
      expect(atOnce(resolver, 'five.example')).to.equal('EAI_AGAIN');
      expect(driven.reactor.registered).to.equal(2);
      cancelled.cancel();
      for (const [count, answers] of [first, second, fourth].entries()) {
        await driven.until('two questions', () => replies.length === 2 * (count + 1));
        for (const { question, reply } of replies.slice(-2)) found(question, reply);
        await driven.until('an answer', () => answers.length > 0);
        expect(answers).to.deep.equal([BOTH]);
      }
      expect(new Set(server.questions.map(({ name }) => name))).to.deep.equal(
        new Set(['one.example', 'two.example', 'four.example']),
      );
    });

    it('ends all that is under way or waiting when it is closed', async () => {
      const server = await serve(silent);
      const nameServers = [`127.0.0.1:${server.port}`];
      const resolver = new Resolver(driven.reactor, {
        hostsPath,
        resolvConfPath,
        nameServers,
        limits: { maxActive: 1, maxLookups: 9 },
      });
      for (const name of ['one.example', 'two.example', 'three.example']) {
        resolver.resolve(name, () => expect.fail('called'));
      }
      resolver.close();
      expect(resolver.pending).to.equal(0);
      expect(driven.reactor.registered).to.equal(0);
    });
  });
});
