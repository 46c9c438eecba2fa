/** The library, given settings that cannot be: one sentence each, and nothing has started. */

import { expect } from 'chai';
import { type LocalSettings, type ServerSettings, StartError, startLocal, startServer } from '../../../src/umbra.js';

const ENDPOINT = { host: '127.0.0.1', port: 0, method: 'aes-128-gcm', password: 'p' } as const;
const SERVER = { ...ENDPOINT, port: 8388 };
const INLET = { host: '127.0.0.1', port: 0, users: [] };
/** What the types refuse, as a JavaScript program may pass it. */
const anything = (value: unknown): never => value as never;

async function refusal(started: Promise<unknown>): Promise<string> {
  try {
    await started;
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  return 'started';
}

describe('settings of a server that cannot be', () => {
  for (const [settings, sentence] of [
    [{ listen: [] }, 'listen must be a list with at least one entry.'],
    [{ listen: anything(undefined) }, 'listen must be a list with at least one entry.'],
    [{ listen: [anything(null)] }, 'listen[0] is null: it must be an object.'],
    [
      { listen: [{ ...ENDPOINT, port: 70_000 }] },
      'listen[0].port is 70000: it must be a whole number from 0 to 65535.',
    ],
    [
      { listen: [ENDPOINT, { ...ENDPOINT, port: -1 }] },
      'listen[1].port is -1: it must be a whole number from 0 to 65535.',
    ],
    [
      { listen: [{ ...ENDPOINT, port: anything('80') }] },
      'listen[0].port is "80": it must be a whole number from 0 to 65535.',
    ],
    [{ listen: [{ ...ENDPOINT, host: '' }] }, 'listen[0].host is "": it must be a host name or an address.'],
    [
      { listen: [{ ...ENDPOINT, method: anything('aes-1-gcm') }] },
      'listen[0].method is "aes-1-gcm": it must be one of ',
    ],
    [{ listen: [{ ...ENDPOINT, method: anything('toString') }] }, 'listen[0].method is "toString": it must be one of '],
    [{ listen: [{ ...ENDPOINT, password: anything(undefined) }] }, 'listen[0].password must be a text.'],
    [{ listen: [ENDPOINT], workers: 0 }, 'workers is 0: it must be a whole number from 1 to 1024.'],
    [{ listen: [ENDPOINT], workers: 1.5 }, 'workers is 1.5: it must be a whole number from 1 to 1024.'],
    [{ listen: [ENDPOINT], connectTimeoutMs: 0 }, 'connectTimeoutMs is 0: it must be a whole number from 1.'],
    [{ listen: [ENDPOINT], probeTimeoutMs: -1 }, 'probeTimeoutMs is -1: it must be a whole number from 0.'],
  ] as readonly [Partial<ServerSettings> & Pick<ServerSettings, 'listen'>, string][]) {
    it(`are told: ${sentence}`, async () => {
      expect(await refusal(startServer(settings))).to.satisfy((message: string) => message.startsWith(sentence));
    });
  }
});

describe('settings of a client that cannot be', () => {
  for (const [settings, sentence] of [
    [{ servers: [] }, 'servers must be a list with at least one entry.'],
    [{ servers: [ENDPOINT] }, 'servers[0].port is 0: it must be a whole number from 1 to 65535.'],
    [{ servers: [SERVER], inlets: [] }, 'inlets must be a list with at least one entry.'],
    [{ servers: [SERVER], inlets: [INLET, { ...INLET, port: Number.NaN }] }, 'inlets[1].port is NaN: it must be '],
    [{ servers: [SERVER], udpMaxAssociations: 0 }, 'udpMaxAssociations is 0: it must be a whole number from 1.'],
  ] as readonly [Partial<LocalSettings> & Pick<LocalSettings, 'servers'>, string][]) {
    it(`are told: ${sentence}`, async () => {
      expect(await refusal(startLocal(settings))).to.satisfy((message: string) => message.startsWith(sentence));
    });
  }
});

describe('a drain time-out that is no number', () => {
  it('ends everything at once', async () => {
    const running = await startServer({ listen: [ENDPOINT], workers: 1 });
    await running.stop(Number.NaN);
    await running.ended;
  });
});

describe('a setting that is there as undefined', () => {
  it('takes its default', async () => {
    const running = await startServer({
      listen: [ENDPOINT],
      workers: anything(undefined),
      egressAllow: anything(undefined),
    });
    expect(running.addresses).to.have.length(1);
    expect(running.addresses[0].port).to.be.greaterThan(0);
    await running.stop(0);
  });
});
