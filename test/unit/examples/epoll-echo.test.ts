/** What the epoll echo server of docs/examples does, and the sixteen faults that programs of this kind have, in both modes. */

import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  EchoConnection,
  MESSAGE_SIZE,
  QUEUE_LIMIT,
  READ_ONLY,
  READ_WRITE,
} from '../../../docs/examples/echo-connection.js';
import { BACKLOG, DEFAULT_PORT, EpollEchoServer } from '../../../docs/examples/echo-server.js';
import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  MSG_OOB,
  SOCK_STREAM,
} from '../../../native-bindings/constants.js';
import { EAGAIN, ECONNABORTED, EMFILE, ENOBUFS } from '../../../native-bindings/errno.js';
import * as sockets from '../../../native-bindings/socket.js';
import { Descriptors, LOOPBACK, receiveText, trySend } from '../../support/loopback-sockets.js';
import { EchoDrive, MODES } from './echo-drive.js';

/** Text in which every position is recognisable, so that lost, doubled and reordered bytes all show. */
function pattern(length: number): string {
  let text = '';
  for (let i = 0; text.length < length; i++) text += `${i},`;
  return text.slice(0, length);
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

for (const { mode, edgeTriggered } of MODES) {
  describe(`epoll echo example, ${mode}`, () => {
    let drive: EchoDrive;

    function start(options: ConstructorParameters<typeof EchoDrive>[1] = {}): EchoDrive {
      drive = new EchoDrive(edgeTriggered, options);
      return drive;
    }

    afterEach(() => drive.end());

    describe('behaviour', () => {
      it('echoes three messages of each of two interleaved clients in order', () => {
        const { server } = start();
        const clients = [drive.connect(), drive.connect()];
        const expected = ['', ''];
        for (const message of ['This is the message. ', 'It will be sent ', 'in parts.']) {
          clients.forEach((client, i) => {
            client.send(`${i}:${message}`);
            expected[i] += `${i}:${message}`;
          });
          for (const [i, client] of clients.entries()) drive.untilEchoed(client, expected[i]);
        }
        for (const client of clients) client.close();
        drive.until('both are closed', () => server.connections === 0);
      });

      it('reads at most 1024 bytes at a time and asks for OUT only while something is queued', () => {
        start();
        const client = drive.connectAccepted();
        client.send(pattern(1500));
        drive.untilEchoed(client, pattern(1500));
        expect(drive.log).to.include(`step 4: received 1024 bytes from 127.0.0.1:${client.port}`);
        expect(drive.log).to.include(`step 4: received 476 bytes from 127.0.0.1:${client.port}`);
        const changes = drive.log.filter((line) => line.startsWith('step 5'));
        expect(changes).to.deep.equal([
          `step 5: 127.0.0.1:${client.port} is watched for IN|PRI|OUT|ERR|HUP`,
          `step 5: 127.0.0.1:${client.port} is watched for IN|PRI|ERR|HUP`,
        ]);
      });

      it(`sends ${edgeTriggered ? 'all that is queued' : 'one message'} at one OUT`, () => {
        let full = true;
        const { server } = start({
          calls: {
            accept: sockets.accept,
            send: (...args) => (full ? -EAGAIN : sockets.send(...args)),
          },
        });
        const client = drive.connectAccepted();
        let queued = 0;
        for (const message of ['first', 'second']) {
          client.send(message);
          queued += message.length;
          drive.until('it is queued', () => server.queuedBytes === queued);
        }
        full = false;
        // Edge-triggered, OUT alone would not be reported: there was room all the time.
        client.send('third');
        const sent = (): string[] => drive.log.filter((line) => line.includes(': sent '));
        drive.until('the first turn that sends', () => sent().length > 0);
        const lengths = edgeTriggered ? [5, 6, 5] : [5];
        const expected = lengths.map((length) => `step 4: sent ${length} bytes to 127.0.0.1:${client.port}`);
        expect(sent()).to.deep.equal(expected);
        drive.untilEchoed(client, 'firstsecondthird');
      });

      it('logs each of the seven steps', () => {
        start();
        const client = drive.connectAccepted();
        client.send('x');
        drive.untilEchoed(client, 'x');
        client.close();
        drive.untilLogged(/closed/);
        drive.end();
        for (let step = 1; step <= 7; step++) expect(drive.log.join('\n')).to.match(new RegExp(`^step ${step}: `, 'm'));
        start();
      });

      it('drops the event of a descriptor that was closed in the same turn', () => {
        const { server } = start();
        const client = drive.connectAccepted();
        client.send('late');
        client.reset();
        // The same events twice: the first time closes the connection, the second finds its generation gone.
        const count = server.wait();
        expect(count).to.equal(1);
        server.act(count);
        expect(server.connections).to.equal(0);
        server.act(count);
        expect(drive.log.join('\n')).to.match(/descriptor \d+ was closed in this turn/);
        drive.expectAlive();
      });
    });

    describe('regressions', () => {
      it('1: waits milliseconds, and says so', () => {
        const { server } = start({ waitMs: 60 });
        const startMs = performance.now();
        expect(server.wait()).to.equal(0);
        expect(performance.now() - startMs).to.be.within(55, 3000);
        expect(drive.log.at(-1)).to.equal('step 3: waiting at most 60 ms');
      });

      it('2: survives a reset, with and without data before it, and reads that data first', () => {
        const { server } = start();
        drive.connectAccepted().reset();
        drive.untilLogged(/closed .*ECONNRESET/);
        const client = drive.connectAccepted();
        client.send('last words');
        client.reset();
        drive.untilLogged(/read the last 10 bytes/);
        drive.until('it is closed', () => server.connections === 0);
        drive.expectAlive();
      });

      it('3: survives an out-of-band byte, takes it, and echoes the stream around it', () => {
        start();
        const client = drive.connectAccepted();
        client.send('!', MSG_OOB);
        drive.untilLogged(/out-of-band byte, dropped/);
        client.send('before');
        client.send('!', MSG_OOB);
        client.send('after');
        drive.untilEchoed(client, 'beforeafter');
        // PRI has ended: the next wait has nothing to report.
        expect(drive.server.wait()).to.equal(0);
      });

      it('5: accepts all of five queued connections', () => {
        const { server } = start();
        const clients = Array.from({ length: 5 }, () => drive.connect());
        drive.until('all are accepted', () => server.connections === 5);
        for (const client of clients) client.send('hello');
        for (const client of clients) drive.untilEchoed(client, 'hello');
      });

      it('6: echoes all of 5,000 bytes', () => {
        start();
        const client = drive.connectAccepted();
        client.send(pattern(5000));
        drive.untilEchoed(client, pattern(5000));
      });

      it('7: stops reading from a client that reads nothing, and goes on when it does', function () {
        this.timeout(20_000);
        const { server } = start();
        const client = drive.connectAccepted();
        const block = new TextEncoder().encode(pattern(64 * 1024));
        let sent = 0;
        let most = 0;
        // Both kernel buffers and the queue fill; then the client cannot send and the server has nothing to do.
        for (let moving = true; moving; ) {
          const took = trySend(client.fd, block.subarray(sent % block.length));
          if (took > 0) sent += took;
          const count = server.wait();
          server.act(count);
          most = Math.max(most, server.queuedBytes);
          moving = took !== -EAGAIN || count > 0;
        }
        expect(sent, 'the kernel took more than the queue holds').to.be.greaterThan(QUEUE_LIMIT);
        expect(most).to.be.within(QUEUE_LIMIT - MESSAGE_SIZE, QUEUE_LIMIT);
        expect(drive.log).to.include(`step 5: 127.0.0.1:${client.port} is watched for PRI|OUT|ERR|HUP`);
        drive.until('all of it has come back', () => client.poll().text.length === sent);
        expect(client.text).to.equal(
          pattern(64 * 1024)
            .repeat(Math.ceil(sent / block.length))
            .slice(0, sent),
        );
      });

      it('8: acts on every flag of an event: IN hides neither OUT nor HUP nor ERR', () => {
        const { server } = start();
        const client = drive.connectAccepted();
        client.send('first');
        server.turn();
        expect(server.queuedBytes).to.equal(5);
        client.send('second');
        const before = drive.log.length;
        server.turn();
        const turn = drive.log.slice(before).join('\n');
        expect(turn)
          .to.match(/is ready: IN\|OUT$/m)
          .and.match(/received 6 bytes/)
          .and.match(/sent 5 bytes/);
        client.send('third');
        client.reset();
        server.turn();
        expect(drive.log.join('\n')).to.match(/is ready: IN\|.*ERR\|HUP$/m);
        expect(server.connections).to.equal(0);
      });

      it('9: sends the pending echo after the FIN of the client, then closes', () => {
        const { server } = start();
        const client = drive.connectAccepted();
        client.send(pattern(3000));
        client.finish();
        drive.until('the echo and the end have come', () => client.poll().ended);
        expect(client.text).to.equal(pattern(3000));
        expect(server.connections).to.equal(0);
      });

      it('10: sends the rest of a message that was taken in part', () => {
        let calls = 0;
        start({
          calls: {
            accept: sockets.accept,
            send: (fd, region, offset, length, flags) => {
              calls++;
              return sockets.send(fd, region, offset, Math.min(length, 7), flags);
            },
          },
        });
        const client = drive.connectAccepted();
        client.send(pattern(2000));
        drive.untilEchoed(client, pattern(2000));
        expect(calls).to.be.at.least(Math.ceil(2000 / 7));
      });

      it('11: names the client that closes, not the last one accepted', () => {
        start();
        const first = drive.connectAccepted();
        const second = drive.connectAccepted();
        first.close();
        expect(drive.untilLogged(/closed/)).to.contain(`127.0.0.1:${first.port}:`);
        second.close();
        drive.untilLogged(new RegExp(`closed 127\\.0\\.0\\.1:${second.port}:`));
      });

      it('12: drops the queue and the table entry of a connection that was reset', () => {
        const { server } = start();
        const before = openDescriptors();
        for (let i = 0; i < 5; i++) {
          const client = drive.connectAccepted();
          client.send(pattern(3000));
          drive.until('something is queued', () => server.queuedBytes > 0);
          client.reset();
          drive.until('it is gone', () => server.connections === 0);
          expect(server.queuedBytes).to.equal(0);
        }
        expect(openDescriptors()).to.equal(before);
        expect(drive.log.join('\n')).to.match(/closed .* bytes were not sent/);
      });

      it('14: opens another listener when its own fails, and keeps its connections', () => {
        const { server } = start();
        const client = drive.connectAccepted();
        const { port } = server;
        // A listening socket that is shut down reports HUP and accepts no more.
        expect(sockets.shutdown(server.listener, 0)).to.equal(0);
        drive.untilLogged(/the listener failed/);
        expect(server.port).to.equal(port);
        client.send('still here');
        drive.untilEchoed(client, 'still here');
        drive.expectAlive();
      });

      it('15: goes on after EAGAIN, ECONNABORTED and ENOBUFS from accept', () => {
        const answers = [-EAGAIN, -ECONNABORTED, -ENOBUFS];
        const { server } = start({
          calls: { send: sockets.send, accept: (fd) => answers.shift() ?? sockets.accept(fd) },
        });
        const clients = [drive.connect(), drive.connect(), drive.connect(), drive.connect()];
        if (edgeTriggered) server.turn(); // Uses up the answer that promises another edge.
        const more = drive.connect();
        drive.until('all are accepted', () => server.connections === 5);
        expect(answers).to.deep.equal([]);
        expect(drive.log).not.to.include('step 5: no accepting for now (ECONNABORTED)');
        expect(drive.log).to.include('step 5: no accepting for now (ENOBUFS)').and.include('step 5: accepting again');
        for (const client of [...clients, more]) client.send('hello');
        for (const client of [...clients, more]) drive.untilEchoed(client, 'hello');
      });

      it('15: turns clients away at EMFILE with the reserve descriptor, and serves the next', () => {
        let full = true;
        let refused = false;
        const { server } = start({
          calls: {
            send: sockets.send,
            accept: (fd) => {
              // Full, but for the one descriptor that the server gives up for this.
              refused = !refused;
              return full && refused ? -EMFILE : sockets.accept(fd);
            },
          },
        });
        const client = drive.connect();
        drive.until('it is turned away', () => client.poll().ended);
        expect(server.connections).to.equal(0);
        full = false;
        drive.expectAlive();
      });

      it('15: pauses where even the reserve does not help, and resumes', () => {
        let full = true;
        const { server } = start({
          calls: { send: sockets.send, accept: (fd) => (full ? -EMFILE : sockets.accept(fd)) },
        });
        drive.connect();
        drive.untilLogged(/no accepting for now \(EMFILE\)/);
        // Level-triggered or not, the waiting client is not reported while the pause lasts.
        expect(server.wait()).to.equal(0);
        full = false;
        drive.until('it is accepted', () => server.connections === 1);
      });

      it('16: gives everything back in step 7, and its port can be had again at once', () => {
        const descriptors = openDescriptors();
        const first = start();
        const { port } = first.server;
        const client = drive.connectAccepted();
        client.send('x');
        drive.untilEchoed(client, 'x');
        // The server closes first, so TIME_WAIT is on its side, where only SO_REUSEADDR gets past it.
        first.server.close();
        expect(receiveText(client.fd, 1)).to.equal('');
        client.close();
        expect(openDescriptors()).to.equal(descriptors);
        expect(start({ port }).server.port).to.equal(port);
        drive.expectAlive();
      });
    });
  });
}

describe('epoll echo example', () => {
  it('has 10000 as its default port, and 5 as its backlog', () => {
    expect(DEFAULT_PORT).to.equal(10_000);
    expect(BACKLOG).to.equal(5);
  });

  it('has the kernel keep no more connections for it than its backlog says', () => {
    const descriptors = new Descriptors();
    const server = new EpollEchoServer({ port: 0, log: () => undefined });
    try {
      // Linux refuses one where the queue is longer than the backlog already.
      for (let i = 0; i < BACKLOG + 1; i++) descriptors.connect(server.port);
      const tooMany = descriptors.keep(sockets.socket(4, SOCK_STREAM));
      sockets.connectInet(tooMany, LOOPBACK[4], server.port);
      expect(sockets.isConnected(tooMany)).to.equal(false);
    } finally {
      descriptors.closeAll();
      server.close();
    }
  });

  it('13: its masks are made of the EPOLL constants', () => {
    expect(READ_ONLY).to.equal(EPOLLIN | EPOLLPRI | EPOLLHUP | EPOLLERR);
    expect(READ_WRITE).to.equal(READ_ONLY | EPOLLOUT);
    for (const file of ['echo-server.ts', 'echo-connection.ts']) {
      const source = readFileSync(new URL(`../../../../docs/examples/${file}`, import.meta.url), 'utf8');
      expect(source)
        .to.match(/\bEPOLLERR\b/)
        .and.not.match(/\bPOLL(IN|PRI|OUT|ERR|HUP)\b/);
    }
  });

  it('derives the mask of a connection from its state', () => {
    const connection = new EchoConnection(3, 1, 'peer');
    expect(connection.wantedInterest).to.equal(READ_ONLY);
    connection.enqueue(new Uint8Array(MESSAGE_SIZE));
    expect(connection.wantedInterest).to.equal(READ_WRITE);
    while (connection.hasRoom) connection.enqueue(new Uint8Array(MESSAGE_SIZE));
    expect(connection.queuedBytes).to.equal(QUEUE_LIMIT);
    expect(connection.wantedInterest & EPOLLIN).to.equal(0);
    connection.consume(1);
    expect(connection.nextMessage()).to.have.length(MESSAGE_SIZE - 1);
    connection.consume(MESSAGE_SIZE - 1);
    expect(connection.wantedInterest).to.equal(READ_WRITE);
    connection.finished = true;
    expect(connection.wantedInterest & EPOLLIN).to.equal(0);
    connection.dropQueue();
    expect(connection.nextMessage()).to.equal(undefined);
    connection.consume(1);
    expect(connection.queuedBytes).to.equal(0);
  });

  it('gives everything back where its port is in use', () => {
    const server = new EpollEchoServer({ port: 0, log: () => undefined });
    const before = openDescriptors();
    try {
      expect(() => new EpollEchoServer({ port: server.port, log: () => undefined })).to.throw('EADDRINUSE');
      expect(openDescriptors()).to.equal(before);
    } finally {
      server.close();
    }
  });
});
