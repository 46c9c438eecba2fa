/** Decoders of the resolver: DNS answers, and the files of the system. */

import { encode } from 'dns-packet';
import { parseHosts } from '../../../src/dns/hosts.js';
import { decodeAnswer } from '../../../src/dns/message.js';
import { normalizeName } from '../../../src/dns/name.js';
import { parseResolvConf } from '../../../src/dns/resolv-conf.js';
import { type FuzzTarget, must } from '../target.js';

const QUESTION = { id: 0x1234, type: 'A', name: 'www.example.com' } as const;
const RESPONSE = 0x8180;

function answer(answers: Parameters<typeof encode>[0]['answers'], flags = RESPONSE): Uint8Array {
  const questions = [{ type: QUESTION.type, name: QUESTION.name, class: 'IN' as const }];
  return encode({ type: 'response', id: QUESTION.id, flags: flags & 0x7fff, questions, answers: answers ?? [] });
}

const dnsAnswer: FuzzTarget = {
  name: 'DNS answer',
  corpus: [
    answer([{ type: 'A', name: QUESTION.name, ttl: 60, data: '192.0.2.1' }]),
    answer([
      { type: 'CNAME', name: QUESTION.name, ttl: 60, data: 'a.example.com' },
      { type: 'CNAME', name: 'a.example.com', ttl: 60, data: 'b.example.com' },
      { type: 'A', name: 'b.example.com', ttl: 60, data: '192.0.2.1' },
      { type: 'A', name: 'b.example.com', ttl: 1, data: '192.0.2.2' },
    ]),
    answer([], RESPONSE | 3),
    answer([], RESPONSE | 0x200),
  ],
  run(input) {
    const decoded = decodeAnswer(input, QUESTION);
    return decoded.kind !== 'mismatch' && decoded.kind !== 'malformed';
  },
};

function textTarget(name: string, corpus: readonly string[], run: (text: string) => boolean): FuzzTarget {
  return {
    name,
    corpus: corpus.map((text) => new TextEncoder().encode(text)),
    run: (input) => run(Buffer.from(input).toString('utf8')),
  };
}

export const NAME_TARGETS: readonly FuzzTarget[] = [
  dnsAnswer,
  textTarget(
    'host name',
    ['example.com', 'EXAMPLE.com.', 'bücher.example', 'a_b-c.0x', '127.1', 'xn--bcher-kva.example'],
    (text) => {
      const name = normalizeName(text);
      if (name === undefined) return false;
      must(normalizeName(name) === name, 'a normal name stays as it is');
      return true;
    },
  ),
  textTarget(
    '/etc/hosts',
    ['127.0.0.1 localhost\n::1 localhost ip6-localhost # this machine\n', '192.0.2.1\ta b c\n\n#\n'],
    (text) => parseHosts(text).size > 0,
  ),
  textTarget(
    '/etc/resolv.conf',
    [
      'nameserver 192.0.2.1\nsearch example.com example.org\noptions ndots:2 timeout:1 attempts:3 rotate\n',
      'nameserver ::1\nnameserver fe80::1%eth0\ndomain a\n;x\n',
    ],
    (text) => parseResolvConf(text).search.length > 0,
  ),
];
